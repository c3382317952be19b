import Terms

/// The bounds of one calendar period, in Unix milliseconds: from `start` (included) to `end` (not
/// included).
struct CalendarWindow: Equatable, Sendable {
  let start: Int64
  let end: Int64

  func contains(_ time: Int64) -> Bool { start <= time && time < end }
}

/// A calendar budget: what is used (settled) and what is reserved in the current window, and in those
/// before.
///
/// A window that something was taken in is not forgotten when it ends: a wrong clock may have left it
/// early, and finds it again with what was spent when it is set right. The last three are kept, for
/// three times their length after their end and after the last step of the clock. What is kept depends
/// on what was taken, and when, and not on when somebody looked.
struct Budget: Equatable {
  /// How many windows are kept beside the current one.
  static let leftMax = 3

  /// A window that is not the current one, in which something was taken.
  struct Left: Equatable {
    let window: CalendarWindow
    var used: Int64
    var reserved: Int64
    /// The largest share that somebody was told of.
    var told = WarningShare(thousandths: 0)

    /// Whether it is of no use any more. `since`: when the clock last stepped; one that is far in the
    /// future was left by that, or by a step before. One that is to come soon may be the store's current
    /// one already.
    func isOver(at now: Int64, since: Int64) -> Bool {
      let kept = window.end.minusSaturating(window.start).timesSaturating(3)
      return now.minusSaturating(since) >= kept
        && (window.start.minusSaturating(now) >= kept || now.minusSaturating(window.end) >= kept)
    }
  }

  let unit: CalendarUnit
  /// Without raises.
  private(set) var amount: Int64
  private(set) var raises: [Raise]
  private(set) var window: CalendarWindow
  private(set) var used: Int64
  private(set) var reserved: Int64
  /// The largest share of the window's amount that somebody was told of; 0 for none.
  private(set) var told = WarningShare(thousandths: 0)
  /// The oldest first.
  private(set) var left: [Left]

  init(unit: CalendarUnit, amount: Int64, raises: [Raise] = [], window: CalendarWindow) {
    self.unit = unit
    self.amount = amount
    self.raises = raises
    self.window = window
    used = 0
    reserved = 0
    left = []
  }

  /// A budget from a checkpoint. Nil where no budget can have these values.
  init?(
    unit: CalendarUnit, amount: Int64, window: CalendarWindow, used: Int64, reserved: Int64,
    told: WarningShare = WarningShare(thousandths: 0), left: [Left] = []
  ) {
    guard amount > 0 else { return nil }
    for one in left + [Left(window: window, used: used, reserved: reserved)] {
      guard one.used >= 0, one.reserved >= 0, one.window.start < one.window.end,
        one.window.end.minusSaturating(one.window.start) <= unit.millisecondsMax
      else { return nil }
    }
    self.init(unit: unit, amount: amount, window: window)
    self.used = used
    self.reserved = reserved
    self.told = told
    self.left = left
  }

  var isUntouched: Bool { used == 0 && reserved == 0 }
  /// What the window gives at that moment.
  func amount(at now: Int64) -> Int64 {
    raises.isEmpty ? amount : raises.amount(amount, at: now)
  }

  /// What can still be reserved; never below 0.
  func remaining(at now: Int64) -> Int64 {
    max(0, amount(at: now).minusSaturating(used.plusSaturating(reserved)))
  }

  /// The most that the window gives from that moment on.
  func amountMax(from now: Int64) -> Int64 {
    starts(after: now).reduce(amount(at: now)) { max($0, amount(at: $1)) }
  }

  /// The time from `now` until the settled use leaves room for `need`: when a raise begins that makes
  /// enough, else the window's end.
  func wait(for need: Int64, from now: Int64) -> Int64 {
    let enough = starts(after: now).filter { need <= amount(at: $0).minusSaturating(used) }.min()
    return (enough ?? window.end).minusSaturating(now)
  }

  /// When raises begin in the window after that moment.
  private func starts(after now: Int64) -> [Int64] {
    raises.compactMap { now < $0.fromMs && $0.fromMs < window.end ? $0.fromMs : nil }
  }

  /// Whether `advance` would change anything.
  func isDue(at now: Int64, since: Int64) -> Bool {
    !window.contains(now) || left.contains { $0.isOver(at: now, since: since) }
  }

  /// Goes to the window that `now` is in: one that was left before, with what was taken in it; else
  /// `current`, with nothing used.
  ///
  /// When a reload changes the time zone, the window keeps its bounds until its end. `current` may
  /// then start some hours before or after that end. If its start is nearer to the old window's
  /// start than to the old window's end, it is the same day, week or month in the new time zone:
  /// the old window is then prolonged, so that the budget is not given twice.
  mutating func advance(to now: Int64, since: Int64, current: CalendarWindow) {
    if !window.contains(now) {
      let sinceStart = current.start.minusSaturating(window.start)
      if now >= window.end, sinceStart < window.end.minusSaturating(current.start) {
        window = CalendarWindow(start: window.start, end: current.end)
      } else {
        leave()
        let known = left.firstIndex { $0.window.contains(now) }
        enter(known.map { left.remove(at: $0) } ?? Left(window: current, used: 0, reserved: 0))
      }
    }
    left.removeAll { $0.isOver(at: now, since: since) }
  }

  /// Goes to a window that somebody else says is the current one.
  mutating func go(to next: CalendarWindow) {
    guard window != next else { return }
    guard window.start != next.start else {
      window = next
      return
    }
    leave()
    let known = left.firstIndex { $0.window.start == next.start }
    var entered = Left(window: next, used: 0, reserved: 0)
    if let known {
      let one = left.remove(at: known)
      (entered.used, entered.reserved, entered.told) = (one.used, one.reserved, one.told)
    }
    enter(entered)
  }

  private mutating func leave() {
    guard !isUntouched else { return }
    keep(Left(window: window, used: used, reserved: reserved, told: told))
  }

  private mutating func keep(_ one: Left) {
    let place = left.firstIndex { $0.window.start > one.window.start } ?? left.endIndex
    left.insert(one, at: place)
  }

  private mutating func enter(_ next: Left) {
    window = next.window
    used = next.used
    reserved = next.reserved
    told = next.told
  }

  /// Something was taken in a window: of more windows than are kept, the one that ended first goes. A
  /// current one in which nothing was taken is none of them.
  private mutating func bound() {
    guard left.count > Self.leftMax + (isUntouched ? 1 : 0),
      let first = left.indices.min(by: {
        (left[$0].window.end, left[$0].window.start) < (left[$1].window.end, left[$1].window.start)
      })
    else { return }
    left.remove(at: first)
  }

  mutating func reserve(_ units: Int64) {
    reserved = max(0, reserved.plusSaturating(units))
    bound()
  }

  /// Replaces a reservation by the final charge, in the window of the admission, which began at
  /// `start`. `admitted` is the window that this is in by the calendar: nothing may have been taken in
  /// it so far, so that it was not kept.
  mutating func settle(
    reserved units: Int64, final: Int64, window start: Int64?, admitted: () -> CalendarWindow?
  ) {
    guard let start else { return }
    // Below 0 only for a reservation that was made before the limit's `per` changed.
    if start == window.start {
      reserved = max(0, reserved.minusSaturating(units))
      used = max(0, used.plusSaturating(final))
      bound()
    } else if let index = left.firstIndex(where: { $0.window.start == start }) {
      left[index].reserved = max(0, left[index].reserved.minusSaturating(units))
      left[index].used = max(0, left[index].used.plusSaturating(final))
      if left[index].used == 0, left[index].reserved == 0 { left.remove(at: index) }
    } else if final > 0, let admitted = admitted() {
      keep(
        Left(
          window: CalendarWindow(start: start, end: admitted.end), used: final, reserved: 0))
      bound()
    }
  }

  /// Reserves again what an admission record says, in the window that began at `start`, also where that
  /// has not begun or has ended by this replica's clock: it was the current one by the time that the
  /// budget went by. `admitted` is the window that this is in by the calendar.
  mutating func replay(_ units: Int64, window start: Int64?, admitted: () -> CalendarWindow?) {
    guard let start else { return }
    if let index = left.firstIndex(where: { $0.window.start == start }) {
      left[index].reserved = max(0, left[index].reserved.plusSaturating(units))
      return
    }
    if start != window.start {
      guard let admitted = admitted() else { return }
      let next = CalendarWindow(start: start, end: admitted.end)
      guard start > window.start else {
        keep(Left(window: next, used: 0, reserved: max(0, units)))
        return bound()
      }
      leave()
      enter(Left(window: next, used: 0, reserved: 0))
    }
    reserve(units)
  }

  mutating func adopt(amount: Int64, raises: [Raise]) {
    self.amount = amount
    self.raises = raises
  }

  /// Somebody was told of a share in the window that began at `start`.
  mutating func tell(_ share: WarningShare, window start: Int64) {
    if start == window.start {
      told = max(told, share)
    } else if let index = left.firstIndex(where: { $0.window.start == start }) {
      left[index].told = max(left[index].told, share)
    }
  }
}
