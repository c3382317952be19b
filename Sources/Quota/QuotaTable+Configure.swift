extension QuotaTable {
  /// Takes over another policy's limits. A limit that keeps its owner, name, kind, scope and period
  /// keeps its counts, under its new amounts: what was taken stays taken. One that left is kept aside
  /// until its counts have run out, for it may come back. One of the same name that counts something
  /// else begins anew, and what is still reserved of the old one is void.
  ///
  /// The ledger needs a checkpoint behind it: records before it were charged under the old amounts.
  package mutating func configure(_ next: LimitCatalog, now: Int64) {
    let old = tallies
    if next.timeZone != windows.timeZone { windows = CalendarWindows(timeZone: next.timeZone) }
    catalog = next
    tallies = zip(next.rules, next.names).map { LimitTally(rule: $0, name: $1) }
    for tally in old {
      let index = next.indices[tally.name]
      if let index, next.rules[index].keepsCount(of: tally.rule) {
        move(tally.places, to: index, now: now) { $0.adopt(next.rules[index], now: now) }
      } else if index != nil {
        for place in tally.places { free(place) }
      } else {
        retire(tally, now: now)
      }
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

  /// Counters go over to a tally; idle ones are forgotten on the way.
  private mutating func move(
    _ places: [Int], to tally: Int, now: Int64, adopting: (inout Count) -> Void
  ) {
    for place in places {
      counters[place].count.advance(to: now, windows: &windows)
      if counters[place].idleTime(now: now) <= now {
        free(place)
        continue
      }
      adopting(&counters[place].count)
      counters[place].tally = tally
      tallies[tally].add(place, part: counters[place].part)
    }
  }
}
