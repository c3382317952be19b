import Terms

/// Admission: checks every limit of a request, then reserves in all of them.
extension QuotaTable {
  /// Reserves all that `demand` may use in every limit of the set; or reserves nothing and says
  /// why.
  ///
  /// Where the client stated no bound of the answer, the bound is cut to what the tightest limit
  /// could ever admit (its capacity, not what is left of it now). `now` is Unix milliseconds.
  ///
  /// Of a table that is shared, `bootMs` is the same moment by the clock that counts the time that
  /// passes, and `asked` is what the request waited for, when it is tried again: it is then admitted
  /// or refused, by what the store said until now.
  package mutating func reserve(
    _ set: LimitSet, caller: Caller, demand: Demand, now: Int64, bootMs: Int64 = 0,
    asked: QuotaAsk? = nil
  ) -> QuotaAnswer {
    let indices = tallyIndices(set)
    var demand = asked?.demand ?? demand
    if !demand.isBoundStated {
      for index in indices where !tallies[index].isShadow {
        demand.cutOutput(
          toFit: capacity(tally: index, now: now), of: tallies[index].kind)
      }
    }
    if sharing != nil {
      return reserveShared(
        indices, caller: caller, demand: demand, now: now, bootMs: bootMs, asked: asked)
    }
    let failures = check(indices, caller: caller, demand: demand, now: now)
    guard failures.isEmpty else { return .refused(QuotaRefusal(failures: failures)) }
    return .admitted(charge(indices, caller: caller, demand: demand, now: now))
  }

  /// The most that could be taken of a limit at once now.
  func capacity(tally: Int, now: Int64) -> Int64 {
    tallies[tally].capacity(at: now.plusSaturating(windows.aheadMs))
  }

  /// What a limit must have left. One that only counts cuts nothing: it is judged as if it had cut the
  /// answer's bound, as it would if it refused.
  func need(tally: Int, _ demand: Demand, now: Int64) -> Int64 {
    let kind = tallies[tally].kind
    guard tallies[tally].isShadow, !demand.isBoundStated else { return demand.need(kind) }
    var cut = demand
    cut.cutOutput(toFit: capacity(tally: tally, now: now), of: kind)
    return cut.need(kind)
  }

  /// Checks all limits and returns those that do not admit. Leaves the place of each counter in
  /// `found`, nil for one that has to be made, for `charge`; and in `shadowed` the limits that only
  /// count and would not admit.
  private mutating func check(
    _ indices: [Int], caller: Caller, demand: Demand, now: Int64
  ) -> [LimitFailure] {
    var failures: [LimitFailure] = []
    found.removeAll(keepingCapacity: true)
    shadowed.removeAll(keepingCapacity: true)
    for index in indices {
      let scopeValue = tallies[index].scopeValue(of: caller)
      let place = tallies[index].place(of: scopeValue)
      found.append(place)
      let need = need(tally: index, demand, now: now)
      guard let shortage = shortage(tally: index, place: place, need: need, now: now) else {
        continue
      }
      if tallies[index].isShadow {
        shadowed.append(index)
      } else {
        failures.append(
          LimitFailure(rule: tallies[index].rule, need: need, shortage: shortage, now: now))
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
    let wait = tallies[tally].roomTime(now: now).minusSaturating(now)
    return .tooManySubjects(waitMilliseconds: max(1, min(wait, Count.retryMilliseconds)))
  }

  private mutating func charge(
    _ indices: [Int], caller: Caller, demand: Demand, now: Int64
  ) -> Reservation {
    var reserved: [ReservedCharge] = []
    reserved.reserveCapacity(indices.count)
    for (position, index) in indices.enumerated() where !shadowed.contains(index) {
      let kind = tallies[index].kind
      let place = found[position] ?? fresh(tally: index, caller: caller, now: now)
      let need = need(tally: index, demand, now: now)
      let window = counters[place].count.reserve(need)
      counters[place].open = counters[place].open.plusSaturating(1)
      counters[place].reserved = counters[place].reserved.plusSaturating(need)
      reserved.append(
        ReservedCharge(
          place: place, generation: counters[place].generation, kind: kind,
          charge: Charge(counter: counters[place].name, amount: need, window: window)))
    }
    return Reservation(demand: demand, reserved: reserved, shadowed: shadowedRules)
  }

  /// The limits in `shadowed`.
  var shadowedRules: [LimitRule] {
    shadowed.isEmpty ? [] : shadowed.map { tallies[$0].rule }
  }

  private mutating func fresh(tally: Int, caller: Caller, now: Int64) -> Int {
    let count = Count(fresh: tallies[tally].rule, now: now, windows: &windows)
    return insert(count, tally: tally, scopeValue: tallies[tally].scopeValue(of: caller))
  }
}
