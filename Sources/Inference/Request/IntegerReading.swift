/// The value of a JSON number, read exactly and in constant space, if it is an integer from 1 to a
/// maximum: `100`, `100.0`, `1e2` and `10000e-2` are all one hundred.
struct IntegerReading {
  /// Digits that 2³¹ has; a number with more significant ones is too large or no integer.
  private static let digitsMax = 10
  /// Far past what digits of a body could outweigh.
  private static let exponentMax = 1 << 50

  private enum Part { case integer, fraction, exponent }

  private var part = Part.integer
  private var isNegative = false
  /// The digits up to the last that is not zero, as a number; and how many those are.
  private var significand = 0
  private var significantDigits = 0
  /// Zeros after them.
  private var pendingZeros = 0
  private var fractionDigits = 0
  private var exponent = 0
  private var exponentIsNegative = false

  /// Takes the next byte of the number, whose grammar has been checked.
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

  /// The value, where it is an integer from 1 to `maximum` (at most 2³¹).
  func value(upTo maximum: Int) -> Int? {
    guard !isNegative, significantDigits > 0, significantDigits <= Self.digitsMax else {
      return nil
    }
    // The significand ends in a digit that is not zero: a negative scale leaves a fraction.
    let scale = pendingZeros - fractionDigits + (exponentIsNegative ? -exponent : exponent)
    // More digits than that would not fit an Int either: 9999999999e9.
    guard scale >= 0, scale <= Self.digitsMax - significantDigits else { return nil }
    var value = significand
    for _ in 0..<scale { value *= 10 }
    return value <= maximum ? value : nil
  }
}
