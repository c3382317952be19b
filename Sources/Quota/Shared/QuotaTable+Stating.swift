import Terms

/// What is said to the store, and when.
extension QuotaTable {
  /// The calls that are due now, to be sent at once. At most one is under way for each counter.
  package mutating func callsDue(bootMs: Int64) -> [StatementCallUnderWay] {
    guard sharing != nil, sharing!.fencedBy == nil else { return [] }
    dropOldAsks(bootMs: bootMs)
    var due: [Int: [Int]] = [:]
    while let entry = sharing!.queue.pop(at: bootMs) {
      guard counters[entry.place].generation == entry.generation,
        sharing!.parts[entry.place]?.dueMs == entry.dueMs
      else { continue }
      sharing!.parts[entry.place]!.dueMs = .max
      sync(entry.place, bootMs: bootMs)
      schedule(entry.place, bootMs: bootMs)
      let part = sharing!.parts[entry.place]!
      guard part.dueMs <= bootMs else { continue }
      sharing!.parts[entry.place]!.dueMs = .max
      due[part.key.partition, default: []].append(entry.place)
    }
    checkOne(bootMs: bootMs)
    for (partition, view) in sharing!.partitions.enumerated()
    where view.probeMs <= bootMs && view.isReached {
      sharing!.partitions[partition].probeMs = .max
      if view.state == .open, view.claimedMs == view.openingMs, !holdsAnything(view) { continue }
      due[partition, default: []] += []
    }
    var calls: [StatementCallUnderWay] = []
    for partition in due.keys.sorted() {
      calls += self.calls(partition, due[partition]!, bootMs: bootMs)
    }
    return calls
  }

  /// When `callsDue` gives something next, if nobody asks before; nil where nothing is known to be.
  package func nextDue(bootMs: Int64) -> Int64? {
    guard let sharing, sharing.fencedBy == nil else { return nil }
    var next = min(sharing.queue.first?.dueMs ?? .max, sharing.checkMs)
    for view in sharing.partitions where view.isReached { next = min(next, view.probeMs) }
    return next == .max ? nil : next
  }

  /// A store that lost what it had is silent about it. So one partition with something of this
  /// holder's is asked from time to time, each in turn: what lost one has lost all, or all of a
  /// cluster's server.
  private mutating func checkOne(bootMs: Int64) {
    guard bootMs >= sharing!.checkMs else { return }
    sharing!.checkMs = bootMs + sharing!.settings.restatedMilliseconds
    for step in 1...SharedKey.partitions {
      let partition = (sharing!.checkedPartition + step) % SharedKey.partitions
      let view = sharing!.partitions[partition]
      guard view.isReached, view.state == .open, holdsAnything(view) else { continue }
      sharing!.checkedPartition = partition
      sharing!.partitions[partition].probeMs = bootMs
      return
    }
  }

  /// Whether the store would lose something of this holder's.
  private func holdsAnything(_ view: PartitionView) -> Bool {
    view.places.contains { place in
      sharing!.parts[place].map { $0.holding(counters[place].count).hold != 0 } ?? false
    }
  }

  /// Requests that nobody tried again or withdrew: a mistake of the caller's must not keep a slice for
  /// ever.
  private mutating func dropOldAsks(bootMs: Int64) {
    guard bootMs - sharing!.asksSweptMs >= Sharing.askMilliseconds else { return }
    sharing!.asksSweptMs = bootMs
    for (id, ask) in sharing!.asks where bootMs - ask.sinceMs >= Sharing.askMilliseconds {
      withdraw(QuotaAsk(id: id, demand: Demand.none), bootMs: bootMs)
    }
  }

  /// The statements of one partition: those that requests wait for first, in the order in which they
  /// began to wait.
  private mutating func calls(
    _ partition: Int, _ places: [Int], bootMs: Int64
  ) -> [StatementCallUnderWay] {
    let ordered = places.map { (sharing!.parts[$0]!.waiting.first?.ask ?? .max, $0) }
      .sorted { $0 < $1 }.map(\.1)
    var calls: [StatementCallUnderWay] = []
    var from = 0
    repeat {
      let chunk = ordered[from..<min(ordered.count, from + StatementCall.statementsMax)]
      from += chunk.count
      calls.append(call(partition, Array(chunk), bootMs: bootMs))
    } while from < ordered.count
    return calls
  }

  private mutating func call(
    _ partition: Int, _ places: [Int], bootMs: Int64
  ) -> StatementCallUnderWay {
    let id = sharing!.nextCall()
    let claims = claims(partition, in: places)
    let statements = places.map { state($0, call: id, bootMs: bootMs) }
    let call = StatementCall(
      partition: partition, statements: statements, isWhole: claims.isWhole,
      openingMs: claims.isAlone ? nil : sharing!.partitions[partition].openingMs)
    sharing!.calls[id] = Sharing.Call(
      call: call, sentMs: bootMs,
      counters: places.map { ($0, counters[$0].generation) }, isWholeAlone: claims.isAlone)
    sharing!.counts.calls += 1
    sharing!.counts.statements += Int64(statements.count)
    return StatementCallUnderWay(id: id, call: call)
  }

  /// Whether a call with the statements of these places ends what this holder has to state of the
  /// partition since its opening, and whether it is all there is.
  private func claims(_ partition: Int, in places: [Int]) -> (isWhole: Bool, isAlone: Bool) {
    let view = sharing!.partitions[partition]
    if let opening = view.openingMs, view.claimedMs == opening, view.state == .open {
      return (false, false)
    }
    var isWhole = true
    var isAlone = true
    let stated = Set(places)
    for place in view.places where !stated.contains(place) {
      guard let part = sharing!.parts[place],
        part.seen != nil || part.holding(counters[place].count).hold != 0
      else { continue }
      isAlone = false
      if view.openingMs == nil || part.claimedIn != view.openingMs { isWhole = false }
    }
    return (isWhole, isAlone)
  }

  /// What is said of one counter now.
  private mutating func state(_ place: Int, call: UInt64, bootMs: Int64) -> Statement {
    let rule = tallies[counters[place].tally].rule
    let count = counters[place].count
    var part = sharing!.parts[place]!
    let isSpare =
      sharing!.usesLeases && bootMs >= part.shortUntilMs && !part.rate.isIdle(at: bootMs)
    if !isSpare && !sharing!.partitions[part.key.partition].isLost { part.giveBack() }
    if part.known == nil, part.settledFirst == nil, case .budget(let budget) = count {
      part.settledFirst = part.units(budget.used)
    }
    let holding = part.stated(
      count, leaseMilliseconds: sharing!.settings.leaseMilliseconds, at: bootMs)
    let (need, want) = wish(part, capacity(of: rule, bootMs: bootMs), isSpare: isSpare)
    let statement = Statement(
      key: part.key, shape: shape(rule, count, part, settled: holding.settled),
      amount: part.limit(amount(of: rule, bootMs: bootMs)), number: sharing!.nextStatement(),
      hold: holding.hold,
      unspent: holding.unspent, need: need, want: want, seen: part.seen)
    var window: CalendarWindow?
    if case .budget(let budget) = count { window = budget.window }
    part.underWay = .init(call: call, sentMs: bootMs, holding: holding, window: window)
    part.statedMs = bootMs
    part.mustState = false
    part.renewMs = bootMs + 100
    sharing!.parts[place] = part
    return statement
  }

  private func shape(
    _ rule: LimitRule, _ count: Count, _ part: SharedPart, settled: Int64
  ) -> Statement.Shape {
    switch count {
    case .budget(let budget):
      .budget(start: budget.window.start, end: budget.window.end, settled: settled)
    case .bucket(let bucket):
      .bucket(
        capacity: part.limit(rule.capacity), periodMilliseconds: bucket.periodMilliseconds)
    case .slots: .slots
    }
  }

  /// What is needed and what is liked, in the store's unit. Those who wait are counted in their order
  /// as far as the store was last seen to have something left, at least the first. A slice is for
  /// about a second of this replica's own use.
  private func wish(
    _ part: SharedPart, _ capacity: Int64, isSpare: Bool
  ) -> (need: Int64, want: Int64) {
    guard !sharing!.partitions[part.key.partition].isLost else { return (0, 0) }
    var needed: Int64 = 0
    var total: Int64 = 0
    let left = part.seenLeft(of: capacity) ?? capacity
    var isCounted = true
    for waiting in part.waiting {
      total = total.plusSaturating(waiting.need)
      isCounted =
        isCounted
        && (needed == 0
          || needed.plusSaturating(waiting.need) <= part.free.plusSaturating(left))
      if isCounted { needed = needed.plusSaturating(waiting.need) }
    }
    let liked = total.plusSaturating(isSpare ? part.rate.perSecond : 0)
    let most: Int64 = 1 << 52
    let need = min(most, part.units(max(0, needed - part.free)))
    return (need, min(most, max(need, part.units(max(0, liked - part.free)))))
  }
}
