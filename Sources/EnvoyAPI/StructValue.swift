import Bytes

/// One `google.protobuf.Value` in place: its kind, and where its content stands.
package enum StructValue: Equatable, Sendable {
  case null
  case number(Double)
  case string(Range<Int>)
  case bool(Bool)
  /// A nested `Struct`.
  case structure(Range<Int>)
  /// A `ListValue`: `values = 1`.
  case list(Range<Int>)

  /// Reads a `Value` (null_value = 1, number_value = 2, string_value = 3, bool_value = 4,
  /// struct_value = 5, list_value = 6). The last member of the oneof counts; none is null. A second
  /// Struct or list is refused: protobuf would merge the two.
  package init(in bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
    var result = StructValue.null
    var nested = false
    var fields = WireReader(range)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1:
        _ = try field.varint()
        result = .null
      case 2:
        guard field.kind == .fixed64 else { throw .wrongType(field: 2) }
        result = .number(Double(bitPattern: field.value))
      case 3: result = .string(try field.content())
      case 4: result = .bool(try field.varint() != 0)
      case 5, 6:
        guard !nested else { throw .repeated(field: field.number) }
        nested = true
        let content = try field.content()
        result = field.number == 5 ? .structure(content) : .list(content)
      default: break
      }
    }
    self = result
  }
}

/// `google.protobuf.Struct` and `map<string, …>` fields in place.
public enum StructFields {
  /// Visits the entries of a map field (`key = 1`, `value = 2` of each entry): the ranges of the
  /// key and of the value's message.
  @inlinable @inline(__always)
  package static func forEachEntry(
    ofMap number: Int, in bytes: Span<UInt8>, _ range: Range<Int>,
    _ visit: (_ key: Range<Int>, _ value: Range<Int>) throws(WireError) -> Void
  ) throws(WireError) {
    var entries = WireReader(range)
    while let entry = try entries.next(in: bytes) {
      guard entry.number == number else { continue }
      let (key, value) = try self.entry(in: bytes, try entry.content())
      try visit(key, value)
    }
  }

  /// The two parts of a map entry. A second value is refused: protobuf would merge messages.
  @inlinable @inline(__always)
  package static func entry(
    in bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(WireError) -> (key: Range<Int>, value: Range<Int>) {
    var key = 0..<0
    var value: Range<Int>?
    var parts = WireReader(range)
    while let part = try parts.next(in: bytes) {
      switch part.number {
      case 1: key = try part.content()
      case 2:
        guard value == nil else { throw .repeated(field: 2) }
        value = try part.content()
      default: break
      }
    }
    return (key, value ?? 0..<0)
  }

  /// The value of the field `name` of a `Struct` (`fields = 1`); nil where there is none. A name
  /// given twice takes the last, as protobuf maps do.
  package static func value(
    of name: [UInt8], in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> StructValue? {
    let found = try last(in: bytes, structure) { $0.elementsEqual(name) }
    guard let found else { return nil }
    return try StructValue(in: bytes, found)
  }

  package static func value(
    of name: StaticString, in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> StructValue? {
    let found = try last(in: bytes, structure) { $0.elementsEqual(name) }
    guard let found else { return nil }
    return try StructValue(in: bytes, found)
  }

  /// The text of the string field `name`; nil where it is absent or not a string.
  package static func string(
    _ name: [UInt8], in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    guard case .string(let range)? = try value(of: name, in: bytes, structure) else { return nil }
    return range
  }

  package static func string(
    _ name: StaticString, in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    guard case .string(let range)? = try value(of: name, in: bytes, structure) else { return nil }
    return range
  }

  /// The last value of a map (field 1) whose key is wanted.
  @inline(__always)
  fileprivate static func last(
    in bytes: Span<UInt8>, _ map: Range<Int>, where isWanted: (Span<UInt8>) -> Bool
  ) throws(WireError) -> Range<Int>? {
    var found: Range<Int>?
    try forEachEntry(ofMap: 1, in: bytes, map) { (key, value) throws(WireError) in
      if isWanted(bytes.extracting(key)) { found = value }
    }
    return found
  }
}

/// `envoy.config.core.v3.Metadata`: `filter_metadata = 1`, a map of namespace to `Struct`.
package enum Metadata {
  /// The `Struct` of a namespace; nil where there is none.
  package static func structure(
    of namespace: [UInt8], in bytes: Span<UInt8>, _ metadata: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    try StructFields.last(in: bytes, metadata) { $0.elementsEqual(namespace) }
  }

  package static func structure(
    of namespace: StaticString, in bytes: Span<UInt8>, _ metadata: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    try StructFields.last(in: bytes, metadata) { $0.elementsEqual(namespace) }
  }
}
