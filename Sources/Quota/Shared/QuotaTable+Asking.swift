import Terms

/// Admission where limits are shared: from slices, or by asking the store.
extension QuotaTable {
  /// How one limit stands towards a demand.
  private enum Standing {
    case fits(place: Int)
    /// The store is to be asked.
    case lacks(place: Int)
    case fails(Shortage)
  }

  mutating func reserveShared(
    _ indices: [Int], caller: Caller, demand: Demand, now: Int64, bootMs: Int64, asked: QuotaAsk?
  ) -> QuotaAnswer {
    noteTime(now, bootMs: bootMs)
    let waited = asked.map { take($0, bootMs: bootMs) }
    var failures: [LimitFailure] = []
    var entries: [Sharing.Ask.Entry] = []
    var lacks = false
    found.removeAll(keepingCapacity: true)
    shadowed.removeAll(keepingCapacity: true)
    for index in indices {
      let need = need(tally: index, demand, now: now)
      let place: Int
      switch standing(index, caller, need, now: now, bootMs: bootMs, waited: waited) {
      case .fails where tallies[index].isShadow:
        shadowed.append(index)
        found.append(nil)
        continue
      case .fails(let shortage):
        failures.append(
          LimitFailure(
            rule: tallies[index].rule, need: need, shortage: shortage,
            now: now.plusSaturating(windows.aheadMs)))
        continue
      case .fits(let known): place = known
      case .lacks(let known):
        place = known
        lacks = true
        entries.append(
          .init(
            place: place, generation: counters[place].generation, need: need, state: .waits))
      }
      found.append(place)
    }
    guard failures.isEmpty else { return .refused(QuotaRefusal(failures: failures)) }
    if lacks, let ask = ask(entries, indices, demand, bootMs: bootMs) { return .asks(ask) }
    // The limit that refused it may have left the policy meanwhile, and so may all the others.
    if lacks || waited?.refusal != nil, let first = indices.first(where: { !tallies[$0].isShadow })
    {
      return .refused(
        QuotaRefusal(failures: [
          LimitFailure(
            rule: tallies[first].rule, need: demand.need(tallies[first].kind),
            shortage: .storeUnavailable)
        ]))
    }
    if waited == nil { sharing!.counts.withoutAsking += 1 }
    return .admitted(chargeShared(indices, demand, now: now, bootMs: bootMs, isNew: waited == nil))
  }

  private mutating func standing(
    _ tally: Int, _ caller: Caller, _ need: Int64, now: Int64, bootMs: Int64, waited: Sharing.Ask?
  ) -> Standing {
    let most = capacity(tally: tally, now: now)
    if need > most { return .fails(.neverFits) }
    let scopeValue = tallies[tally].scopeValue(of: caller)
    let place: Int
    if let known = tallies[tally].place(of: scopeValue) {
      place = known
    } else {
      guard makeRoom(tally, now: now) else {
        let wait = tallies[tally].roomTime(now: now).minusSaturating(now)
        return .fails(
          .tooManySubjects(waitMilliseconds: max(1, min(wait, Count.retryMilliseconds))))
      }
      let count = Count(fresh: tallies[tally].rule, now: now, windows: &windows)
      place = insert(count, tally: tally, scopeValue: scopeValue)
    }
    guard !tallies[tally].isShadow else {
      return standingOfShadow(place, need, now: now, bootMs: bootMs)
    }
    guard sharing!.fencedBy == nil else { return .fails(.storeUnavailable) }
    sync(place, bootMs: bootMs)
    guard need > 0 else { return .fits(place: place) }
    let part = sharing!.parts[place]!
    if part.units(need) > part.limit(most) { return .fails(.neverFits) }
    if let waited, let refusal = waited.refusal {
      // It is refused by that limit; what the others would have said was not waited for.
      return refusal.place == place ? .fails(refusal.shortage) : .fits(place: place)
    }
    guard !sharing!.partitions[part.key.partition].isLost else {
      return whileLost(place, need, bootMs: bootMs)
    }
    if sharing!.usesLeases || waited != nil, need <= part.free { return .fits(place: place) }
    guard waited == nil else { return whileLost(place, need, bootMs: bootMs) }
    guard let shortage = shortageByWord(place, need, bootMs: bootMs) else {
      return .lacks(place: place)
    }
    sharing!.counts.refusedByWord += 1
    return .fails(shortage)
  }

  /// A limit that only counts asks nobody and waits for nobody: it goes by the sum last seen.
  private mutating func standingOfShadow(
    _ place: Int, _ need: Int64, now: Int64, bootMs: Int64
  ) -> Standing {
    sync(place, bootMs: bootMs)
    // It is stated within a second, so that the sum is not older.
    sharing!.parts[place]!.mustState = true
    schedule(place, bootMs: bootMs)
    guard need > 0 else { return .fits(place: place) }
    if let use = sharedUse(place: place, now: now) {
      return need <= use.remaining
        ? .fits(place: place) : .fails(.exceeded(waitMilliseconds: Count.retryMilliseconds))
    }
    let shortage = counters[place].count.shortage(
      of: need, now: now.plusSaturating(windows.aheadMs))
    return shortage.map { .fails($0) } ?? .fits(place: place)
  }

  /// What the limit says should happen without the store.
  private mutating func whileLost(_ place: Int, _ need: Int64, bootMs: Int64) -> Standing {
    let rule = tallies[counters[place].tally].rule
    let part = sharing!.parts[place]!
    switch rule.onStoreLoss {
    case .allow: return .fits(place: place)
    case .deny: break
    case .lease: if need <= part.free { return .fits(place: place) }
    case .local:
      let share = localShare(place, rule, bootMs: bootMs)
      if need <= part.free.plusSaturating(share) { return .fits(place: place) }
    }
    guard case .budget(let budget) = counters[place].count, part.seen != nil,
      part.seenSettled >= part.limit(capacity(of: rule, bootMs: bootMs))
    else { return .fails(.storeUnavailable) }
    return .fails(.spent(waitMilliseconds: untilEnd(budget, bootMs: bootMs)))
  }

  /// What this replica may use by itself: of its share when the store was lost, or of one that begins
  /// now and ends with the store's next answer.
  private mutating func localShare(_ place: Int, _ rule: LimitRule, bootMs: Int64) -> Int64 {
    if sharing!.parts[place]!.local == nil {
      let part = sharing!.parts[place]!
      let since = part.holding(counters[place].count).hold.minusSaturating(part.known?.hold ?? 0)
      let left = part.seenLeft(of: capacity(of: rule, bootMs: bootMs))?
        .minusSaturating(max(0, since).timesSaturating(part.unit))
      sharing!.parts[place]!.local = LocalShare(
        rule, seenLeft: left, replicas: sharing!.replicas, bootMs: bootMs)
    }
    return sharing!.parts[place]!.local?.available(at: bootMs) ?? 0
  }

  /// The milliseconds until the end of the window, by the store's time.
  func untilEnd(_ budget: Budget, bootMs: Int64) -> Int64 {
    let now = bootMs.plusSaturating(sharing!.nowAheadMs).plusSaturating(windows.aheadMs)
    return max(1, budget.window.end.minusSaturating(now))
  }

  /// The refusal that the store's last word says, as long as it counts: for 100 ms, of slots for
  /// 25 ms, of a bucket until enough was refilled.
  private func shortageByWord(_ place: Int, _ need: Int64, bootMs: Int64) -> Shortage? {
    let part = sharing!.parts[place]!
    guard let word = part.word, need > part.free.plusSaturating(word.left) else { return nil }
    let age = bootMs - word.sentMs
    guard age >= 0, age < (counters[place].count.isSlots ? 25 : 100) else { return nil }
    let shortage = shortage(
      of: need - part.free, left: word.left, place: place, bootMs: bootMs)
    guard counters[place].count.isBucket, let wait = shortage.waitMilliseconds else {
      return shortage
    }
    return age < wait ? .exceeded(waitMilliseconds: wait - age) : nil
  }

  /// Why `need` cannot be had where only `left` is left.
  func shortage(of need: Int64, left: Int64, place: Int, bootMs: Int64) -> Shortage {
    let rule = tallies[counters[place].tally].rule
    let part = sharing!.parts[place]!
    switch counters[place].count {
    case .slots: return .exceeded(waitMilliseconds: Count.retryMilliseconds)
    case .bucket(let bucket):
      let missing = Int128(need) - Int128(left)
      let wait =
        (missing * Int128(bucket.periodMilliseconds) + Int128(rule.amount) - 1)
        / Int128(rule.amount)
      return .exceeded(waitMilliseconds: max(1, Int64(saturating: wait)))
    case .budget(let budget):
      let reset = untilEnd(budget, bootMs: bootMs)
      let limit = part.limit(capacity(of: rule, bootMs: bootMs))
      if part.seenSettled >= limit { return .spent(waitMilliseconds: reset) }
      let fitsAfterOthers = part.units(need) <= limit - part.seenSettled
      return .exceeded(
        waitMilliseconds: fitsAfterOthers ? min(reset, Count.retryMilliseconds) : reset)
    }
  }

  // MARK: Requests that wait

  /// Notes that a request waits: what it lacks is asked for, and what it found is kept for it.
  private mutating func ask(
    _ lacking: [Sharing.Ask.Entry], _ indices: [Int], _ demand: Demand, bootMs: Int64
  ) -> QuotaAsk? {
    guard sharing!.asks.count < Sharing.asksMax else { return nil }
    let id = sharing!.nextAsk()
    var entries = lacking
    for (position, index) in indices.enumerated() where !tallies[index].isShadow {
      let (place, need) = (found[position]!, demand.need(tallies[index].kind))
      sharing!.parts[place]!.rate.use(need, at: bootMs)
      if lacking.contains(where: { $0.place == place }) {
        sharing!.parts[place]!.waiting.append(.init(ask: id, need: need))
        schedule(place, bootMs: bootMs)
      } else if need > 0, need <= sharing!.parts[place]!.free {
        sharing!.parts[place]!.kept += need
        entries.append(
          .init(place: place, generation: counters[place].generation, need: need, state: .ready))
      }
    }
    sharing!.counts.asked += 1
    sharing!.asks[id] = Sharing.Ask(entries: entries, sinceMs: bootMs)
    return QuotaAsk(id: id, demand: demand)
  }

  /// Ends the waiting, and gives free what was kept. An ask that is not known any more is one that
  /// was never answered.
  private mutating func take(_ ask: QuotaAsk, bootMs: Int64) -> Sharing.Ask {
    guard let state = sharing!.asks.removeValue(forKey: ask.id) else {
      return Sharing.Ask(entries: [], sinceMs: bootMs)
    }
    for entry in state.entries {
      guard entry.place < counters.count, counters[entry.place].generation == entry.generation,
        sharing!.parts[entry.place] != nil
      else { continue }
      switch entry.state {
      case .waits: sharing!.parts[entry.place]!.waiting.removeAll { $0.ask == ask.id }
      case .ready:
        let kept = sharing!.parts[entry.place]!.kept
        sharing!.parts[entry.place]!.kept = max(0, kept - entry.need)
      case .refused, .unknown: break
      }
      schedule(entry.place, bootMs: bootMs)
    }
    return state
  }

  /// Whether the request can be tried again: nothing that it waits for is due or under way.
  package func isAnswered(_ ask: QuotaAsk) -> Bool { sharing?.asks[ask.id]?.isOver ?? true }

  /// The request is not tried again.
  package mutating func withdraw(_ ask: QuotaAsk, bootMs: Int64) {
    guard sharing != nil else { return }
    _ = take(ask, bootMs: bootMs)
  }

  /// Nobody will answer it: it is tried again as while the store is lost.
  mutating func endWaiting(_ id: UInt64) {
    guard let ask = sharing!.asks[id] else { return }
    for index in ask.entries.indices where ask.entries[index].state == .waits {
      settleEntry(id, index, as: .unknown)
    }
  }

  mutating func settleEntry(_ id: UInt64, _ index: Int, as state: Sharing.Ask.State) {
    let entry = sharing!.asks[id]!.entries[index]
    sharing!.asks[id]!.entries[index].state = state
    guard counters[entry.place].generation == entry.generation,
      sharing!.parts[entry.place] != nil
    else { return }
    sharing!.parts[entry.place]!.waiting.removeAll { $0.ask == id }
    if state == .ready { sharing!.parts[entry.place]!.kept += entry.need }
  }

  // MARK: Charging

  private mutating func chargeShared(
    _ indices: [Int], _ demand: Demand, now: Int64, bootMs: Int64, isNew: Bool
  ) -> Reservation {
    var reserved: [ReservedCharge] = []
    reserved.reserveCapacity(indices.count)
    for (position, index) in indices.enumerated() where !shadowed.contains(index) {
      let (place, kind) = (found[position]!, tallies[index].kind)
      let need = need(tally: index, demand, now: now)
      let window = counters[place].count.reserve(need)
      counters[place].open = counters[place].open.plusSaturating(1)
      counters[place].reserved = counters[place].reserved.plusSaturating(need)
      sharing!.parts[place]!.spend(need, counters[place].count)
      if isNew, !tallies[index].isShadow { sharing!.parts[place]!.rate.use(need, at: bootMs) }
      schedule(place, bootMs: bootMs)
      reserved.append(
        ReservedCharge(
          place: place, generation: counters[place].generation, kind: kind,
          charge: Charge(counter: counters[place].name, amount: need, window: window)))
    }
    return Reservation(demand: demand, reserved: reserved, shadowed: shadowedRules)
  }

  /// What a settlement does to the slice: `window` is that of the admission.
  mutating func settleShared(
    place: Int, reserved: Int64, final: Int64, window: Int64?, now: Int64
  ) {
    let bootMs = now.minusSaturating(sharing!.nowAheadMs)
    noteWindow(place)
    sharing!.parts[place]!.expire(counters[place].count, at: bootMs)
    if window == counters[place].count.windowStart {
      sharing!.parts[place]!.settle(
        reserved.minusSaturating(final), counters[place].count, at: bootMs)
    }
    schedule(place, bootMs: bootMs)
  }
}
