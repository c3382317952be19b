/// Reads a JSON number byte by byte, to tell whether it is a count: an integer of 0 or more, written as
/// `12` or `12.0`. Any other number counts as unknown, never as an error.
struct TokenCountReading {
  /// The largest count; a larger number counts as this. Sums of a few of them fit into an Int, and
  /// every JSON reader takes it exactly.
  static let maximum = 1 << 53

  private var count = 0
  /// The first three digits behind the point.
  private var fraction = 0
  private var fractionDigits = 0
  /// A digit behind those three that is not 0.
  private var hasMore = false
  private var isFraction = false
  private var isValid = true

  mutating func take(_ byte: UInt8) {
    let digit = byte &- UInt8(ascii: "0")
    if digit < 10, isFraction {
      if fractionDigits < 3 {
        fraction = fraction * 10 + Int(digit)
        fractionDigits += 1
      } else if digit != 0 {
        hasMore = true
      }
    } else if digit < 10 {
      count = min(count * 10 + Int(digit), Self.maximum)
    } else if byte == UInt8(ascii: "."), !isFraction {
      isFraction = true
    } else {
      isValid = false
    }
  }

  /// The count; nil where the number is none.
  var value: Int? { isValid && fraction == 0 && !hasMore ? count : nil }

  /// The number in thousandths, rounded up; nil where it is negative or has an exponent.
  var thousandths: Int? {
    guard isValid else { return nil }
    var part = fraction
    for _ in fractionDigits..<3 { part *= 10 }
    return min(min(count, Self.maximum / 1000) * 1000 + part + (hasMore ? 1 : 0), Self.maximum)
  }
}
