/// The part of a message that EnvoyAPI looks at: its fields by number.
final class WireSchema: Sendable {
  enum Field: Sendable {
    case varint
    case double
    case text
    case bytes
    case message(@Sendable () -> WireSchema)
    /// Repeated: a list or a map.
    case messages(@Sendable () -> WireSchema)
    /// The map `attributes`, of which only the last entry with `attributesKey` is looked into.
    case attributes(@Sendable () -> WireSchema)
  }

  static let attributesKey = Array("envoy.filters.http.ext_proc".utf8)

  let fields: [Int: Field]
  /// The fields that exclude each other.
  let oneof: Range<Int>

  init(_ fields: [Int: Field], oneof: Range<Int> = 0..<0) {
    self.fields = fields
    self.oneof = oneof
  }

  static let processingRequest = WireSchema(
    [
      2: .message { httpHeaders }, 3: .message { httpHeaders },
      4: .message { httpBody }, 5: .message { httpBody },
      6: .message { httpTrailers }, 7: .message { httpTrailers },
      8: .message { metadata }, 9: .attributes { structEntry }, 10: .varint,
      11: .message { protocolConfiguration },
    ], oneof: 2..<8)
  static let checkRequest = WireSchema([1: .message { attributeContext }])

  private static let httpHeaders = WireSchema([1: .message { headerMap }, 3: .varint])
  private static let httpBody = WireSchema([1: .bytes, 2: .varint, 3: .varint])
  private static let httpTrailers = WireSchema([1: .message { headerMap }])
  private static let headerMap = WireSchema([1: .messages { headerValue }])
  private static let headerValue = WireSchema([1: .text, 2: .text, 3: .bytes])
  private static let protocolConfiguration = WireSchema([1: .varint, 2: .varint])
  private static let metadata: WireSchema = .init([1: .messages { structEntry }])
  private static let structEntry: WireSchema = .init([1: .text, 2: .message { structure }])
  private static let structure: WireSchema = .init([1: .messages { valueEntry }])
  private static let valueEntry: WireSchema = .init([1: .text, 2: .message { value }])
  private static let value: WireSchema = .init(
    [
      1: .varint, 2: .double, 3: .text, 4: .varint, 5: .message { structure },
      6: .message { list },
    ], oneof: 1..<7)
  private static let list: WireSchema = .init([1: .messages { value }])
  private static let attributeContext = WireSchema([
    1: .message { peer }, 4: .message { request }, 11: .message { metadata },
  ])
  private static let peer = WireSchema([1: .message { address }, 4: .text])
  private static let address = WireSchema(
    [1: .message { socketAddress }, 2: .message { pipe }], oneof: 1..<3)
  private static let socketAddress = WireSchema([2: .text, 3: .varint])
  private static let pipe = WireSchema([1: .text])
  private static let request = WireSchema([2: .message { httpRequest }])
  private static let httpRequest = WireSchema([
    1: .text, 2: .text, 3: .messages { textEntry }, 4: .text, 5: .text, 9: .varint, 11: .text,
    12: .bytes, 13: .message { headerMap },
  ])
  private static let textEntry = WireSchema([1: .text, 2: .text])
}

/// A second reader of the wire format, slow, and without any code of EnvoyAPI: it takes a message apart and
/// writes again, in the shortest encoding, the fields that the schema names. So it removes exactly what
/// EnvoyAPI skips and protobuf-c would read.
enum Stripper {
  /// Nil where the message itself is malformed. A malformed nested message becomes an empty one: a reader
  /// that looks into it must refuse it.
  static func strip(_ message: [UInt8], _ schema: WireSchema) -> [UInt8]? {
    var rest = message[...]
    var result: [UInt8] = []
    var attributes: [UInt8] = []
    while !rest.isEmpty {
      guard let tag = varint(&rest), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return nil }
      var content: [UInt8] = []
      switch tag & 7 {
      case 0:
        guard let value = varint(&rest) else { return nil }
        content = WireBytes.varint(value)
      case 1, 5:
        let count = tag & 7 == 1 ? 8 : 4
        guard rest.count >= count else { return nil }
        content = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
      case 2:
        guard let count = varint(&rest), count <= UInt64(rest.count) else { return nil }
        content = Array(rest.prefix(Int(count)))
        rest = rest.dropFirst(Int(count))
      default: return nil
      }
      switch (schema.fields[Int(tag >> 3)], tag & 7) {
      case (nil, _): continue
      case (.varint, 0), (.double, 1): result += WireBytes.varint(tag) + content
      case (.text, 2), (.bytes, 2): result += WireBytes.delimited(Int(tag >> 3), content)
      case (.message(let nested), 2), (.messages(let nested), 2):
        result += WireBytes.delimited(Int(tag >> 3), strip(content, nested()) ?? [])
      case (.attributes(let nested), 2):
        guard key(of: content) == WireSchema.attributesKey else { continue }
        attributes = WireBytes.delimited(Int(tag >> 3), strip(content, nested()) ?? [])
      default: return nil
      }
    }
    return result + attributes
  }

  /// The last key of a map entry.
  private static func key(of entry: [UInt8]) -> [UInt8] {
    var rest = (strip(entry, WireSchema([1: .text])) ?? [])[...]
    var key: [UInt8] = []
    while !rest.isEmpty {
      rest = rest.dropFirst()
      let count = Int(varint(&rest) ?? 0)
      key = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return key
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    guard let end = rest.prefix(10).firstIndex(where: { $0 < 0x80 }) else { return nil }
    let groups = Array(rest[rest.startIndex...end])
    rest = rest[(end + 1)...]
    if groups.count == 10, groups[9] > 1 { return nil }
    return groups.reversed().reduce(0) { $0 << 7 | UInt64($1 & 0x7f) }
  }
}

/// Writes the wire format in the simplest way.
enum WireBytes {
  static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
  }

  static func delimited(_ field: Int, _ content: [UInt8]) -> [UInt8] {
    varint(UInt64(field << 3 | 2)) + varint(UInt64(content.count)) + content
  }
}
