/// One calendar period's bounds, in Unix milliseconds: `start` belongs to it, `end` to the next.
struct CalendarWindow: Equatable, Sendable {
  let start: Int64
  let end: Int64

  func contains(_ time: Int64) -> Bool { start <= time && time < end }
}

/// A calendar budget: what is settled and what is reserved in the window that runs.
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

  /// A budget as it was written down. Nil where none can be so.
  init?(
    unit: CalendarUnit, amount: Int64, window: CalendarWindow, used: Int64, reserved: Int64
  ) {
    guard amount > 0, window.start < window.end, used >= 0, reserved >= 0 else { return nil }
    self.init(unit: unit, amount: amount, window: window)
    self.used = used
    self.reserved = reserved
  }

  var isUntouched: Bool { used == 0 && reserved == 0 }
  /// What can still be reserved; never below 0.
  var remaining: Int64 { max(0, amount.plusSaturating(-used.plusSaturating(reserved))) }

  /// Begins anew when the window is over. `current` is the window that `now` is in.
  ///
  /// A window that runs keeps its bounds when the time zone changes under it. Its successor may then
  /// begin hours before or after its end: one that begins nearer to its start is the same day, week
  /// or month seen from the new zone, and only prolongs it, so that nobody's budget comes twice.
  mutating func advance(to now: Int64, current: CalendarWindow) {
    guard now >= window.end else { return }
    if current.start - window.start < window.end - current.start {
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

  mutating func reserve(_ units: Int64) { reserved = reserved.plusSaturating(units) }

  /// Replaces a reservation by the final charge, in the window of its admission only.
  mutating func settle(reserved units: Int64, final: Int64, window start: Int64?) {
    guard start == window.start else { return }
    // Below 0 only for a reservation that this count does not know: one of before a change of `per`.
    reserved = max(0, reserved - units)
    used = used.plusSaturating(final)
  }

  /// A recorded reservation of the window that began at `start`; one of an earlier window is over.
  mutating func replay(_ units: Int64, window start: Int64?, current: CalendarWindow) {
    guard let start, start >= window.start else { return }
    if start > window.start {
      begin(CalendarWindow(start: start, end: max(current.end, start + 1)))
    }
    reserve(units)
  }

  mutating func adopt(amount: Int64) { self.amount = amount }
}
