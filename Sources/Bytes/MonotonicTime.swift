/// A point on the monotonic clock, in nanoseconds. Machines are handed it; only loops read the clock.
package struct MonotonicTime: Comparable, Hashable, Sendable {
  package var nanoseconds: Int64

  /// The point that many nanoseconds after the clock's zero.
  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Later than any other point.
  package static let never = MonotonicTime(nanoseconds: .max)

  package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

  /// The point `duration` later; `never` where that is past the clock's end.
  package func advanced(by duration: Duration) -> MonotonicTime {
    advanced(byNanoseconds: duration.wholeNanoseconds)
  }

  /// The point so many nanoseconds later; `never` where that is past the clock's end.
  package func advanced(byNanoseconds nanoseconds: Int64) -> MonotonicTime {
    let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
    return overflow ? .never : MonotonicTime(nanoseconds: sum)
  }
}

extension MonotonicTime {
  /// The clock, read now.
  package static var now: MonotonicTime {
    MonotonicTime(nanoseconds: SystemClock.monotonicNanoseconds())
  }

  package static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    time.advanced(by: duration)
  }

  package static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

extension Duration {
  /// The duration in nanoseconds, cut off below, at most what an Int64 holds (292 years).
  package var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, over) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    return over ? .max : sum
  }
}
