/// Reads a JSON number byte by byte, in constant space and exactly, to tell whether it is an integer
/// from 1 to a maximum: `100`, `100.0`, `1e2` and `10000e-2` are all one hundred.
struct IntegerReading {
  /// The digits of 2³¹. A number with more significant digits is too large, or is not an integer.
  private static let digitsMax = 10
  /// Larger exponents count as this one. No body has enough digits to make up for it.
  private static let exponentMax = 1 << 50

  private enum Part { case integer, fraction, exponent }

  private var part = Part.integer
  private var isNegative = false
  /// The digits from the first to the last that is not zero, as a number.
  private var significand = 0
  /// How many digits `significand` has.
  private var significantDigits = 0
  /// Zeros after the last digit that is not zero.
  private var pendingZeros = 0
  private var fractionDigits = 0
  private var exponent = 0
  private var exponentIsNegative = false

  /// Adds the next byte of the number, whose grammar has been checked.
  mutating func take(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "-"):
      if part == .exponent { exponentIsNegative = true } else { isNegative = true }
    case UInt8(ascii: "."):
      part = .fraction
    case UInt8(ascii: "e"), UInt8(ascii: "E"):
      part = .exponent
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      take(digit: Int(byte - UInt8(ascii: "0")))
    default:
      break  // the plus of an exponent
    }
  }

  private mutating func take(digit: Int) {
    guard part != .exponent else {
      exponent = min(exponent * 10 + digit, Self.exponentMax)
      return
    }
    if part == .fraction { fractionDigits += 1 }
    if digit == 0 {
      if significantDigits > 0 { pendingZeros += 1 }
      return
    }
    significantDigits += pendingZeros + 1
    if significantDigits <= Self.digitsMax {
      for _ in 0...pendingZeros { significand *= 10 }
      significand += digit
    }
    pendingZeros = 0
  }

  /// Whether it is above zero, an integer or not.
  var isPositive: Bool { !isNegative && significantDigits > 0 }

  /// The value if it is an integer from 1 to `maximum` (at most 2³¹), else nil.
  func value(upTo maximum: Int) -> Int? {
    guard !isNegative, significantDigits > 0, significantDigits <= Self.digitsMax else {
      return nil
    }
    // The significand's last digit is not zero, so a negative scale means a fraction.
    let scale = pendingZeros - fractionDigits + (exponentIsNegative ? -exponent : exponent)
    // More digits would be too large, and in the end overflow an Int: 9999999999e9.
    guard scale >= 0, scale <= Self.digitsMax - significantDigits else { return nil }
    var value = significand
    for _ in 0..<scale { value *= 10 }
    return value <= maximum ? value : nil
  }
}
