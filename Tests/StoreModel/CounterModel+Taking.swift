import Quota

extension CounterModel {
  /// Puts what a holder states in the place of what it stated before.
  mutating func take(
    _ statement: Statement, by caller: CallerModel, phase: PartitionModel.Phase
  ) {
    let ledger = caller.holder.ledger
    var share = Share(
      start: caller.holder.start, number: statement.number, nonce: caller.nonce,
      hold: statement.hold, unspent: statement.unspent)
    let before = holders[ledger]
    let seen = phase.wasOpen ? nil : statement.seen
    switch statement.shape {
    case .budget(_, _, let settled):
      var known = before?.settled ?? 0
      // A ledger that has settled less than it stated before a start is an old copy. It does not know
      // what that process used last, so all that it held stays used.
      if let before, settled < known, before.start < share.start { known = before.hold }
      share.settled = max(settled, known)
      share.hold += share.settled - settled
      if caller.broken == .budgetSlicesReturnByTime { returnSilent(&share, by: caller) }
      takeBudget(&share, before: before, seen: seen, phase: phase)
    case .bucket(_, let period):
      share.heardMs = caller.nowMs
      // A counter that the holder forgot and made again counts from 0: what it says first, until it
      // was answered, sets the mark too.
      let isMeasured = before?.start == share.start && statement.seen != nil
      sum += isMeasured ? share.hold - (before?.hold ?? 0) : 0
      unspent += share.unspent - (before?.unspent ?? 0)
      sum = max(sum, caller.broken == .refillsOverSlices ? 0 : unspent, 0)
      if let seen {
        let (units, _) = Self.refill(
          statement.amount, period: period, elapsedMs: max(0, caller.nowMs - seen.atMs), rest: 0)
        sum = max(sum, Int64(max(0, Int128(seen.sum) - units)))
      }
    case .slots:
      share.heardMs = caller.nowMs
      sum += share.hold - (before?.hold ?? 0)
    }
    holders[ledger] = share
  }

  /// What the store does not do: it takes back what silent holders have leased of a budget.
  private mutating func returnSilent(_ share: inout Share, by caller: CallerModel) {
    share.heardMs = caller.nowMs
    for (ledger, other) in holders
    where ledger != caller.holder.ledger && caller.nowMs - other.heardMs >= caller.leaseMs {
      sum -= other.unspent
      holders[ledger]?.hold -= other.unspent
      holders[ledger]?.unspent = 0
    }
  }

  /// What was seen in use before an opening stays in use, until somebody claims it: whoever states
  /// for the first time since, and more than the store knew, claims of it.
  private mutating func takeBudget(
    _ share: inout Share, before: Share?, seen: Statement.Seen?, phase: PartitionModel.Phase
  ) {
    if !phase.wasOpen && openingMs != phase.openingMs {
      openingMs = phase.openingMs
      generation += 1
    }
    let more = share.hold - (before?.hold ?? 0)
    sum += more
    settled += share.settled - (before?.settled ?? 0)
    if before == nil || before?.generation != generation {
      let claimed = min(gone, max(0, more))
      gone -= claimed
      sum -= claimed
    }
    if let seen, seen.sum > sum {
      gone += seen.sum - sum
      sum = seen.sum
    }
    share.generation = generation
  }

  /// Milliseconds until a bucket has the need, if nobody takes more and nothing is given back; 0
  /// where that is not known. Computed as the scripts do, in doubles: it is only told.
  func wait(for statement: Statement, at nowMs: Int64) -> Int64 {
    guard case .bucket(let capacity, let period) = statement.shape else { return 0 }
    let target = capacity - statement.need
    guard target >= unspent else { return 0 }
    return Self.milliseconds(toRefill: sum - target, rest: rest, amount: amount, period: period)
  }

  private static func milliseconds(
    toRefill units: Int64, rest: Int64, amount: Int64, period: Int64
  ) -> Int64 {
    let exact = (Double(units) * Double(period) - Double(rest)) / Double(amount)
    return Int64(min(Double(StoreLimits.longestMs), max(0, exact.rounded(.up))))
  }

  /// How long the counter is kept when it is not stated again.
  func expiry(at nowMs: Int64, leaseMs: Int64) -> Int64 {
    switch kind {
    case .budget(_, let end): end - nowMs + StoreLimits.keepMs
    case .slots: leaseMs + StoreLimits.keepMs
    case .bucket:
      leaseMs
        + max(
          StoreLimits.keepMs,
          Self.milliseconds(toRefill: sum, rest: rest, amount: amount, period: period))
    }
  }
}
