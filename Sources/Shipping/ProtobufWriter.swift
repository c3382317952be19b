/// Appends protobuf fields to bytes, in the order it is told. The lengths of nested messages are
/// their caller's to know (protobuf.dev, Encoding).
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// The bytes that a varint takes.
  static func varintBytes(_ value: Int) -> Int {
    max(1, (64 - UInt64(value).leadingZeroBitCount + 6) / 7)
  }

  /// What a length-delimited field of so many bytes takes with its tag; for fields up to 15.
  static func fieldBytes(_ contentBytes: Int) -> Int {
    1 + varintBytes(contentBytes) + contentBytes
  }

  /// The tag and length of a length-delimited field whose content follows.
  mutating func open(_ field: Int, byteCount: Int) {
    varint(UInt64(field << 3 | 2))
    varint(UInt64(byteCount))
  }

  mutating func raw(_ content: [UInt8]) { bytes.append(contentsOf: content) }

  /// A string, bytes, or an encoded message.
  mutating func field(_ field: Int, _ content: [UInt8]) {
    open(field, byteCount: content.count)
    bytes.append(contentsOf: content)
  }

  mutating func field(_ field: Int, _ text: String) {
    open(field, byteCount: text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  /// A varint field: integers, enums, bools.
  mutating func field(_ field: Int, _ value: UInt64) {
    varint(UInt64(field << 3))
    varint(value)
  }

  mutating func fixed64(_ field: Int, _ value: UInt64) {
    varint(UInt64(field << 3 | 1))
    for shift: UInt64 in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  mutating func fixed32(_ field: Int, _ value: UInt32) {
    varint(UInt64(field << 3 | 5))
    for shift: UInt32 in stride(from: 0, to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  mutating func double(_ field: Int, _ value: Double) { fixed64(field, value.bitPattern) }
}
