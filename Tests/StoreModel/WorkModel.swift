import Quota

/// One statement of a call being worked on: nothing is written until all of the call are.
struct WorkModel {
  let statement: Statement
  private let ledger: String
  private var counter: CounterModel?
  private var outcome: StatementAnswer.Outcome?
  private var settledBefore: Int64 = 0
  private var isTakenIn = false
  private(set) var grant: Int64?

  /// Takes the statement in, where it is newer than what the counter has.
  init(
    _ statement: Statement, counter found: CounterModel?, by caller: CallerModel,
    phase: PartitionModel.Phase
  ) throws(InvalidCall) {
    self.statement = statement
    ledger = caller.holder.ledger
    counter = found
    if case .bucket(_, let period) = statement.shape, found?.kind == .bucket {
      counter?.refill(
        amount: statement.amount, period: period, at: caller.nowMs,
        overSlices: caller.broken == .refillsOverSlices)
    }
    var next = try Self.counter(for: statement, found: found, refilled: counter, at: caller.nowMs)
    settledBefore = counter?.settled ?? 0
    guard next != nil else {
      outcome = .otherWindow
      return
    }
    if let share = next?.holders[ledger] {
      let holder = caller.holder
      guard
        share.start < holder.start
          || share.start == holder.start && share.nonce == caller.nonce
      else {
        outcome = .fenced(start: share.start)
        return
      }
      guard
        share.start < holder.start || share.number < statement.number
          || caller.broken == .noNumbers
      else {
        outcome = .stale
        return
      }
    }
    settledBefore = next?.settled ?? 0
    next?.take(statement, by: caller, phase: phase)
    counter = next
    isTakenIn = true
    try check()
    if !phase.isOpen { outcome = .opening }
  }

  /// The counter that the statement is about: the one that is there, or a new one; nil where the
  /// statement is about another window.
  private static func counter(
    for statement: Statement, found: CounterModel?, refilled: CounterModel?, at nowMs: Int64
  ) throws(InvalidCall) -> CounterModel? {
    switch statement.shape {
    case .budget(let start, let end, _):
      if let found {
        guard case .budget(let runningStart, let runningEnd) = found.kind else { throw .otherKind }
        if nowMs < runningEnd {
          return runningStart == start && runningEnd == end ? found : nil
        }
      }
      guard start <= nowMs, nowMs < end else { return nil }
      return CounterModel(kind: .budget(start: start, end: end))
    case .bucket(_, let period):
      guard found == nil || found?.kind == .bucket else { throw .otherKind }
      if let refilled { return refilled }
      var counter = CounterModel(kind: .bucket)
      counter.refill(amount: statement.amount, period: period, at: nowMs)
      return counter
    case .slots:
      guard found == nil || found?.kind == .slots else { throw .otherKind }
      return found ?? CounterModel(kind: .slots)
    }
  }

  /// What may be granted; nil where the need is not there.
  mutating func judge(by caller: CallerModel) {
    guard isTakenIn, var counter else { return }
    let limit = statement.limit
    let wasShort = counter.isShort(at: caller.nowMs)
    if statement.need > limit - counter.sum && statement.need > 0 {
      if statement.canSweep { counter.sweep(except: caller) }
      if statement.need > limit - counter.sum {
        counter.shortMs = caller.nowMs
        self.counter = counter
        outcome = .short(waitMilliseconds: counter.wait(for: statement, at: caller.nowMs))
        return
      }
    }
    self.counter = counter
    let left = limit - counter.sum
    let count = Int64(counter.holders.count)
    let alive = caller.alive.isEmpty ? count : min(count, Int64(caller.alive.count))
    let part = left < 0 ? 0 : left / (2 * max(1, alive))
    grant =
      wasShort ? statement.need : min(statement.want, max(statement.need, part))
  }

  /// Gives what was judged: what is needed only where all that is needed in the call is there.
  mutating func give(unlessRefused isRefused: Bool) {
    guard let grant, var counter else { return }
    guard !isRefused || statement.need == 0 else {
      outcome = .otherShort
      return
    }
    counter.sum += grant
    if counter.kind == .bucket { counter.unspent += grant }
    counter.holders[ledger]?.hold += grant
    counter.holders[ledger]?.unspent += grant
    self.counter = counter
    outcome = .granted(grant)
  }

  func answer(at nowMs: Int64, phase: PartitionModel.Phase) -> StatementAnswer {
    var window: (start: Int64, end: Int64) = (0, 0)
    if case .budget(let start, let end) = counter?.kind { window = (start, end) }
    let settled = counter?.settled ?? 0
    return StatementAnswer(
      outcome: outcome ?? .opening, sum: counter?.sum ?? 0, settled: settled,
      settledBefore: phase.wasOpen ? settledBefore : settled,
      ownSettled: counter?.holders[ledger]?.settled ?? 0, window: window,
      holders: Int64(counter?.holders.count ?? 0), isShort: counter?.isShort(at: nowMs) ?? false)
  }

  /// The counter to be kept; nil where the statement was not taken in.
  func written(by caller: CallerModel) throws(InvalidCall) -> CounterModel? {
    guard isTakenIn, var counter else { return nil }
    try check()
    counter.expiresMs = caller.nowMs + counter.expiry(at: caller.nowMs, leaseMs: caller.leaseMs)
    return counter
  }

  private func check() throws(InvalidCall) {
    guard let counter else { return }
    let share = counter.holders[ledger]
    let numbers = [
      counter.sum, counter.settled, counter.gone, counter.unspent, share?.hold ?? 0,
      share?.unspent ?? 0, counter.sum - counter.gone,
    ]
    guard numbers.allSatisfy({ $0.magnitude <= UInt64(StoreLimits.numberMax) }) else {
      throw .sumTooLarge
    }
  }
}

extension Statement {
  /// What is compared with the sum.
  var limit: Int64 {
    if case .bucket(let capacity, _) = shape { return capacity }
    return amount
  }

  var canSweep: Bool {
    if case .budget = shape { return false }
    return true
  }
}
