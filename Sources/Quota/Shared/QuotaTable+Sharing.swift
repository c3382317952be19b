import Terms

/// Limits that are shared with other replicas through a store. All times named `bootMs` are of one
/// clock that counts the time that passes, and never steps.
///
/// `Sources/Quota/README.md` says what holds, and how long each thing takes at most.
extension QuotaTable {
  /// From now on the limits are shared. After recovery, before any request: what the ledger says of
  /// this replica's use is stated first.
  package mutating func share(
    _ settings: SharingSettings, as holder: Holder, now: Int64, bootMs: Int64
  ) {
    sharing = Sharing(
      settings, as: holder, nowAheadMs: now.minusSaturating(bootMs),
      knewStore: wasShared || !restoredSeen.isEmpty, bootMs: bootMs)
    sharing?.parts = Array(repeating: nil, count: counters.count)
    // Every partition is asked, also without a counter in it: a store that was empty is open before the
    // first request.
    for partition in 0..<SharedKey.partitions { sharing?.partitions[partition].probeMs = bootMs }
    if holder.start > 1 { insertBudgets(now: now) }
    for tally in tallies {
      for place in tally.places {
        attachPart(place)
        sync(place, bootMs: bootMs)
        if let (seen, window) = restoredSeen[place], counters[place].count.windowStart == window {
          sharing?.parts[place]?.seen = seen
        }
        sharing?.parts[place]?.mustState = true
        schedule(place, bootMs: bootMs)
      }
    }
    restoredSeen = [:]
  }

  /// A process before may have leased something of a budget, and died before it used any of it: then
  /// its ledger knows nothing of the counter, and only a statement gives it back.
  private mutating func insertBudgets(now: Int64) {
    for (index, rule) in catalog.rules.enumerated()
    where rule.scope == .owner && tallies[index].places.isEmpty {
      guard case .calendar = rule.window else { continue }
      let count = Count(fresh: rule, now: now, windows: &windows)
      _ = insert(count, tally: index, scopeValue: "")
    }
  }

  package var isShared: Bool { sharing != nil }

  /// Which replicas live, as the store says.
  package mutating func alive(_ fleet: FleetView, bootMs: Int64) {
    guard sharing != nil else { return }
    sharing!.replicas = max(1, fleet.count)
    let hadList = sharing!.listMs
    sharing!.listMs = fleet.listMs
    if hadList != 0, hadList != fleet.listMs {
      // The store has lost the list, and so may have lost all.
      suspect(bootMs: bootMs)
    }
    guard fleet.isComplete else { return }
    let lease = sharing!.settings.leaseMilliseconds
    if sharing!.living.take(fleet, leaseMs: lease, bootMs: bootMs) { sharing!.departedMs = bootMs }
  }

  /// Whom this replica saw alive within the lease's time, in the order of their ledgers: a partition
  /// that opens waits for them. A store that came back as an old copy knows fewer, and must not be
  /// believed at once.
  package func living(bootMs: Int64) -> [Holder] {
    guard let sharing else { return [] }
    return sharing.living.holders(leaseMs: sharing.settings.leaseMilliseconds, bootMs: bootMs)
  }

  /// The store may have lost what it had: its server was connected to again, or it has lost a partition
  /// or the list of who lives. Every partition with something of this holder's is asked.
  package mutating func suspect(bootMs: Int64) {
    guard sharing != nil else { return }
    for partition in 0..<SharedKey.partitions where sharing!.partitions[partition].state == .open {
      sharing!.partitions[partition].probeMs = min(
        bootMs, sharing!.partitions[partition].probeMs)
    }
  }

  /// Another process goes on with this ledger: everything shared is refused from now on.
  package mutating func fenced(by start: Int64) {
    guard let known = sharing?.fencedBy else {
      sharing?.fencedBy = start
      for id in Array(sharing?.asks.keys ?? [:].keys) { endWaiting(id) }
      return
    }
    sharing?.fencedBy = max(known, start)
  }

  /// The higher start number of this ledger, by which this process was put out of its place.
  package var fencedBy: Int64? { sharing?.fencedBy }

  /// Before the process ends: what is leased and not spent goes back with the next calls, and nothing
  /// more is leased.
  package mutating func giveBack(bootMs: Int64) {
    sharing?.isDraining = true
    for place in counters.indices { schedule(place, bootMs: bootMs) }
  }

  /// Gives a counter its shared part.
  mutating func attachPart(_ place: Int) {
    guard sharing != nil else { return }
    let rule = tallies[counters[place].tally].rule
    let key = SharedKey(rule, name: counters[place].name, scopeValue: counters[place].scopeValue)
    var part = SharedPart(key: key, unit: rule.kind == .usd ? 1_000 : 1)
    part.window = counters[place].count.windowStart
    part.isShadow = rule.isShadow
    while sharing!.parts.count <= place { sharing!.parts.append(nil) }
    sharing!.parts[place] = part
    sharing!.partitions[key.partition].places.insert(place)
  }

  mutating func detachPart(_ place: Int) {
    guard let part = sharing?.parts[place] else { return }
    for waiting in part.waiting { endWaiting(waiting.ask) }
    sharing!.partitions[part.key.partition].places.remove(place)
    sharing!.parts[place] = nil
  }

  /// The ledger's time runs at this distance from the boot clock.
  mutating func noteTime(_ now: Int64, bootMs: Int64) {
    sharing!.nowAheadMs = now.minusSaturating(bootMs)
  }

  /// Windows go by the store's time, as last told. Small differences are left alone: they are the
  /// answers' time on the way, and a window must not go to and fro.
  mutating func noteStoreTime(_ storeMs: Int64, bootMs: Int64, isExact: Bool) {
    let ahead = storeMs.minusSaturating(bootMs)
    if let known = sharing!.storeAheadMs, !isExact, abs(known - ahead) <= 100 { return }
    sharing!.storeAheadMs = ahead
    windows.aheadMs = ahead.minusSaturating(sharing!.nowAheadMs)
  }

  /// Goes to the window that there is now, and ends a slice whose time has passed.
  mutating func sync(_ place: Int, bootMs: Int64) {
    counters[place].count.advance(
      to: bootMs.plusSaturating(sharing!.nowAheadMs), windows: &windows)
    noteWindow(place)
    sharing!.parts[place]!.expire(counters[place].count, at: bootMs)
    guard case .budget(let budget) = counters[place].count, !budget.raises.isEmpty else { return }
    // What was leased under another amount goes back.
    let given = budget.amount(at: budgetTime(bootMs: bootMs))
    if let known = sharing!.parts[place]!.amount, known != given {
      sharing!.parts[place]!.disown()
    }
    sharing!.parts[place]!.amount = given
  }

  /// The time that budgets go by.
  func budgetTime(bootMs: Int64) -> Int64 {
    bootMs.plusSaturating(sharing?.nowAheadMs ?? 0).plusSaturating(windows.aheadMs)
  }

  /// What a limit gives now.
  func amount(of rule: LimitRule, bootMs: Int64) -> Int64 {
    rule.raises.isEmpty ? rule.amount : rule.amount(at: budgetTime(bootMs: bootMs))
  }

  /// The most of a limit that can be taken at once now.
  func capacity(of rule: LimitRule, bootMs: Int64) -> Int64 {
    rule.raises.isEmpty ? rule.capacity : rule.amount(at: budgetTime(bootMs: bootMs))
  }

  mutating func noteWindow(_ place: Int) {
    guard let start = counters[place].count.windowStart, sharing!.parts[place]!.window != start
    else { return }
    for waiting in sharing!.parts[place]!.waiting { endWaiting(waiting.ask) }
    sharing!.parts[place]!.beginWindow()
    sharing!.parts[place]!.window = start
    sharing!.parts[place]!.mustState = true
    guard sharing!.parts[place]!.local != nil else { return }
    let rule = tallies[counters[place].tally].rule
    sharing!.parts[place]!.local = LocalShare(
      rule, seenLeft: rule.amount, replicas: sharing!.replicas, bootMs: 0)
  }

  /// Puts the counter into the queue for what is due of it next.
  mutating func schedule(_ place: Int, bootMs: Int64) {
    guard sharing?.parts[place] != nil else { return }
    let due = dueTime(place, bootMs: bootMs)
    if due < sharing!.parts[place]!.dueMs {
      sharing!.parts[place]!.dueMs = due
      sharing!.queue.push(
        .init(dueMs: due, place: place, generation: counters[place].generation))
    }
    let isPinned = !sharing!.parts[place]!.isIdle(counters[place].count)
    guard isPinned != counters[place].isPinned else { return }
    counters[place].isPinned = isPinned
    if !isPinned { tallies[counters[place].tally].expectIdle(at: 0) }
  }

  /// When the counter has to be stated next, if nothing happens until then.
  private func dueTime(_ place: Int, bootMs: Int64) -> Int64 {
    guard let sharing, let part = sharing.parts[place], part.underWay == nil,
      sharing.fencedBy == nil
    else { return .max }
    let view = sharing.partitions[part.key.partition]
    guard view.isReached else { return .max }
    let count = counters[place].count
    let holding = part.holding(count)
    var due = part.waiting.isEmpty ? Int64.max : bootMs
    let mustState = part.mustState || holding.hold != 0 || part.taken != 0
    if part.isUncertain || part.known == nil && mustState {
      due = bootMs
    }
    if let known = part.known {
      // What only counts is stated once a second.
      if holding.hold > known.hold, !part.isShadow { due = bootMs }
      if holding != known || part.isShadow && part.mustState {
        due = min(due, part.statedMs + 1_000)
      }
    }
    if let opening = view.openingMs, view.claimedMs != opening, part.claimedIn != opening,
      holding.hold != 0 || part.seen != nil
    {
      due = bootMs
    }
    if part.free > 0 {
      due = min(due, returnTime(part, sharing, bootMs))
      due = min(due, raiseEdge(place, bootMs: bootMs))
    }
    if part.unspent > 0, !count.isBudget { due = min(due, part.validUntilMs) }
    if isRenewed(part, sharing, bootMs) { due = min(due, max(bootMs, part.renewMs)) }
    if count.isSlots, holding.hold != 0 {
      due = min(due, part.statedMs + sharing.settings.restatedMilliseconds)
    }
    return max(due, part.notBeforeMs)
  }

  /// When a raise begins or ends next: a slice is void then.
  private func raiseEdge(_ place: Int, bootMs: Int64) -> Int64 {
    guard case .budget(let budget) = counters[place].count, !budget.raises.isEmpty else {
      return .max
    }
    let now = budgetTime(bootMs: bootMs)
    guard let edge = budget.raises.nextEdge(after: now) else { return .max }
    return bootMs.plusSaturating(edge.minusSaturating(now))
  }

  private func returnTime(_ part: SharedPart, _ sharing: Sharing, _ bootMs: Int64) -> Int64 {
    if sharing.isDraining { return bootMs }
    if bootMs < part.shortUntilMs { return max(bootMs, part.statedMs + 100) }
    return max(bootMs, part.rate.lastMs + 1_000)
  }

  /// Whether a slice is asked for in the background.
  private func isRenewed(_ part: SharedPart, _ sharing: Sharing, _ bootMs: Int64) -> Bool {
    sharing.usesLeases && part.known != nil && bootMs >= part.shortUntilMs
      && !sharing.partitions[part.key.partition].isLost && !part.rate.isIdle(at: bootMs)
      && part.free < part.rate.perSecond / 2
  }
}

extension Count {
  var isBudget: Bool { if case .budget = self { true } else { false } }
  var isSlots: Bool { if case .slots = self { true } else { false } }

  /// The start of a budget's window.
  var windowStart: Int64? {
    if case .budget(let budget) = self { budget.window.start } else { nil }
  }
}
