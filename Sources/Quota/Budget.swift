/// The bounds of one calendar period, in Unix milliseconds: from `start` (included) to `end` (not
/// included).
struct CalendarWindow: Equatable, Sendable {
  let start: Int64
  let end: Int64

  func contains(_ time: Int64) -> Bool { start <= time && time < end }
}

/// A calendar budget: what is used (settled) and what is reserved in the current window.
struct Budget: Equatable {
  let unit: CalendarUnit
  private(set) var amount: Int64
  private(set) var window: CalendarWindow
  private(set) var used: Int64
  private(set) var reserved: Int64

  init(unit: CalendarUnit, amount: Int64, window: CalendarWindow) {
    self.unit = unit
    self.amount = amount
    self.window = window
    used = 0
    reserved = 0
  }

  /// A budget from a checkpoint. Nil where no budget can have these values.
  init?(
    unit: CalendarUnit, amount: Int64, window: CalendarWindow, used: Int64, reserved: Int64
  ) {
    guard amount > 0, used >= 0, reserved >= 0, window.start < window.end,
      window.end.minusSaturating(window.start) <= unit.millisecondsMax
    else { return nil }
    self.init(unit: unit, amount: amount, window: window)
    self.used = used
    self.reserved = reserved
  }

  var isUntouched: Bool { used == 0 && reserved == 0 }
  /// What can still be reserved; never below 0.
  var remaining: Int64 { max(0, amount.minusSaturating(used.plusSaturating(reserved))) }

  /// Starts a new window with nothing used, when the old window has ended. `current` is the window
  /// that contains `now`.
  ///
  /// When a reload changes the time zone, the window keeps its bounds until its end. `current` may
  /// then start some hours before or after that end. If its start is nearer to the old window's
  /// start than to the old window's end, it is the same day, week or month in the new time zone:
  /// the old window is then prolonged, so that the budget is not given twice.
  mutating func advance(to now: Int64, current: CalendarWindow) {
    guard now >= window.end else { return }
    let sinceStart = current.start.minusSaturating(window.start)
    if sinceStart < window.end.minusSaturating(current.start) {
      window = CalendarWindow(start: window.start, end: current.end)
    } else {
      begin(current)
    }
  }

  private mutating func begin(_ next: CalendarWindow) {
    window = next
    used = 0
    reserved = 0
  }

  mutating func reserve(_ units: Int64) { reserved = max(0, reserved.plusSaturating(units)) }

  /// Replaces a reservation by the final charge. Where the window of the admission, which began at
  /// `start`, has ended, nothing changes.
  mutating func settle(reserved units: Int64, final: Int64, window start: Int64?) {
    guard start == window.start else { return }
    // It would be below 0 only for a reservation that was made before the limit's `per` changed.
    reserved = max(0, reserved.minusSaturating(units))
    used = max(0, used.plusSaturating(final))
  }

  /// Reserves again what an admission record says, in the window that began at `start`. A later
  /// window than this budget's replaces it; an earlier one has ended and changes nothing.
  mutating func replay(_ units: Int64, window start: Int64?, current: CalendarWindow) {
    guard let start, start >= window.start else { return }
    if start > window.start {
      begin(CalendarWindow(start: start, end: max(current.end, start.plusSaturating(1))))
    }
    reserve(units)
  }

  mutating func adopt(amount: Int64) { self.amount = amount }
}
