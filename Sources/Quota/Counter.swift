/// What a counter counts, by the shape of its limit.
enum Count: Equatable {
  case bucket(Bucket)
  case budget(Budget)
  case slots(Slots)

  /// What a caller waits who found every slot taken, or a budget reserved by others: they may be
  /// done at any moment.
  static let retryMilliseconds: Int64 = 1_000

  /// Nothing taken yet.
  init(fresh rule: LimitRule, now: Int64, windows: inout CalendarWindows) {
    switch rule.window {
    case .bucket(let period, let capacity):
      self = .bucket(
        Bucket(amount: rule.amount, capacity: capacity, periodMilliseconds: period, now: now))
    case .calendar(let unit):
      self = .budget(
        Budget(unit: unit, amount: rule.amount, window: windows.current(unit, now: now)))
    case .slots: self = .slots(Slots(amount: rule.amount))
    }
  }

  mutating func advance(to now: Int64, windows: inout CalendarWindows) {
    switch self {
    case .bucket(var bucket):
      bucket.advance(to: now)
      self = .bucket(bucket)
    case .budget(var budget):
      guard now >= budget.window.end else { return }
      budget.advance(to: now, current: windows.current(budget.unit, now: now))
      self = .budget(budget)
    case .slots: return
    }
  }

  /// Why `need` cannot be reserved now; nil where it can. Advanced to `now` before. What needs
  /// nothing is never short, not even of what is in debt.
  func shortage(of need: Int64, now: Int64) -> Shortage? {
    guard need > 0 else { return nil }
    switch self {
    case .bucket(let bucket):
      if need > bucket.capacity { return .neverFits }
      let wait = bucket.wait(for: need)
      return wait > 0 ? .exceeded(waitMilliseconds: wait) : nil
    case .budget(let budget):
      if need > budget.amount { return .neverFits }
      let reset = budget.window.end - now
      if budget.used >= budget.amount { return .spent(waitMilliseconds: reset) }
      if need <= budget.remaining { return nil }
      let fitsAfterOthers = need <= budget.amount - budget.used
      return .exceeded(
        waitMilliseconds: fitsAfterOthers ? min(reset, Self.retryMilliseconds) : reset)
    case .slots(let slots):
      if need > slots.amount { return .neverFits }
      return need > slots.remaining ? .exceeded(waitMilliseconds: Self.retryMilliseconds) : nil
    }
  }

  /// Takes what was found not to be short. Returns the calendar window it belongs to.
  mutating func reserve(_ need: Int64) -> Int64? {
    switch self {
    case .bucket(var bucket):
      bucket.take(need)
      self = .bucket(bucket)
      return nil
    case .budget(var budget):
      budget.reserve(need)
      self = .budget(budget)
      return budget.window.start
    case .slots(var slots):
      slots.take(need)
      self = .slots(slots)
      return nil
    }
  }

  /// Takes what a record says was reserved. Advanced to the record's time before.
  mutating func replay(
    _ need: Int64, window: Int64?, now: Int64, windows: inout CalendarWindows
  ) {
    guard case .budget(var budget) = self else {
      _ = reserve(need)
      return
    }
    let current = windows.current(budget.unit, now: now)
    budget.replay(need, window: window, current: current)
    self = .budget(budget)
  }

  /// Puts the final charge in the reservation's place. Advanced to `now` before.
  mutating func settle(reserved: Int64, final: Int64, window: Int64?) {
    switch self {
    case .bucket(var bucket):
      bucket.take(final.plusSaturating(-reserved))
      self = .bucket(bucket)
    case .budget(var budget):
      budget.settle(reserved: reserved, final: final, window: window)
      self = .budget(budget)
    case .slots(var slots):
      slots.giveBack(reserved - final)
      self = .slots(slots)
    }
  }

  /// Goes on under a limit of the same shape and other amounts.
  mutating func adopt(_ rule: LimitRule, now: Int64) {
    switch (self, rule.window) {
    case (.bucket(var bucket), .bucket(_, let capacity)):
      bucket.adopt(amount: rule.amount, capacity: capacity, now: now)
      self = .bucket(bucket)
    case (.budget(var budget), .calendar):
      budget.adopt(amount: rule.amount)
      self = .budget(budget)
    case (.slots(var slots), .slots):
      slots.adopt(amount: rule.amount)
      self = .slots(slots)
    case (.bucket, _), (.budget, _), (.slots, _):
      preconditionFailure("a count goes on only under its own shape of limit")
    }
  }

  /// When it will be as good as new if nobody touches it. Advanced to `now` before.
  func idleTime(now: Int64) -> Int64 {
    switch self {
    case .bucket(let bucket): now.plusSaturating(bucket.millisecondsUntilFull)
    case .budget(let budget): budget.isUntouched ? now : budget.window.end
    case .slots: now
    }
  }

  /// What the rate-limit headers say of it: advanced to `now` before.
  func share(now: Int64) -> LimitShare {
    switch self {
    case .bucket(let bucket):
      LimitShare(
        limit: bucket.capacity, remaining: max(0, bucket.level),
        resetMilliseconds: bucket.millisecondsUntilFull)
    case .budget(let budget):
      LimitShare(
        limit: budget.amount, remaining: budget.remaining,
        resetMilliseconds: budget.window.end - now)
    case .slots(let slots):
      LimitShare(limit: slots.amount, remaining: slots.remaining, resetMilliseconds: 0)
    }
  }
}

/// One limit's count for one caller.
struct Counter {
  let name: String
  /// Whose it is: a subject, a key or a tenant; empty for the owner's own.
  let part: String
  /// The index of its limit's tally.
  var tally: Int
  /// Which of the counters that have been in this place it is.
  let generation: UInt64
  /// Reservations that are not settled. While there are any it is not forgotten.
  var open: Int64
  var count: Count
  /// What they hold together, for pages: a bucket does not tell it from what was used. It begins at 0
  /// with each process, which settles what the last one left open.
  var held: Int64 = 0

  func idleTime(now: Int64) -> Int64 { open > 0 ? .max : count.idleTime(now: now) }
}
