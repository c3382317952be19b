import Terms

/// Why the counters of a checkpoint cannot be restored: `snapshot` never writes such counters.
package enum RecoveryError: Error, Equatable {
  /// The counter's name or fields cannot be read.
  case malformedState(counter: String)
  /// Two counters have the same name.
  case repeatedState(counter: String)
}

/// Counters to and from checkpoints and records.
///
/// Recovery: `init` with the policy's limits, `restore` the checkpoint's counters, replay the
/// records behind it, and `reopen` what is still open. Then `configure` with the same limits, which
/// puts restored counters under the policy's amounts; then settle what was reopened.
extension QuotaTable {
  /// The state of every counter that differs from a new one. It changes nothing that a caller can
  /// see.
  package mutating func snapshot(now: Int64) -> [CounterState] {
    var states: [CounterState] = []
    for tally in tallies {
      for place in tally.places {
        counters[place].count.advance(to: now, windows: &windows)
        if counters[place].isUnused { continue }
        if sharing != nil { noteWindow(place) }
        states.append(
          CounterState(
            counters[place], kind: tally.rule.kind,
            seen: sharing.flatMap { $0.parts[place]?.seen }))
      }
    }
    return states
  }

  /// Puts a checkpoint's counters in the place of all that the table has, each with the amounts of
  /// the checkpoint. A checkpoint is the whole state, wherever it stands among the records.
  /// Counters of limits that the policy does not have, or has with another kind, scope or period,
  /// are kept as long as they are in use.
  ///
  /// `now` is the time of the checkpoint's record: a bucket that says it was refilled later would
  /// wait for the clock to come there. Where this throws, the table has no counter.
  package mutating func restore(
    _ states: [CounterState], now: Int64 = .max
  ) throws(RecoveryError) {
    self = QuotaTable(catalog)
    do throws(RecoveryError) {
      try insert(states, now: now)
    } catch {
      self = QuotaTable(catalog)
      throw error
    }
  }

  private mutating func insert(_ states: [CounterState], now: Int64) throws(RecoveryError) {
    for state in states {
      guard let parts = CounterName.parts(of: state.counter), let count = state.count(now: now),
        let open = state["open"], open >= 0
      else { throw .malformedState(counter: state.counter) }
      let rule = LimitRule(
        owner: parts.owner, name: parts.name, kind: state.kind, amount: count.amount,
        window: count.window, scope: parts.scope)
      let tally = tallyForRestoring(rule)
      guard tallies[tally].place(of: parts.scopeValue) == nil else {
        throw .repeatedState(counter: state.counter)
      }
      let place = insert(count, tally: tally, scopeValue: parts.scopeValue, open: open)
      if let seen = state.seen { restoredSeen[place] = (seen, count.windowStart) }
    }
  }

  /// Reserves again what a recorded admission reserved.
  package mutating func replayAdmission(_ charges: [Charge], now: Int64) {
    for charge in charges {
      guard let place = place(named: charge.counter, now: now) else { continue }
      counters[place].count.advance(to: now, windows: &windows)
      counters[place].count.replay(charge.amount, window: charge.window, windows: &windows)
      counters[place].open = counters[place].open.plusSaturating(1)
    }
  }

  /// Settles again what a recorded completion settled: replaces what its admission `reserved` by
  /// `final`, counter by counter. A counter that the completion does not name is left out: its
  /// limit had become another one before the exchange ended.
  package mutating func replayCompletion(reserved: [Charge], final: [Charge], now: Int64) {
    for charge in final {
      guard let admitted = reserved.first(where: { $0.counter == charge.counter }),
        let place = place(named: charge.counter, now: now)
      else { continue }
      settle(
        place: place, reserved: admitted.amount, final: charge.amount, window: admitted.window,
        now: now)
    }
  }

  /// A reservation for an exchange that was open when the process ended. It takes nothing:
  /// `charges` are what its admission reserved, which `restore` or `replayAdmission` has already
  /// put into the counters. It must be settled like any other.
  package mutating func reopen(_ charges: [Charge], demand: Demand, now: Int64) -> Reservation {
    var reserved: [ReservedCharge] = []
    for charge in charges {
      guard let place = place(named: charge.counter, now: now) else { continue }
      let kind = tallies[counters[place].tally].kind
      reserved.append(
        ReservedCharge(
          place: place, generation: counters[place].generation, kind: kind, charge: charge))
    }
    return Reservation(demand: demand, reserved: reserved)
  }

  /// The tally for a restored counter: that of the policy's limit where the counter continues under
  /// it, else one that is kept beside the policy's.
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

  /// The place of the counter with this name. A restored counter that is kept beside the policy's
  /// comes first; else it is the policy's, which is made where there is none. `subjectsMax` does
  /// not apply here, because the exchange was admitted. Nil where the policy has no such limit.
  private mutating func place(named counter: String, now: Int64) -> Int? {
    guard let parts = CounterName.parts(of: counter) else { return nil }
    let name = CounterName.limit(parts.owner, parts.name)
    for index in tallies.indices.dropFirst(catalog.rules.count)
    where tallies[index].name == name && tallies[index].rule.scope == parts.scope {
      if let place = tallies[index].place(of: parts.scopeValue) { return place }
    }
    guard let index = catalog.indices[name], tallies[index].rule.scope == parts.scope else {
      return nil
    }
    if let place = tallies[index].place(of: parts.scopeValue) { return place }
    _ = makeRoom(index, now: now)
    let count = Count(fresh: tallies[index].rule, now: now, windows: &windows)
    return insert(count, tally: index, scopeValue: parts.scopeValue)
  }
}
