/// How a counter stands, for pages and metrics.
package struct CounterReading: Sendable, Equatable {
  /// Whose it is, as its limit's scope tells callers apart; empty for the owner's own.
  package let part: String
  /// Settled use that has not come back; above the capacity in debt. Slots that are taken.
  package let used: Int64
  package let reserved: Int64
  /// Never below 0.
  package let remaining: Int64
  /// The most there can be.
  package let capacity: Int64
  /// Until it is whole again; nil for slots.
  package let resetMilliseconds: Int64?

  /// Whether less of this one is left, in proportion.
  func isTighter(than other: CounterReading) -> Bool {
    Int128(remaining) * Int128(other.capacity) < Int128(other.remaining) * Int128(capacity)
  }
}

/// A look at all counters of a limit, in as many steps as it takes: others may reserve in between,
/// and a counter that comes or goes meanwhile may be missed.
package struct CounterScan: Sendable {
  /// Counters there are.
  package fileprivate(set) var count = 0
  /// The one with the least left, in proportion.
  package fileprivate(set) var tightest: CounterReading?
  package fileprivate(set) var isOver = false
  fileprivate var next = 0

  package init() {}
}

extension QuotaTable {
  /// How the counter stands that such a caller has of the limit; as good as new where there is none.
  package mutating func reading(ofRule rule: Int, part: String, now: Int64) -> CounterReading {
    guard let place = tallies[rule].place(of: part) else {
      return Count(fresh: tallies[rule].rule, now: now, windows: &windows)
        .reading(part: part, held: 0, now: now)
    }
    return reading(place: place, now: now)
  }

  /// Whether such a caller has a counter of the limit in memory.
  package func hasCounter(ofRule rule: Int, part: String) -> Bool {
    tallies[rule].place(of: part) != nil
  }

  /// Goes on with a scan, by at most `most` counters.
  package mutating func advance(
    _ scan: inout CounterScan, ofRule rule: Int, most: Int, now: Int64
  ) {
    let places = tallies[rule].ring
    scan.count = places.count
    let end = min(places.count, scan.next + most)
    while scan.next < end {
      let reading = reading(place: places[scan.next], now: now)
      if scan.tightest.map({ reading.isTighter(than: $0) }) ?? true { scan.tightest = reading }
      scan.next += 1
    }
    scan.isOver = scan.next >= places.count
  }

  private mutating func reading(place: Int, now: Int64) -> CounterReading {
    counters[place].count.advance(to: now, windows: &windows)
    return counters[place].count.reading(
      part: counters[place].part, held: counters[place].held, now: now)
  }
}

extension Count {
  /// Advanced to `now` before.
  func reading(part: String, held: Int64, now: Int64) -> CounterReading {
    switch self {
    case .bucket(let bucket):
      let remaining = max(0, bucket.level)
      // What is refilled is not owed any more, even while its reservation is open.
      let taken = bucket.capacity.plusSaturating(-bucket.level)
      let reserved = min(held, max(0, taken))
      return CounterReading(
        part: part, used: max(0, taken - reserved), reserved: reserved, remaining: remaining,
        capacity: bucket.capacity, resetMilliseconds: bucket.millisecondsUntilFull)
    case .budget(let budget):
      return CounterReading(
        part: part, used: budget.used, reserved: budget.reserved, remaining: budget.remaining,
        capacity: budget.amount, resetMilliseconds: budget.window.end - now)
    case .slots(let slots):
      return CounterReading(
        part: part, used: slots.held, reserved: 0, remaining: slots.remaining,
        capacity: slots.amount, resetMilliseconds: nil)
    }
  }
}
