import Terms

/// The state of one counter, for pages and metrics. Amounts are in the limit's own unit.
package struct CounterReading: Sendable, Equatable {
  /// The tenant, key or subject whose use it counts; empty for a limit of scope `owner`.
  package let scopeValue: String
  /// What was used and is not refilled or reset yet; above `capacity` for a bucket in debt. For
  /// slots, the number that is taken.
  package let used: Int64
  /// What exchanges that are not settled have reserved; 0 for slots.
  package let reserved: Int64
  /// What can be reserved now; never below 0.
  package let remaining: Int64
  /// The most that can be reserved at once.
  package let capacity: Int64
  /// The time until `remaining` is `capacity` again; nil for slots.
  package let resetMilliseconds: Int64?
  /// The largest share of a budget's window that somebody was told of; nil for none.
  package var told: WarningShare?

  /// Whether a smaller share of this one is left: compares `remaining / capacity`.
  func isTighter(than other: CounterReading) -> Bool {
    Int128(remaining) * Int128(other.capacity) < Int128(other.remaining) * Int128(capacity)
  }
}

/// A search for a limit's tightest counter, in several steps, so that the table's lock can be
/// released between them. A counter that is made or forgotten between two steps may be missed.
package struct CounterScan: Sendable {
  /// The number of counters that the limit has.
  package fileprivate(set) var count = 0
  /// The counter of which the smallest share is left, among those read so far; nil if none was
  /// read.
  package fileprivate(set) var tightest: CounterReading?
  /// Whether all counters have been read.
  package fileprivate(set) var isOver = false
  fileprivate var next = 0

  /// A search that has read nothing.
  package init() {}
}

extension QuotaTable {
  /// The state of the limit's counter for this tenant, key or subject. Where there is no such
  /// counter, the state of a new one. `rule` is an index into the catalog's rules; `now` is Unix
  /// milliseconds.
  package mutating func reading(ofRule rule: Int, scopeValue: String, now: Int64) -> CounterReading
  {
    guard let place = tallies[rule].place(of: scopeValue) else {
      return Count(fresh: tallies[rule].rule, now: now, windows: &windows)
        .reading(scopeValue: scopeValue, openReserved: 0, now: now)
    }
    return reading(place: place, now: now)
  }

  /// Whether the limit has a counter for this tenant, key or subject.
  package func hasCounter(ofRule rule: Int, scopeValue: String) -> Bool {
    tallies[rule].place(of: scopeValue) != nil
  }

  /// Reads at most `most` counters more.
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
    let own = counters[place].count.reading(
      scopeValue: counters[place].scopeValue, openReserved: counters[place].reserved,
      now: now.plusSaturating(windows.aheadMs))
    guard let use = sharedUse(place: place, now: now) else { return own }
    return CounterReading(
      scopeValue: own.scopeValue,
      used: max(0, use.sum.minusSaturating(use.unspent).minusSaturating(own.reserved)),
      reserved: own.reserved, remaining: use.remaining, capacity: own.capacity,
      resetMilliseconds: counters[place].count.isBucket
        ? use.resetMilliseconds : own.resetMilliseconds,
      told: own.told)
  }
}

extension Count {
  /// The state for pages. `openReserved` is `Counter.reserved`. Call `advance` to `now` before.
  func reading(scopeValue: String, openReserved: Int64, now: Int64) -> CounterReading {
    switch self {
    case .bucket(let bucket):
      let remaining = max(0, bucket.level)
      // The refill has replaced a part of what was taken, perhaps while its reservation is still
      // open: so no more is shown as reserved than is missing from the bucket.
      let taken = bucket.capacity.minusSaturating(bucket.level)
      let reserved = min(openReserved, max(0, taken))
      return CounterReading(
        scopeValue: scopeValue, used: max(0, taken - reserved), reserved: reserved,
        remaining: remaining,
        capacity: bucket.capacity, resetMilliseconds: bucket.millisecondsUntilFull)
    case .budget(let budget):
      return CounterReading(
        scopeValue: scopeValue, used: budget.used, reserved: budget.reserved,
        remaining: budget.remaining(at: now),
        capacity: budget.amount(at: now),
        resetMilliseconds: budget.window.end.minusSaturating(now),
        told: budget.told.thousandths > 0 ? budget.told : nil)
    case .slots(let slots):
      return CounterReading(
        scopeValue: scopeValue, used: slots.held, reserved: 0, remaining: slots.remaining,
        capacity: slots.amount, resetMilliseconds: nil)
    }
  }
}
