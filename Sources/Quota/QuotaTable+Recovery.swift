import Terms

/// A checkpoint or a record that no table can have written.
package enum RecoveryError: Error, Equatable {
  case malformedState(counter: String)
  case repeatedState(counter: String)
}

/// Recovery: `init` with the policy's limits, `restore` the checkpoint's counters, replay the records
/// behind it, `reopen` and settle what is still open, then `configure` with the same limits, which
/// puts restored counters under the amounts of today.
extension QuotaTable {
  /// Every counter that is not as good as new. Advances nothing that could be told apart.
  package mutating func snapshot(now: Int64) -> [CounterState] {
    var states: [CounterState] = []
    for tally in tallies {
      for place in tally.places {
        counters[place].count.advance(to: now, windows: &windows)
        if counters[place].idleTime(now: now) <= now { continue }
        states.append(CounterState(counters[place], kind: tally.rule.kind))
      }
    }
    return states
  }

  /// Puts a checkpoint's counters into an empty table, each under the amounts that it had. Counters
  /// of limits that the policy has no more, or has otherwise, are kept aside until they run out.
  package mutating func restore(_ states: [CounterState]) throws(RecoveryError) {
    precondition(counterCount == 0, "a checkpoint is restored into an empty table")
    for state in states {
      guard let parts = CounterName.parts(of: state.counter), let count = state.count,
        let open = state["open"], open >= 0
      else { throw .malformedState(counter: state.counter) }
      let rule = LimitRule(
        owner: parts.owner, name: parts.name, kind: state.kind, amount: count.amount,
        window: count.window, scope: parts.scope)
      let tally = tallyForRestoring(rule)
      guard tallies[tally].place(of: parts.part) == nil else {
        throw .repeatedState(counter: state.counter)
      }
      _ = insert(count, tally: tally, part: parts.part, open: open)
    }
  }

  /// An admission on record: reserves what it says.
  package mutating func replayAdmission(_ charges: [Charge], now: Int64) {
    for charge in charges {
      guard let place = place(named: charge.counter, now: now) else { continue }
      counters[place].count.advance(to: now, windows: &windows)
      counters[place].count.replay(
        charge.amount, window: charge.window, now: now, windows: &windows)
      counters[place].open += 1
    }
  }

  /// A completion on record: puts `final` in the place of what its admission `reserved`, counter by
  /// counter. A counter that the completion does not name was void.
  package mutating func replayCompletion(reserved: [Charge], final: [Charge], now: Int64) {
    for charge in final {
      guard let held = reserved.first(where: { $0.counter == charge.counter }),
        let place = place(named: charge.counter, now: now)
      else { continue }
      settle(
        place: place, reserved: held.amount, final: charge.amount, window: held.window, now: now)
    }
  }

  /// The reservation of an exchange that was open when the process ended: what its admission charged,
  /// already restored or replayed. To be settled like any other.
  package mutating func reopen(_ charges: [Charge], demand: Demand, now: Int64) -> Reservation {
    var held: [HeldCharge] = []
    for charge in charges {
      guard let place = place(named: charge.counter, now: now) else { continue }
      let kind = tallies[counters[place].tally].kind
      held.append(
        HeldCharge(
          place: place, generation: counters[place].generation, kind: kind, charge: charge))
    }
    return Reservation(demand: demand, held: held)
  }

  /// The tally of a restored counter: the policy's limit where it is the same one.
  private mutating func tallyForRestoring(_ rule: LimitRule) -> Int {
    let name = CounterName.limit(rule.owner, rule.name)
    if let index = catalog.indices[name], tallies[index].rule.keepsCount(of: rule) { return index }
    if let index = tallies.indices.first(where: {
      tallies[$0].isRetired && tallies[$0].name == name && tallies[$0].rule.keepsCount(of: rule)
    }) {
      return index
    }
    var tally = LimitTally(rule: rule, name: name)
    tally.isRetired = true
    tallies.append(tally)
    return tallies.count - 1
  }

  /// The counter of this name; a restored one before the policy's, which is made where there is none.
  /// The bound on a limit's counters does not apply: these have been admitted. Nil where the policy
  /// has no such limit.
  private mutating func place(named counter: String, now: Int64) -> Int? {
    guard let parts = CounterName.parts(of: counter) else { return nil }
    let name = CounterName.limit(parts.owner, parts.name)
    for index in tallies.indices.dropFirst(catalog.rules.count)
    where tallies[index].name == name && tallies[index].rule.scope == parts.scope {
      if let place = tallies[index].place(of: parts.part) { return place }
    }
    guard let index = catalog.indices[name], tallies[index].rule.scope == parts.scope else {
      return nil
    }
    if let place = tallies[index].place(of: parts.part) { return place }
    _ = makeRoom(index, now: now)
    let count = Count(fresh: tallies[index].rule, now: now, windows: &windows)
    return insert(count, tally: index, part: parts.part)
  }
}
