import Terms

/// A share of a budget (`warn_at`) that its settled use has come to, for the first time in the window.
package struct ReachedShare: Sendable, Equatable {
  package let rule: LimitRule
  /// The counter's name, as in `Charge.counter`.
  package let counter: String
  package let share: WarningShare
  /// The settled use, and what the window gives now, in the limit's own unit.
  package let used: Int64
  package let amount: Int64
  /// The window, in Unix milliseconds: its end is not part of it.
  package let windowStartMs: Int64
  package let windowEndMs: Int64
}

/// Tells when settled use comes to a share of a budget. The caller records what `takeReached` gives, and
/// says with `told` that it is on record: until then it is found again with the next settlement.
extension QuotaTable {
  /// What has been reached since this was asked last.
  package mutating func takeReached() -> [ReachedShare] {
    guard !reached.isEmpty else { return [] }
    defer { reached = [] }
    return reached
  }

  /// Somebody is told of this: it is not found again in that window.
  package mutating func told(_ reached: ReachedShare) {
    told(counter: reached.counter, reached.share, windowStartMs: reached.windowStartMs)
  }

  /// The same of a record. A counter that is not there has no use to tell of.
  package mutating func told(counter: String, _ share: WarningShare, windowStartMs: Int64) {
    guard let parts = CounterName.parts(of: counter) else { return }
    let name = CounterName.limit(parts.owner, parts.name)
    for tally in tallies where tally.name == name {
      guard let place = tally.place(of: parts.scopeValue),
        case .budget(var budget) = counters[place].count
      else { continue }
      budget.tell(share, window: windowStartMs)
      counters[place].count = .budget(budget)
    }
  }

  /// Notes the largest share that the settled use of the running window has come to, if nobody was told
  /// of it: of smaller ones that were passed in the same step there is no more to say. Where the limit is
  /// shared, settled use is that of all replicas, which the store tells.
  mutating func noteReached(_ place: Int, now: Int64) {
    guard sharing == nil, case .budget(let budget) = counters[place].count else { return }
    noteReached(place, budget, used: budget.used, now: now)
  }

  mutating func noteReached(_ place: Int, _ budget: Budget, used: Int64, now: Int64) {
    let rule = tallies[counters[place].tally].rule
    let amount = budget.amount(at: now)
    guard let share = rule.warnAt.last(where: { $0.isReached(used, of: amount) }),
      share > budget.told
    else { return }
    reached.append(
      ReachedShare(
        rule: rule, counter: counters[place].name, share: share, used: used, amount: amount,
        windowStartMs: budget.window.start, windowEndMs: budget.window.end))
  }
}
