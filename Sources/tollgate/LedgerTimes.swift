import Bytes
import Server

/// Reads the times of `--since` and `--until`.
enum LedgerTimes {
  /// The flag's time in Unix milliseconds: the beginning of a day (UTC), a time (RFC 3339) or a
  /// duration ago. nil where it is not given, or wrong, which is then a problem.
  static func value(_ name: String, _ arguments: inout ParsedArguments) -> Int64? {
    let expected =
      "a day (2026-11-22), a moment (2026-11-22T20:17:10Z, 2026-11-22T21:17:10.5+01:00) or a "
      + "duration ago (1h)"
    let nowMs = SystemClock.wallNanoseconds() / 1_000_000
    return arguments.optionalValue(name, expected: expected) { text in
      UTCTime.dayStart(text) ?? UTCTime.moment(text)
        ?? DurationText.parse(text).map { nowMs - Int64($0 / .milliseconds(1)) }
    }
  }
}
