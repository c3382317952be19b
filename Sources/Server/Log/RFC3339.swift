/// Moments as RFC 3339 writes them in UTC: `2026-11-22T20:17:10.123Z`.
package enum RFC3339 {
  /// With milliseconds, rounded down.
  package static func string(wallNanoseconds: Int64) -> String {
    let milliseconds = floorDivide(wallNanoseconds, 1_000_000)
    let seconds = floorDivide(milliseconds, 1000)
    return dateAndTime(seconds) + "." + padded(milliseconds - seconds * 1000, 3) + "Z"
  }

  /// Whole seconds since 1970.
  package static func string(wallSeconds: Int64) -> String {
    dateAndTime(wallSeconds) + "Z"
  }

  private static func dateAndTime(_ seconds: Int64) -> String {
    let days = floorDivide(seconds, 86_400)
    let rest = seconds - days * 86_400
    let (year, month, day) = date(daysSince1970: days)
    let time = [rest / 3600, rest / 60 % 60, rest % 60].map { padded($0, 2) }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
      + time.joined(separator: ":")
  }

  /// The proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
  private static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
