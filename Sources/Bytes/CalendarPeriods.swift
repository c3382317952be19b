import Foundation

/// The days, weeks and months of a time zone, with its daylight saving time.
///
/// A day begins with its first instant in that time zone (not always 0:00), a week with its Monday,
/// a month with its first day.
package struct CalendarPeriods: Sendable {
  package enum Unit: Sendable { case day, week, month }

  private let calendar: Calendar

  /// `timeZone` is an IANA name; an unknown one means UTC.
  package init(timeZone: String) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: timeZone) ?? .gmt
    calendar.firstWeekday = 2
    calendar.minimumDaysInFirstWeek = 4
    self.calendar = calendar
  }

  /// The period that a moment is in: when it begins, and when the next one does, in Unix milliseconds. Nil
  /// where Foundation knows none.
  package func period(_ unit: Unit, containing time: Int64) -> (start: Int64, end: Int64)? {
    let component: Calendar.Component =
      switch unit {
      case .day: .day
      case .week: .weekOfYear
      case .month: .month
      }
    let date = Date(timeIntervalSince1970: Double(time) / 1_000)
    guard let interval = calendar.dateInterval(of: component, for: date) else { return nil }
    return (
      Int64((interval.start.timeIntervalSince1970 * 1_000).rounded()),
      Int64((interval.end.timeIntervalSince1970 * 1_000).rounded())
    )
  }
}
