package import Transport

extension MonotonicTime {
  /// The kernel's monotonic clock, read now.
  package static var now: MonotonicTime {
    MonotonicTime(nanoseconds: Kernel.monotonicNanoseconds())
  }

  static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    MonotonicTime(nanoseconds: time.nanoseconds + duration.wholeNanoseconds)
  }

  static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

extension Duration {
  /// Clamped to what 64 bits hold (292 years).
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let whole = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if whole.overflow { return seconds < 0 ? Int64.min / 2 : Int64.max / 2 }
    return whole.partialValue + attoseconds / 1_000_000_000
  }
}
