/// Reads a JSON number byte by byte, to tell whether it is a token count: an integer from 0 to 2³¹,
/// written as `12` or `12.0`. Any other number counts as unknown, never as an error.
struct TokenCountReading {
  static let maximum = 1 << 31

  private var count = 0
  private var isFraction = false
  private var isValid = true

  mutating func take(_ byte: UInt8) {
    let digit = byte &- UInt8(ascii: "0")
    if digit < 10, isFraction {
      if digit != 0 { isValid = false }
    } else if digit < 10 {
      count = min(count * 10 + Int(digit), Self.maximum + 1)
    } else if byte == UInt8(ascii: "."), !isFraction {
      isFraction = true
    } else {
      isValid = false
    }
  }

  var value: Int? { isValid && count <= Self.maximum ? count : nil }
}
