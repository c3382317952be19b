import Bytes

/// Computes the calendar windows of a time zone, and caches the current ones.
struct CalendarWindows: Sendable {
  let timeZone: String
  /// Since when the time that the table is given runs without a step, in Unix milliseconds.
  var sinceMs: Int64 = 0
  /// How far the time that budgets go by is ahead of the table's: that of the store that they are
  /// shared through.
  var aheadMs: Int64 = 0
  private let periods: CalendarPeriods
  private var cached: [CalendarWindow]

  /// `timeZone` is an IANA name. The policy loader has checked it; an unknown one means UTC.
  init(timeZone: String) {
    self.timeZone = timeZone
    periods = CalendarPeriods(timeZone: timeZone)
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
    let period: CalendarPeriods.Unit =
      switch unit {
      case .day: .day
      case .week: .week
      case .month: .month
      }
    guard let (start, end) = periods.period(period, containing: now) else {
      return CalendarWindow(start: now, end: now.plusSaturating(unit.millisecondsMax / 2))
    }
    // Whatever Foundation answers, the window must contain `now`: else it would be computed for
    // ever.
    return CalendarWindow(start: min(start, now), end: max(end, now + 1))
  }
}
