import Bytes
import Ledger
import Server

/// Reads the times of `--since` and `--until`.
enum LedgerTimes {
  /// The flag's time in Unix milliseconds: the beginning of a day, a time (RFC 3339), a duration ago,
  /// or a word of `PeriodStart`. Days are those of `days`. nil where it is not given, or wrong, which is
  /// then a problem.
  static func value(
    _ name: String, _ arguments: inout ParsedArguments, in days: LocalDays = .utc
  ) -> Int64? {
    let expected =
      "a day (2026-11-22), a moment (2026-11-22T20:17:10Z, 2026-11-22T21:17:10.5+01:00), a "
      + "duration ago (1h) or one of \(PeriodStart.words)"
    let nowMs = UnixTime.now().milliseconds
    return arguments.optionalValue(name, expected: expected) { text in
      PeriodStart(rawValue: text)?.milliseconds(nowMs: nowMs, days)
        ?? LocalDays.day(text).map(days.start) ?? UTCTime.moment(text)
        ?? DurationText.parse(text).map { nowMs - Int64($0 / .milliseconds(1)) }
    }
  }
}
