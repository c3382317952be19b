/// The value of a `-bin` header: base64, with or without its padding (gRPC over HTTP/2,
/// Binary-Header).
enum GRPCBinaryValue {
  /// The bytes; nil where the value is not base64.
  static func decode(_ value: Span<UInt8>) -> [UInt8]? {
    var count = value.count
    while count > 0, value.count - count < 2, value[count - 1] == UInt8(ascii: "=") { count -= 1 }
    // Padding fills the value up to a multiple of four characters.
    if count < value.count, value.count % 4 != 0 { return nil }
    guard count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count / 4 * 3 + 2)
    var bits: UInt32 = 0
    var held = 0
    for index in 0..<count {
      guard let digit = digit(value[index]) else { return nil }
      bits = bits << 6 | digit
      held += 6
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      }
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
