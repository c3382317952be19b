/// Arithmetic that stops at the ends of its range: what exceeds an Int64 exceeds every limit.
extension Int64 {
  /// The sum; `.max` or `.min` where it does not fit.
  func plusSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }

  /// The difference; `.max` or `.min` where it does not fit.
  func minusSaturating(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }

  /// The product of two numbers that are not negative; `.max` where it does not fit.
  package func timesSaturating(_ other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }

  /// The value; `.max` or `.min` where it does not fit.
  init(saturating value: Int128) { self.init(clamping: value) }
}
