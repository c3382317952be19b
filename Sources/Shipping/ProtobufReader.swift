/// Reads a protobuf message's fields one by one (protobuf.dev, Encoding). Strict about lengths; a
/// field that nobody asked for is passed over.
struct ProtobufReader {
  enum Value: Equatable {
    case varint(UInt64)
    case bytes([UInt8])
    case fixed64(UInt64)
    case fixed32(UInt32)
  }

  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Every field in order; nil where the message is malformed.
  static func fields(_ bytes: [UInt8]) -> [(number: Int, value: Value)]? {
    var reader = ProtobufReader(bytes)
    var fields: [(number: Int, value: Value)] = []
    while reader.at < bytes.count {
      guard let field = reader.field() else { return nil }
      fields.append(field)
    }
    return fields
  }

  private mutating func field() -> (number: Int, value: Value)? {
    guard let tag = varint(), tag <= UInt64(UInt32.max), tag >> 3 > 0 else { return nil }
    let number = Int(tag >> 3)
    switch tag & 7 {
    case 0: return varint().map { (number, .varint($0)) }
    case 1: return fixed(8).map { (number, .fixed64($0)) }
    case 2:
      guard let count = varint(), count <= UInt64(bytes.count - at) else { return nil }
      let content = Array(bytes[at..<(at + Int(count))])
      at += Int(count)
      return (number, .bytes(content))
    case 5: return fixed(4).map { (number, .fixed32(UInt32($0))) }
    // Groups are no part of proto3.
    default: return nil
    }
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift: UInt64 in stride(from: 0, to: 70, by: 7) {
      guard at < bytes.count else { return nil }
      let byte = bytes[at]
      at += 1
      if shift == 63, byte > 1 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private mutating func fixed(_ count: Int) -> UInt64? {
    guard bytes.count - at >= count else { return nil }
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[at + index]) << UInt64(8 * index) }
    at += count
    return value
  }
}
