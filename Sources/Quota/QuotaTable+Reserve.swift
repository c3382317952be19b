import Terms

extension QuotaTable {
  /// Reserves all that `demand` may use, of every limit in the set; or nothing, and says why.
  ///
  /// Where the client stated no bound on the output, it is cut to what the tightest limit could ever
  /// give; not to what it has left now.
  package mutating func reserve(
    _ set: LimitSet, caller: Caller, demand: Demand, now: Int64
  ) -> QuotaAnswer {
    let indices = tallyIndices(set)
    var demand = demand
    if !demand.isBoundStated {
      for index in indices {
        demand.cutOutput(
          toFit: tallies[index].capacity, of: tallies[index].kind)
      }
    }
    let failures = check(indices, caller: caller, demand: demand, now: now)
    guard failures.isEmpty else { return .refused(QuotaRefusal(failures: failures)) }
    return .admitted(charge(indices, caller: caller, demand: demand, now: now))
  }

  /// Every limit that is short, having looked at all; leaves the counters' places in `found`.
  private mutating func check(
    _ indices: [Int], caller: Caller, demand: Demand, now: Int64
  ) -> [LimitFailure] {
    var failures: [LimitFailure] = []
    found.removeAll(keepingCapacity: true)
    for index in indices {
      let part = tallies[index].part(of: caller)
      let place = tallies[index].place(of: part)
      found.append(place)
      let shortage = shortage(
        tally: index, place: place, need: demand.need(tallies[index].kind), now: now)
      if let shortage {
        let rule = tallies[index].rule
        failures.append(
          LimitFailure(owner: rule.owner, name: rule.name, kind: rule.kind, shortage: shortage))
      }
    }
    return failures
  }

  private mutating func shortage(
    tally: Int, place: Int?, need: Int64, now: Int64
  ) -> Shortage? {
    if let place {
      counters[place].count.advance(to: now, windows: &windows)
      return counters[place].count.shortage(of: need, now: now)
    }
    let fresh = Count(fresh: tallies[tally].rule, now: now, windows: &windows)
    if let shortage = fresh.shortage(of: need, now: now) { return shortage }
    if makeRoom(tally, now: now) { return nil }
    let wait = tallies[tally].roomTime(now: now) - now
    return .tooManySubjects(waitMilliseconds: max(1, min(wait, Count.retryMilliseconds)))
  }

  private mutating func charge(
    _ indices: [Int], caller: Caller, demand: Demand, now: Int64
  ) -> Reservation {
    var held: [HeldCharge] = []
    held.reserveCapacity(indices.count)
    for (position, index) in indices.enumerated() {
      let kind = tallies[index].kind
      let place = found[position] ?? fresh(tally: index, caller: caller, now: now)
      let need = demand.need(kind)
      let window = counters[place].count.reserve(need)
      counters[place].open += 1
      counters[place].held = counters[place].held.plusSaturating(need)
      held.append(
        HeldCharge(
          place: place, generation: counters[place].generation, kind: kind,
          charge: Charge(counter: counters[place].name, amount: need, window: window)))
    }
    return Reservation(demand: demand, held: held)
  }

  private mutating func fresh(tally: Int, caller: Caller, now: Int64) -> Int {
    let count = Count(fresh: tallies[tally].rule, now: now, windows: &windows)
    return insert(count, tally: tally, part: tallies[tally].part(of: caller))
  }
}
