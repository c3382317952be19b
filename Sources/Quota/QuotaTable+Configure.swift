/// A reload: the counters continue under another policy's limits.
extension QuotaTable {
  /// Puts another policy's limits in force.
  ///
  /// - A limit that keeps its owner, name, kind, scope and period keeps its counters under the new
  ///   amounts: what was taken stays taken.
  /// - A limit that left the policy is kept as long as a counter of it is in use, because the next
  ///   policy may have it again.
  /// - A limit of the same owner and name with another kind, scope or period starts with no
  ///   counters. Reservations of the old one are settled with nothing.
  ///
  /// The ledger must write a checkpoint afterwards: recovery replays charges under one set of
  /// amounts.
  package mutating func configure(_ next: LimitCatalog, now: Int64) {
    let old = tallies
    if next.timeZone != windows.timeZone {
      let (sinceMs, aheadMs) = (windows.sinceMs, windows.aheadMs)
      windows = CalendarWindows(timeZone: next.timeZone)
      windows.sinceMs = sinceMs
      windows.aheadMs = aheadMs
    }
    catalog = next
    tallies = zip(next.rules, next.names).map { LimitTally(rule: $0, name: $1) }
    for tally in old {
      let index = next.indices[tally.name]
      if let index, next.rules[index].keepsCount(of: tally.rule) {
        if next.rules[index].amount != tally.rule.amount
          || next.rules[index].window != tally.rule.window
        {
          giveBack(tally.places, now: now)
        }
        move(tally.places, to: index, now: now) { $0.adopt(next.rules[index], now: now) }
      } else if index != nil {
        for place in tally.places { free(place) }
      } else {
        retire(tally, now: now)
      }
    }
  }

  /// What was leased under another amount goes back.
  private mutating func giveBack(_ places: [Int], now: Int64) {
    guard sharing != nil else { return }
    let bootMs = now.minusSaturating(sharing!.nowAheadMs)
    for place in places {
      sync(place, bootMs: bootMs)
      sharing!.parts[place]!.disown()
      schedule(place, bootMs: bootMs)
    }
  }

  private mutating func retire(_ tally: LimitTally, now: Int64) {
    let index = tallies.count
    var kept = LimitTally(rule: tally.rule, name: tally.name)
    kept.isRetired = true
    tallies.append(kept)
    move(tally.places, to: index, now: now) { _ in }
    if tallies[index].places.isEmpty { tallies.removeLast() }
  }

  /// Moves counters to a tally, and forgets those that equal new ones.
  private mutating func move(
    _ places: [Int], to tally: Int, now: Int64, adopting: (inout Count) -> Void
  ) {
    for place in places {
      counters[place].count.advance(to: now, windows: &windows)
      if counters[place].isLikeNew {
        free(place)
        continue
      }
      adopting(&counters[place].count)
      counters[place].tally = tally
      sharing?.parts[place]?.isShadow = tallies[tally].isShadow
      tallies[tally].add(place, scopeValue: counters[place].scopeValue)
    }
  }
}
