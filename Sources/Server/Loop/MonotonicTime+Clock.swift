package import Transport

extension MonotonicTime {
  /// The kernel's monotonic clock, read now.
  package static var now: MonotonicTime {
    MonotonicTime(nanoseconds: Kernel.monotonicNanoseconds())
  }

  static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    time.advanced(by: duration)
  }

  static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}
