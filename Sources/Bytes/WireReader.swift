// The types that replies and requests go through are `public`, their members `package`: the compiler
// inlines members into other targets only where the type is public.

/// Why bytes are not the message they should be. Says where, never what the bytes were.
public enum WireError: Error, Equatable, Sendable {
  /// The message ends inside a field that began at `offset`.
  case truncated(offset: Int)
  /// A varint of more than ten bytes, field number 0 or past 2²⁹−1, or a wire type that does not exist.
  case malformed(offset: Int)
  /// A field of a wire type that its number does not have.
  case wrongType(field: Int)
  /// A singular field that is there twice: protobuf would merge or take the last, two readers
  /// might not agree which, and Envoy never writes it.
  case repeated(field: Int)
  /// An enum value or a length past what the field can mean.
  case outOfRange(field: Int)
}

/// One field as it stands in a message (protobuf encoding, "message structure").
public struct WireField {
  public enum Kind: UInt8 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
  }

  public let number: Int
  public let kind: Kind
  /// The value of a varint or a fixed-width field.
  public let value: UInt64
  /// Where a length-delimited field's content stands.
  public let range: Range<Int>

  @inlinable @inline(__always)
  init(number: Int, kind: Kind, value: UInt64, range: Range<Int>) {
    self.number = number
    self.kind = kind
    self.value = value
    self.range = range
  }

  /// The content's range; throws where the field is not length-delimited.
  @inlinable @inline(__always)
  package func content() throws(WireError) -> Range<Int> {
    guard kind == .bytes else { throw .wrongType(field: number) }
    return range
  }

  /// The value of a varint; throws where the field is something else.
  @inlinable @inline(__always)
  package func varint() throws(WireError) -> UInt64 {
    guard kind == .varint else { throw .wrongType(field: number) }
    return value
  }
}

/// Walks the fields of one message inside a span, without copying. Groups (wire types 3 and 4)
/// are not part of proto3 and are refused.
public struct WireReader {
  @usableFromInline var position: Int
  @usableFromInline let end: Int

  @inlinable
  package init(_ range: Range<Int>) {
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, nil at the message's end.
  @inlinable @inline(__always)
  package mutating func next(in bytes: Span<UInt8>) throws(WireError) -> WireField? {
    guard position < end else { return nil }
    let start = position
    let tag = try varint(in: bytes, fieldStart: start)
    let number = Int(truncatingIfNeeded: tag >> 3)
    guard tag >> 3 >= 1, tag >> 3 < 1 << 29 else { throw .malformed(offset: start) }
    switch tag & 7 {
    case 0:
      let value = try varint(in: bytes, fieldStart: start)
      return WireField(number: number, kind: .varint, value: value, range: 0..<0)
    case 2:
      let count = try varint(in: bytes, fieldStart: start)
      guard count <= UInt64(end - position) else { throw .truncated(offset: start) }
      let content = position..<position + Int(count)
      position = content.upperBound
      return WireField(number: number, kind: .bytes, value: 0, range: content)
    case 1:
      let value = try fixed(8, in: bytes, fieldStart: start)
      return WireField(number: number, kind: .fixed64, value: value, range: 0..<0)
    case 5:
      let value = try fixed(4, in: bytes, fieldStart: start)
      return WireField(number: number, kind: .fixed32, value: value, range: 0..<0)
    default:
      throw .malformed(offset: start)
    }
  }

  @inlinable @inline(__always)
  mutating func varint(
    in bytes: Span<UInt8>, fieldStart: Int
  ) throws(WireError) -> UInt64 {
    guard position < end else { throw .truncated(offset: fieldStart) }
    let first = bytes[position]
    position += 1
    if first < 0x80 { return UInt64(first) }
    return try longVarint(first, in: bytes, fieldStart: fieldStart)
  }

  @usableFromInline
  mutating func longVarint(
    _ first: UInt8, in bytes: Span<UInt8>, fieldStart: Int
  ) throws(WireError) -> UInt64 {
    var value = UInt64(first & 0x7f)
    var shift: UInt64 = 7
    while true {
      guard position < end else { throw .truncated(offset: fieldStart) }
      guard shift < 70 else { throw .malformed(offset: fieldStart) }
      let byte = bytes[position]
      position += 1
      if shift == 63, byte > 1 { throw .malformed(offset: fieldStart) }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  @usableFromInline
  mutating func fixed(
    _ width: Int, in bytes: Span<UInt8>, fieldStart: Int
  ) throws(WireError) -> UInt64 {
    guard end - position >= width else { throw .truncated(offset: fieldStart) }
    var value: UInt64 = 0
    for index in 0..<width {
      value |= UInt64(bytes[position + index]) << UInt64(8 * index)
    }
    position += width
    return value
  }
}
