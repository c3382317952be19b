/// The state of a counter: a bucket, a calendar budget or slots, as its limit's window says.
enum Count: Equatable {
  case bucket(Bucket)
  case budget(Budget)
  case slots(Slots)

  var isBucket: Bool {
    if case .bucket = self { true } else { false }
  }

  /// The wait that a caller is told when every slot is taken, or when others have reserved the
  /// budget: these exchanges may end at any moment, so there is no exact time.
  static let retryMilliseconds: Int64 = 1_000

  /// The state of a counter from which nothing has been taken.
  init(fresh rule: LimitRule, now: Int64, windows: inout CalendarWindows) {
    switch rule.window {
    case .bucket(let period, let capacity):
      self = .bucket(
        Bucket(amount: rule.amount, capacity: capacity, periodMilliseconds: period, now: now))
    case .calendar(let unit):
      self = .budget(
        Budget(
          unit: unit, amount: rule.amount, raises: rule.raises,
          window: windows.current(unit, now: now.plusSaturating(windows.aheadMs))))
    case .slots: self = .slots(Slots(amount: rule.amount))
    }
  }

  /// Refills a bucket up to `now`, and goes to the window of a budget that `now` is in.
  mutating func advance(to now: Int64, windows: inout CalendarWindows) {
    switch self {
    case .bucket(var bucket):
      bucket.advance(to: now)
      self = .bucket(bucket)
    case .budget(var budget):
      let now = now.plusSaturating(windows.aheadMs)
      guard budget.isDue(at: now, since: windows.sinceMs) else { return }
      budget.advance(
        to: now, since: windows.sinceMs, current: windows.current(budget.unit, now: now))
      self = .budget(budget)
    case .slots: return
    }
  }

  /// The clock stepped to `now`. Call `advance` to the time before that before.
  mutating func step(to now: Int64) {
    guard case .bucket(var bucket) = self else { return }
    bucket.goOn(at: now)
    self = .bucket(bucket)
  }

  /// Whether it equals a new count. Call `advance` to now before.
  var isLikeNew: Bool {
    switch self {
    case .bucket(let bucket): bucket.isFull
    case .budget(let budget): budget.isUntouched && budget.left.isEmpty
    case .slots: true
    }
  }

  /// Why `need` cannot be reserved now; nil where it can. Call `advance` to `now` before. A need of
  /// 0 is always admitted, even where a bucket is in debt.
  func shortage(of need: Int64, now: Int64) -> Shortage? {
    guard need > 0 else { return nil }
    switch self {
    case .bucket(let bucket):
      if need > bucket.capacity { return .neverFits }
      let wait = bucket.wait(for: need)
      return wait > 0 ? .exceeded(waitMilliseconds: wait) : nil
    case .budget(let budget):
      if need <= budget.remaining(at: now) { return nil }
      if need > budget.amountMax(from: now) { return .neverFits }
      let amount = budget.amount(at: now)
      let wait = budget.wait(for: need, from: now)
      if budget.used >= amount { return .spent(waitMilliseconds: wait) }
      let fitsAfterOthers = need <= amount - budget.used
      return .exceeded(
        waitMilliseconds: fitsAfterOthers ? min(wait, Self.retryMilliseconds) : wait)
    case .slots(let slots):
      if need > slots.amount { return .neverFits }
      return need > slots.remaining ? .exceeded(waitMilliseconds: Self.retryMilliseconds) : nil
    }
  }

  /// Takes `need`, for which `shortage` was nil. Returns the start of the calendar window that it
  /// is charged to; nil for buckets and slots.
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

  /// Takes again what an admission record says was reserved. Call `advance` to the record's time
  /// before.
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

  /// Replaces what was reserved by the final charge. Call `advance` to `now` before.
  mutating func settle(
    reserved: Int64, final: Int64, window: Int64?, windows: inout CalendarWindows
  ) {
    switch self {
    case .bucket(var bucket):
      bucket.take(final.minusSaturating(reserved))
      self = .bucket(bucket)
    case .budget(var budget):
      let unit = budget.unit
      budget.settle(reserved: reserved, final: final, window: window) {
        window.flatMap { windows.containing($0, unit) }
      }
      self = .budget(budget)
    case .slots(var slots):
      slots.giveBack(reserved.minusSaturating(final))
      self = .slots(slots)
    }
  }

  /// Continues under a limit of the same shape with other amounts.
  mutating func adopt(_ rule: LimitRule, now: Int64) {
    switch (self, rule.window) {
    case (.bucket(var bucket), .bucket(_, let capacity)):
      bucket.adopt(amount: rule.amount, capacity: capacity, now: now)
      self = .bucket(bucket)
    case (.budget(var budget), .calendar):
      budget.adopt(amount: rule.amount, raises: rule.raises)
      self = .budget(budget)
    case (.slots(var slots), .slots):
      slots.adopt(amount: rule.amount)
      self = .slots(slots)
    case (.bucket, _), (.budget, _), (.slots, _):
      preconditionFailure("a count continues only under a limit of its own shape")
    }
  }

  /// When it can be forgotten where there is no room, if nothing more is taken: when it admits what a
  /// new count admits (a full bucket, a new window). Call `advance` to `now` before.
  func idleTime(now: Int64) -> Int64 {
    switch self {
    case .bucket(let bucket): now.plusSaturating(bucket.millisecondsUntilFull)
    case .budget(let budget): budget.isUntouched ? now : budget.window.end
    case .slots: now
    }
  }

  /// What the rate-limit headers say about it. Call `advance` to `now` before.
  func share(now: Int64) -> LimitShare {
    switch self {
    case .bucket(let bucket):
      LimitShare(
        limit: bucket.capacity, remaining: max(0, bucket.level),
        resetMilliseconds: bucket.millisecondsUntilFull)
    case .budget(let budget):
      LimitShare(
        limit: budget.amount(at: now), remaining: budget.remaining(at: now),
        resetMilliseconds: budget.window.end.minusSaturating(now))
    case .slots(let slots):
      LimitShare(limit: slots.amount, remaining: slots.remaining, resetMilliseconds: 0)
    }
  }
}

/// One counter of a limit. A limit of scope `owner` has one, another limit has one for each tenant,
/// key or subject.
struct Counter {
  /// Its name in records and checkpoints, as `CounterName` writes it.
  let name: String
  /// The tenant, key or subject whose use it counts; empty for a limit of scope `owner`.
  let scopeValue: String
  /// The index of its limit's tally.
  var tally: Int
  /// Differs from that of every other counter that was in this place before. A reservation keeps
  /// it, so that it is never settled with a counter that took the place later.
  let generation: UInt64
  /// The number of reservations that are not settled. A counter that has any is not forgotten.
  var open: Int64
  var count: Count
  /// The sum that these reservations have taken, for pages: a bucket's level does not show how much
  /// of what was taken is only reserved. It starts at 0 in each process, which settles what the
  /// process before left open.
  var reserved: Int64 = 0

  /// Whether the store that it is shared through has something of it: then it is not forgotten.
  var isPinned = false

  /// Whether nothing is to be recorded of it. Call `advance` to now before.
  var isUnused: Bool { open == 0 && count.isLikeNew }
  /// Whether it equals a new counter: it means the same as none. Call `advance` to now before.
  var isLikeNew: Bool { isUnused && !isPinned }

  /// When it can be forgotten where there is no room, if nothing more is taken.
  func idleTime(now: Int64) -> Int64 {
    open > 0 || isPinned ? .max : count.idleTime(now: now)
  }
}
