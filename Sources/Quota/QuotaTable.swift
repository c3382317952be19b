/// All counters, and the limits that they count for. It has no clock: the time is a parameter, in
/// Unix milliseconds, and steps only where `step` says so. The same calls always give the same
/// integers.
///
/// All limits of a request are checked before any of them is charged. A counter that equals a new
/// one (a full bucket, an unused budget, no open reservation) means the same as no counter: it may
/// be forgotten, `snapshot` leaves it out, and it is made again when it is needed. Where a limit has no
/// room for another counter, one is forgotten too that only has windows of before.
///
/// Not thread-safe: its one owner guards it with a lock.
package struct QuotaTable {
  var catalog: LimitCatalog
  /// One for each rule of the catalog, in its order; then those that left the policy while counters
  /// of theirs were in use.
  var tallies: [LimitTally]
  var counters: [Counter] = []
  private var freePlaces: [Int] = []
  private var generation: UInt64 = 0
  var windows: CalendarWindows
  /// The places of the counters of the demand that is being checked. It is stored here only to use
  /// the same memory again.
  var found: [Int?] = []
  /// The limits that only count and would not have admitted it; likewise.
  var shadowed: [Int] = []
  /// Shares of budgets that settled use has come to and nobody was told of yet.
  var reached: [ReachedShare] = []
  /// What is known of the store that the limits are shared through; nil where they are not.
  var sharing: Sharing?
  /// By place: the sum of the store that a checkpoint says was seen last, and in which window.
  var restoredSeen: [Int: (seen: Statement.Seen, window: Int64?)] = [:]
  /// Whether the ledger says that the limits were shared before this start.
  package var wasShared = false

  /// A table without counters.
  package init(_ catalog: LimitCatalog) {
    self.catalog = catalog
    tallies = zip(catalog.rules, catalog.names).map { LimitTally(rule: $0, name: $1) }
    windows = CalendarWindows(timeZone: catalog.timeZone)
  }

  /// The number of counters in memory.
  var counterCount: Int { counters.count - freePlaces.count }

  /// The tallies of a set's limits. A set of the policy before a reload means the limits of the
  /// same owners and names in today's policy; a limit that has gone, or that differs in more than
  /// amounts, is left out.
  func tallyIndices(_ set: LimitSet) -> [Int] {
    if set.catalog === catalog { return set.indices }
    return set.indices.compactMap { index in
      catalog.indices[set.catalog.names[index]].flatMap {
        catalog.rules[$0].keepsCount(of: set.catalog.rules[index]) ? $0 : nil
      }
    }
  }

  /// Makes a counter and returns its place.
  mutating func insert(_ count: Count, tally: Int, scopeValue: String, open: Int64 = 0) -> Int {
    generation += 1
    let rule = tallies[tally].rule
    let counter = Counter(
      name: CounterName.counter(of: tallies[tally].name, scope: rule.scope, scopeValue: scopeValue),
      scopeValue: scopeValue, tally: tally, generation: generation, open: open, count: count)
    let place: Int
    if let free = freePlaces.popLast() {
      place = free
      counters[place] = counter
    } else {
      place = counters.count
      counters.append(counter)
    }
    tallies[tally].add(place, scopeValue: scopeValue)
    if sharing != nil { attachPart(place) }
    return place
  }

  /// Removes the counter of a place that no tally names any more.
  mutating func free(_ place: Int) {
    if sharing != nil { detachPart(place) }
    generation += 1
    counters[place] = Counter(
      name: "", scopeValue: "", tally: -1, generation: generation, open: 0,
      count: .slots(Slots(amount: 1)))
    freePlaces.append(place)
  }

  /// Whether the tally may have one more counter. Where it is full, it forgets counters that equal
  /// new ones first.
  mutating func makeRoom(_ tally: Int, now: Int64) -> Bool {
    guard tallies[tally].isFull else { return true }
    guard tallies[tally].mayHaveIdle(now: now) else { return false }
    let forgotten = tallies[tally].forget(&counters, now: now, windows: &windows)
    for place in forgotten { free(place) }
    return !tallies[tally].isFull
  }
}
