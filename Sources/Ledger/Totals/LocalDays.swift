import Bytes
import Foundation

/// The days and months of a time zone, with its daylight saving time. A day is named by the number of days
/// from 1970-01-01 to its date.
package struct LocalDays: Sendable {
  /// The zone's IANA name.
  package let timeZone: String
  private let zone: TimeZone
  private let calendar: Calendar
  /// The quarter of an hour of the last instant, and its day: no zone's midnight is inside of one.
  private var quarter: Int64 = .min
  private var quartersDay: Int64 = 0

  private static let dayMs: Int64 = 86_400_000
  private static let quarterMs: Int64 = 900_000

  /// Nil where there is no such zone.
  package init?(timeZone name: String) {
    guard let zone = name == "UTC" ? .gmt : TimeZone(identifier: name) else { return nil }
    timeZone = name
    self.zone = zone
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    self.calendar = calendar
  }

  package static let utc = LocalDays(utc: ())

  private init(utc: Void) {
    timeZone = "UTC"
    zone = .gmt
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    self.calendar = calendar
  }

  /// The day that an instant is in.
  package mutating func day(ofMs timeMs: Int64) -> Int64 {
    let timeMs = Self.clamped(timeMs)
    let current = Self.floor(timeMs, Self.quarterMs)
    if current == quarter { return quartersDay }
    quarter = current
    quartersDay = Self.floor(timeMs + offsetMs(at: timeMs), Self.dayMs)
    return quartersDay
  }

  /// The first instant of a day: not always 0:00.
  package func start(ofDay day: Int64) -> Int64 {
    let day = min(max(day, CivilDate.daysMin), CivilDate.daysMax)
    let noon = day * Self.dayMs + Self.dayMs / 2
    let instant = noon - offsetMs(at: Self.clamped(noon))
    let start = calendar.startOfDay(for: Date(timeIntervalSince1970: Double(instant) / 1_000))
    return Int64((start.timeIntervalSince1970 * 1_000).rounded())
  }

  /// The first day of the month that a day is in, and of the month that is `months` later.
  package static func firstOfMonth(_ day: Int64, plus months: Int64 = 0) -> Int64 {
    let date = CivilDate(daysSince1970: day)
    let month = date.year * 12 + date.month - 1 + months
    let first = CivilDate(year: month / 12, month: month % 12 + 1, day: 1)
    return first?.daysSince1970 ?? day
  }

  /// `2026-11-30`
  package static func text(day: Int64) -> String {
    UTCTime.day(min(max(day, CivilDate.daysMin), CivilDate.daysMax) * dayMs)
  }

  /// `2026-11`
  package static func text(month day: Int64) -> String { String(text(day: day).prefix(7)) }

  /// Reads `2026-11-30`.
  package static func day(_ text: String) -> Int64? {
    UTCTime.dayStart(text).map { $0 / dayMs }
  }

  private func offsetMs(at timeMs: Int64) -> Int64 {
    Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(timeMs) / 1_000))) * 1_000
  }

  private static func clamped(_ timeMs: Int64) -> Int64 {
    min(max(timeMs, UTCTime.millisecondsMin + dayMs), UTCTime.millisecondsMax - dayMs)
  }

  private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
