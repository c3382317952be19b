/// A point in time as records and expiries have it: milliseconds since 1970-01-01T00:00:00Z.
package struct UnixTime: Sendable {
  /// Since 1970; negative before it.
  package var milliseconds: Int64
  /// The second it is in: rounded down.
  package var seconds: Int64 { UTCTime.seconds(milliseconds) }

  /// The point that many milliseconds after the beginning of 1970.
  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// The system's clock, read now.
  package static func now() -> UnixTime {
    UnixTime(milliseconds: SystemClock.wallNanoseconds() / 1_000_000)
  }
}
