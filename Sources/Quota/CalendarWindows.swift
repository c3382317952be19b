import Foundation

/// Computes the calendar windows of a time zone, with its daylight saving time, and caches the
/// current ones.
///
/// A day begins with its first instant in that time zone (not always 0:00), a week with its Monday,
/// a month with its first day.
struct CalendarWindows: Sendable {
  let timeZone: String
  /// Since when the time that the table is given runs without a step, in Unix milliseconds.
  var sinceMs: Int64 = 0
  /// How far the time that budgets go by is ahead of the table's: that of the store that they are
  /// shared through.
  var aheadMs: Int64 = 0
  private let calendar: Calendar
  private var cached: [CalendarWindow]

  /// `timeZone` is an IANA name. The policy loader has checked it; an unknown one means UTC.
  init(timeZone: String) {
    self.timeZone = timeZone
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: timeZone) ?? .gmt
    calendar.firstWeekday = 2
    calendar.minimumDaysInFirstWeek = 4
    self.calendar = calendar
    cached = CalendarUnit.allCases.map { _ in CalendarWindow(start: 0, end: 0) }
  }

  /// The window that contains `now`.
  mutating func current(_ unit: CalendarUnit, now: Int64) -> CalendarWindow {
    let known = cached[unit.rawValue]
    if known.contains(now) { return known }
    let window = computed(unit, now: now)
    cached[unit.rawValue] = window
    return window
  }

  /// The window that an instant of a record is in, whatever the record says; nil for no instant that
  /// there can be.
  func containing(_ instant: Int64, _ unit: CalendarUnit) -> CalendarWindow? {
    (0...Self.instantMax).contains(instant) ? computed(unit, now: instant) : nil
  }

  /// The end of the year 9999, the last that records can name.
  private static let instantMax: Int64 = 253_402_300_799_999

  private func computed(_ unit: CalendarUnit, now: Int64) -> CalendarWindow {
    let component: Calendar.Component =
      switch unit {
      case .day: .day
      case .week: .weekOfYear
      case .month: .month
      }
    let date = Date(timeIntervalSince1970: Double(now) / 1_000)
    guard let interval = calendar.dateInterval(of: component, for: date) else {
      return CalendarWindow(start: now, end: now.plusSaturating(unit.millisecondsMax / 2))
    }
    // Whatever Foundation answers, the window must contain `now`: else it would be computed for
    // ever.
    let start = Int64((interval.start.timeIntervalSince1970 * 1_000).rounded())
    let end = Int64((interval.end.timeIntervalSince1970 * 1_000).rounded())
    return CalendarWindow(start: min(start, now), end: max(end, now + 1))
  }
}
