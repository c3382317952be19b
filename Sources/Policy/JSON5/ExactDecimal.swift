/// A finite number exactly as it was written: `significand × 10^exponent`. No Double is involved.
struct ExactDecimal: Equatable, Sendable {
  /// Why a number is not an integer of the wanted unit: it has more decimals, or does not fit an Int64.
  enum Misfit: Error { case tooPrecise, tooLarge }

  var isNegative = false
  var significand: UInt64 = 0
  var exponent = 0
  /// Digits other than 0 were dropped, because the number has more than a UInt64 holds.
  var isRounded = false
  /// The significand has no room for another digit: further ones only raise the exponent.
  private var isFull = false

  init() {}

  init(_ integer: UInt64) {
    significand = integer
    normalize()
  }

  /// Adds the next digit, in base `radix`.
  mutating func append(digit: UInt64, radix: UInt64 = 10) {
    let (product, overflow) = significand.multipliedReportingOverflow(by: radix)
    let (sum, carry) = product.addingReportingOverflow(digit)
    if overflow || carry || isFull {
      isFull = true
      isRounded = isRounded || digit != 0 || radix != 10
      exponent += 1
    } else {
      significand = sum
    }
  }

  /// Drops trailing zeros, so that `0.50` and `0.5` are equal.
  mutating func normalize() {
    guard significand != 0 else {
      exponent = 0
      return
    }
    // The dropped digits follow right after the last one, so its zeros are not at the end.
    guard !isRounded else { return }
    while significand % 10 == 0 {
      significand /= 10
      exponent += 1
    }
  }

  var isZero: Bool { significand == 0 && !isRounded }

  /// The number times `10^power`, if that is an integer and fits an Int64.
  func integer(timesTenToThe power: Int = 0) throws(Misfit) -> Int64 {
    if isRounded { throw exponent + power >= 0 ? .tooLarge : .tooPrecise }
    if significand == 0 { return 0 }
    let shift = exponent + power
    if shift < 0 { throw .tooPrecise }
    var value = significand
    for _ in 0..<min(shift, 20) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { throw .tooLarge }
      value = product
    }
    guard value <= UInt64(Int64.max) else { throw .tooLarge }
    return isNegative ? -Int64(value) : Int64(value)
  }

  /// The product; digits that do not fit are dropped, which `isRounded` says.
  func times(_ other: ExactDecimal) -> ExactDecimal {
    let product = significand.multipliedFullWidth(by: other.significand)
    var whole = UInt128(product.high) << 64 | UInt128(product.low)
    var result = ExactDecimal()
    result.isNegative = isNegative != other.isNegative
    result.exponent = exponent + other.exponent
    result.isRounded = isRounded || other.isRounded
    while whole > UInt128(UInt64.max) {
      result.isRounded = result.isRounded || whole % 10 != 0
      whole /= 10
      result.exponent += 1
    }
    result.significand = UInt64(whole)
    result.normalize()
    return result
  }

  /// The integer that is nearest to the number times `10^power`, and whether it is equal to it. A number
  /// above 0 never becomes 0.
  func nearestInteger(
    timesTenToThe power: Int
  ) throws(Misfit) -> (value: Int64, isExact: Bool) {
    let shift = exponent + power
    if isZero || shift >= 0 { return (try integer(timesTenToThe: power), true) }
    var divisor: UInt128 = 1
    // A significand has at most 20 digits: divided by more than that, nothing is left.
    for _ in 0..<min(-shift, 21) { divisor *= 10 }
    let (quotient, rest) = UInt128(significand).quotientAndRemainder(dividingBy: divisor)
    let nearest = max(1, quotient + (rest * 2 >= divisor ? 1 : 0))
    guard nearest <= UInt128(Int64.max) else { throw .tooLarge }
    return (isNegative ? -Int64(nearest) : Int64(nearest), rest == 0 && !isRounded)
  }
}
