import Terms

/// What the store says, and its silence.
extension QuotaTable {
  /// The store answered. What is not known any more is left alone: whoever told that it would not be
  /// answered has said how things are by a newer statement.
  package mutating func answered(_ id: UInt64, _ answer: StatementCallAnswer, bootMs: Int64) {
    guard let call = sharing?.calls.removeValue(forKey: id) else { return }
    guard answer.answers.count == call.counters.count else {
      return end(call, id, bootMs: bootMs)
    }
    let isWrongWindow = answer.answers.contains { $0.outcome == .otherWindow }
    noteStoreTime(answer.storeMs, bootMs: bootMs, isExact: isWrongWindow)
    let partition = call.call.partition
    if call.call.isWhole,
      call.isWholeAlone || sharing!.partitions[partition].openingMs == answer.openingMs
    {
      sharing!.partitions[partition].claimedMs = answer.openingMs
    }
    if let opening = sharing!.partitions[partition].openingMs, opening != answer.openingMs,
      bootMs - sharing!.suspectedMs >= Sharing.suspicionMilliseconds
    {
      // Whatever lost this one may have lost others.
      sharing!.suspectedMs = bootMs
      suspect(bootMs: bootMs)
    }
    sharing!.partitions[partition].openingMs = answer.openingMs
    for (index, counter) in call.counters.enumerated() {
      guard counters[counter.place].generation == counter.generation,
        let underWay = sharing!.parts[counter.place]?.underWay, underWay.call == id
      else { continue }
      sharing!.parts[counter.place]!.underWay = nil
      take(
        answer.answers[index], counter.place, underWay, answer.storeMs, answer.openingMs,
        bootMs: bootMs)
    }
    note(answer.state, partition, bootMs: bootMs)
    for counter in call.counters where counters[counter.place].generation == counter.generation {
      schedule(counter.place, bootMs: bootMs)
    }
  }

  /// The partition of a call that is under way; nil where there is no such call.
  package func partition(ofCall id: UInt64) -> Int? { sharing?.calls[id]?.call.partition }

  /// The call will not be answered: its connection is gone, or the answer is a failure. What became
  /// of it is not known; a new statement will say how things are.
  package mutating func unanswered(_ id: UInt64, bootMs: Int64) {
    guard let call = sharing?.calls.removeValue(forKey: id) else { return }
    end(call, id, bootMs: bootMs)
  }

  private mutating func end(_ call: Sharing.Call, _ id: UInt64, bootMs: Int64) {
    sharing!.counts.unanswered += 1
    for counter in call.counters
    where counters[counter.place].generation == counter.generation
      && sharing!.parts[counter.place]?.underWay?.call == id
    {
      sharing!.parts[counter.place]!.underWay = nil
      sharing!.parts[counter.place]!.isUncertain = true
      // A failure that comes at once is not asked for again at once.
      sharing!.parts[counter.place]!.notBeforeMs = call.sentMs + 10
      schedule(counter.place, bootMs: bootMs)
    }
    let partition = call.call.partition
    if call.counters.isEmpty { sharing!.partitions[partition].probeMs = bootMs + 100 }
  }

  private mutating func take(
    _ answer: StatementAnswer, _ place: Int, _ underWay: SharedPart.UnderWay, _ storeMs: Int64,
    _ openingMs: Int64, bootMs: Int64
  ) {
    switch answer.outcome {
    case .stale:
      sharing!.parts[place]!.isUncertain = true
      sharing!.parts[place]!.notBeforeMs = bootMs + 100
    case .fenced(let start): fenced(by: start)
    case .otherWindow: goToWindow(of: answer, place, storeMs, bootMs: bootMs)
    case .granted, .short, .otherShort, .opening:
      noteWindow(place)
      if case .budget(let budget) = counters[place].count, underWay.window != budget.window {
        return
      }
      takeIn(answer, place, underWay, storeMs, bootMs: bootMs)
      sharing!.parts[place]!.claimedIn = openingMs
      decideWaiting(answer.outcome, place, underWay, bootMs: bootMs)
    }
  }

  /// The statement was taken in.
  private mutating func takeIn(
    _ answer: StatementAnswer, _ place: Int, _ underWay: SharedPart.UnderWay, _ storeMs: Int64,
    bootMs: Int64
  ) {
    let count = counters[place].count
    let rule = tallies[counters[place].tally].rule
    var part = sharing!.parts[place]!
    part.expire(count, at: bootMs)
    part.isUncertain = false
    if !sharing!.partitions[part.key.partition].isLost { part.local = nil }
    var known = underWay.holding
    let more = answer.ownSettled.minusSaturating(known.settled)
    if count.isBudget, more > 0 {
      part.carried = part.carried.plusSaturating(more)
      known.hold = known.hold.plusSaturating(more)
      known.settled = known.settled.plusSaturating(more)
      sharing!.note(.init(counter: counters[place].name, amount: more))
    }
    let validUntil = underWay.sentMs + sharing!.settings.validMilliseconds
    if case .granted(let granted) = answer.outcome, granted > 0 {
      known.hold = known.hold.plusSaturating(granted)
      known.unspent = known.unspent.plusSaturating(granted)
      let amount = granted.timesSaturating(part.unit)
      if count.isBudget || bootMs < validUntil {
        part.unspent = part.unspent.plusSaturating(amount)
      } else if count.isBucket {
        part.taken = part.taken.plusSaturating(amount)
      }
    }
    part.validUntilMs = max(part.validUntilMs, validUntil)
    part.heardMs = underWay.sentMs
    part.known = known
    part.seen = Statement.Seen(sum: max(0, answer.sum), atMs: max(0, storeMs))
    part.seenSettled = answer.settled
    part.holders = answer.holders
    part.shortUntilMs = answer.isShort ? bootMs + 1_000 : .min
    part.word = nil
    if case .short = answer.outcome {
      part.word = .init(
        left: part.seenLeft(of: capacity(of: rule, bootMs: bootMs)) ?? 0, sentMs: underWay.sentMs)
    }
    sharing!.parts[place] = part
    noteReached(place, by: answer, bootMs: bootMs)
  }

  /// The statement that took the settled use of all replicas over a share is the one that tells of it:
  /// the store says to exactly one replica how it was before and after.
  private mutating func noteReached(_ place: Int, by answer: StatementAnswer, bootMs: Int64) {
    let rule = tallies[counters[place].tally].rule
    guard !rule.warnAt.isEmpty, case .budget(let budget) = counters[place].count else { return }
    let part = sharing!.parts[place]!
    let now = budgetTime(bootMs: bootMs)
    let amount = part.limit(budget.amount(at: now))
    guard let share = rule.warnAt.last(where: { $0.isReached(answer.settled, of: amount) }),
      share > budget.told
    else { return }
    guard !share.isReached(answer.settledBefore, of: amount) else {
      return told(counter: counters[place].name, share, windowStartMs: budget.window.start)
    }
    noteReached(place, budget, used: answer.settled.timesSaturating(part.unit), now: now)
  }

  /// Keeps for those who wait what there is, in their order. Who needs more than is left is refused
  /// by the store's word; the others are asked for again.
  private mutating func decideWaiting(
    _ outcome: StatementAnswer.Outcome, _ place: Int, _ underWay: SharedPart.UnderWay,
    bootMs: Int64
  ) {
    for waiting in sharing!.parts[place]!.waiting {
      guard
        let index = sharing!.asks[waiting.ask]?.entries.firstIndex(where: {
          $0.place == place && $0.state == .waits
        })
      else { continue }
      let part = sharing!.parts[place]!
      if waiting.need <= part.free {
        settleEntry(waiting.ask, index, as: .ready)
      } else if outcome == .opening {
        settleEntry(waiting.ask, index, as: .unknown)
      } else if let word = part.word, waiting.need > part.free.plusSaturating(word.left) {
        let shortage = shortage(
          of: waiting.need - part.free, left: word.left, place: place, bootMs: bootMs)
        settleEntry(waiting.ask, index, as: .refused(shortage))
        endOthers(waiting.ask, bootMs: bootMs)
      }
    }
  }

  /// A request that is refused by one limit waits for no other.
  private mutating func endOthers(_ id: UInt64, bootMs: Int64) {
    guard let ask = sharing!.asks[id] else { return }
    for (index, entry) in ask.entries.enumerated() where entry.state == .waits {
      settleEntry(id, index, as: .unknown)
      schedule(entry.place, bootMs: bootMs)
    }
  }

  /// The store keeps another window than the one that was stated.
  private mutating func goToWindow(
    of answer: StatementAnswer, _ place: Int, _ storeMs: Int64, bootMs: Int64
  ) {
    let window = CalendarWindow(start: answer.window.start, end: answer.window.end)
    guard case .budget(var budget) = counters[place].count else { return }
    let before = budget.window
    let length = window.end.minusSaturating(window.start)
    if window.contains(storeMs), length <= budget.unit.millisecondsMax, window != budget.window {
      let waiting = sharing!.parts[place]!.waiting
      budget.go(to: window)
      counters[place].count = .budget(budget)
      sharing!.parts[place]!.waiting = []
      noteWindow(place)
      sharing!.parts[place]!.waiting = waiting
    } else {
      sync(place, bootMs: bootMs)
    }
    sharing!.parts[place]?.mustState = true
    // Where the store's clock was set back behind its window, there is none to go to for a while.
    let isSame = counters[place].count.windowStart == before.start
    sharing!.parts[place]?.notBeforeMs = bootMs + (isSame ? 100 : 1)
  }

  // MARK: Partitions

  private mutating func note(_ state: PartitionState, _ partition: Int, bootMs: Int64) {
    let before = sharing!.partitions[partition]
    sharing!.partitions[partition].isReached = true
    if case .opening(let isClaimed, let claimed, let expected, let sinceMs) = state {
      sharing!.partitions[partition].claims = OpeningClaims(
        isClaimed: isClaimed, claimed: claimed, expected: expected, sinceMs: sinceMs)
    } else {
      sharing!.partitions[partition].claims = nil
    }
    if state == .open {
      sharing!.partitions[partition].state = .open
      sharing!.partitions[partition].probeMs = .max
      if before.isLost {
        for place in before.places { sharing!.parts[place]?.local = nil }
      }
    } else {
      sharing!.partitions[partition].state = .opening
      if !before.isLost { endAsking(partition, bootMs: bootMs) }
      sharing!.partitions[partition].probeMs = bootMs + 100
    }
    let view = sharing!.partitions[partition]
    guard view.claimedMs != view.openingMs || before.state != view.state else { return }
    for place in view.places { schedule(place, bootMs: bootMs) }
    if view.claimedMs != view.openingMs, isClaimStated(view) {
      sharing!.partitions[partition].probeMs = bootMs
    }
  }

  /// Whether all has been stated since the opening, so that only the word of it is missing.
  private func isClaimStated(_ view: PartitionView) -> Bool {
    view.places.allSatisfy { place in
      guard let part = sharing!.parts[place] else { return true }
      return part.claimedIn == view.openingMs
        || part.seen == nil && part.holding(counters[place].count).hold == 0
    }
  }

  /// The partition's store does not answer any more.
  package mutating func lost(partition: Int, bootMs: Int64) {
    guard sharing != nil, (0..<SharedKey.partitions).contains(partition) else { return }
    let wasLost = sharing!.partitions[partition].isLost
    sharing!.partitions[partition].state = .lost
    sharing!.partitions[partition].isReached = false
    sharing!.partitions[partition].probeMs = .max
    if !wasLost { endAsking(partition, bootMs: bootMs) }
  }

  /// The partition's store can be asked again. It is lost until it has answered.
  package mutating func reached(partition: Int, bootMs: Int64) {
    guard sharing != nil, (0..<SharedKey.partitions).contains(partition),
      !sharing!.partitions[partition].isReached
    else { return }
    sharing!.partitions[partition].isReached = true
    sharing!.partitions[partition].probeMs = bootMs
    for place in sharing!.partitions[partition].places { schedule(place, bootMs: bootMs) }
  }

  /// From now on requests are decided without the partition's store.
  private mutating func endAsking(_ partition: Int, bootMs: Int64) {
    for place in sharing!.partitions[partition].places {
      sync(place, bootMs: bootMs)
      let rule = tallies[counters[place].tally].rule
      if rule.onStoreLoss == .local {
        sharing!.parts[place]!.local = LocalShare(
          rule, seenLeft: sharing!.parts[place]!.seenLeft(of: capacity(of: rule, bootMs: bootMs)),
          replicas: sharing!.replicas,
          bootMs: bootMs)
      }
      for waiting in sharing!.parts[place]!.waiting { endWaiting(waiting.ask) }
    }
  }
}
