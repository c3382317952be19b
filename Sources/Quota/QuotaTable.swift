/// Every counter there is, and the limits they count for. Pure: time is passed in, in Unix
/// milliseconds that never run backwards, and the same calls give the same integers.
///
/// All limits of a request are checked before any is charged. A counter that is as good as new is the
/// same as none: it may be forgotten, it is not in snapshots, and what is not there begins fresh.
///
/// A bucket's refund never lifts it above its capacity. Not thread-safe: one owner, one lock.
package struct QuotaTable {
  var catalog: LimitCatalog
  /// The catalog's limits in its order, then those that left the policy with counts still running.
  var tallies: [LimitTally]
  var counters: [Counter] = []
  private var freePlaces: [Int] = []
  private var generation: UInt64 = 0
  var windows: CalendarWindows
  /// The places found for the demand that is looked at; kept for its storage.
  var found: [Int?] = []

  package init(_ catalog: LimitCatalog) {
    self.catalog = catalog
    tallies = zip(catalog.rules, catalog.names).map { LimitTally(rule: $0, name: $1) }
    windows = CalendarWindows(timeZone: catalog.timeZone)
  }

  /// Counters in memory.
  package var counterCount: Int { counters.count - freePlaces.count }

  /// Tallies of a set's limits. A set of an older policy means the limits of those names that there
  /// are now; one that is no more, or is another limit now, does not hold anyone up.
  func tallyIndices(_ set: LimitSet) -> [Int] {
    if set.catalog === catalog { return set.indices }
    return set.indices.compactMap { index in
      catalog.indices[set.catalog.names[index]].flatMap {
        catalog.rules[$0].keepsCount(of: set.catalog.rules[index]) ? $0 : nil
      }
    }
  }

  /// Puts a counter in a free place.
  mutating func insert(_ count: Count, tally: Int, part: String, open: Int64 = 0) -> Int {
    generation += 1
    let rule = tallies[tally].rule
    let counter = Counter(
      name: CounterName.counter(of: tallies[tally].name, scope: rule.scope, part: part),
      part: part, tally: tally, generation: generation, open: open, count: count)
    let place: Int
    if let free = freePlaces.popLast() {
      place = free
      counters[place] = counter
    } else {
      place = counters.count
      counters.append(counter)
    }
    tallies[tally].add(place, part: part)
    return place
  }

  /// Frees a place that no tally names any more.
  mutating func free(_ place: Int) {
    generation += 1
    counters[place] = Counter(
      name: "", part: "", tally: -1, generation: generation, open: 0,
      count: .slots(Slots(amount: 1)))
    freePlaces.append(place)
  }

  /// Whether the tally can take one more counter, having forgotten idle ones if need be.
  mutating func makeRoom(_ tally: Int, now: Int64) -> Bool {
    guard tallies[tally].isFull else { return true }
    guard tallies[tally].mayHaveIdle(now: now) else { return false }
    let forgotten = tallies[tally].forget(&counters, now: now, windows: &windows)
    for place in forgotten { free(place) }
    return !tallies[tally].isFull
  }
}
