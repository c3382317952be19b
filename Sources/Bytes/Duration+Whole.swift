// Durations as whole numbers, for settings that are compared with clocks and for C.

extension Duration {
  /// The duration in nanoseconds, cut off towards zero; what an Int64 cannot hold (292 years) is the
  /// largest or smallest that it can.
  package var wholeNanoseconds: Int64 { whole(perSecond: 1_000_000_000) }

  /// The duration in milliseconds, in the same way.
  package var wholeMilliseconds: Int64 { whole(perSecond: 1000) }

  @inline(__always)
  private func whole(perSecond: Int64) -> Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: perSecond)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, over) = product.addingReportingOverflow(
      attoseconds / (1_000_000_000_000_000_000 / perSecond))
    return over ? (seconds < 0 ? .min : .max) : sum
  }
}
