/// A point in time as records and expiries have it: milliseconds since 1970-01-01T00:00:00Z.
package struct UnixTime: Sendable {
  package var milliseconds: Int64
  package var seconds: Int64 { milliseconds / 1000 }

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// The system's clock, read now.
  package static func now() -> UnixTime {
    UnixTime(milliseconds: SystemClock.wallNanoseconds() / 1_000_000)
  }
}
