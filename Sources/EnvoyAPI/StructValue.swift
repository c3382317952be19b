import Bytes

/// Reads one `google.protobuf.Value` in place: its kind, and the range of its content.
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
  /// struct_value = 5, list_value = 6). The last member of the oneof counts; without any it is null. A
  /// second Struct or list is refused, because protobuf would merge the two.
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

/// Reads `google.protobuf.Struct` and other `map<string, …>` fields in place.
public enum StructFields {
  /// Calls `visit` for every entry of the map field `number` (`key = 1`, `value = 2` in each entry) with
  /// the ranges of its key and its value.
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

  /// The key and the value of a map entry. A second value is refused, because protobuf would merge the
  /// two where they are messages.
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

  /// The value of the field `name` of a `Struct` (`fields = 1`); nil where there is none. Where a name
  /// is given twice the last one counts, as in protobuf's maps.
  package static func value(
    of name: [UInt8], in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> StructValue? {
    let found = try last(in: bytes, structure) { $0.elementsEqual(name) }
    guard let found else { return nil }
    return try StructValue(in: bytes, found)
  }

  /// As above, with a name that is a literal.
  package static func value(
    of name: StaticString, in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> StructValue? {
    let found = try last(in: bytes, structure) { $0.elementsEqual(name) }
    guard let found else { return nil }
    return try StructValue(in: bytes, found)
  }

  /// The range of the string in field `name`; nil where that is absent or not a string.
  package static func string(
    _ name: [UInt8], in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    guard case .string(let range)? = try value(of: name, in: bytes, structure) else { return nil }
    return range
  }

  /// As above, with a name that is a literal.
  package static func string(
    _ name: StaticString, in bytes: Span<UInt8>, _ structure: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    guard case .string(let range)? = try value(of: name, in: bytes, structure) else { return nil }
    return range
  }

  /// The value of the last entry of a map (field 1) whose key `isWanted` accepts; nil where none is.
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

/// Reads an `envoy.config.core.v3.Metadata` in place: `filter_metadata = 1`, a map from namespaces to
/// `Struct`s.
package enum Metadata {
  /// The range of a namespace's `Struct`; nil where there is none.
  package static func structure(
    of namespace: [UInt8], in bytes: Span<UInt8>, _ metadata: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    try StructFields.last(in: bytes, metadata) { $0.elementsEqual(namespace) }
  }

  /// As above, with a namespace that is a literal.
  package static func structure(
    of namespace: StaticString, in bytes: Span<UInt8>, _ metadata: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    try StructFields.last(in: bytes, metadata) { $0.elementsEqual(namespace) }
  }
}
