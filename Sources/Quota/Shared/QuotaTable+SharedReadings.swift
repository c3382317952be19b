import Terms

/// What pages, metrics and headers say of limits that are shared: they go by the sum last seen.
extension QuotaTable {
  /// What all replicas have of a counter, in the limit's unit.
  struct SharedUse {
    /// Settled, reserved and leased, by the store's last word and what happened here since.
    let sum: Int64
    /// What this replica has leased and not spent.
    let unspent: Int64
    /// What this replica can still reserve: what is left for all, and its own slice.
    let remaining: Int64
    /// Of a bucket: the time until it is full.
    let resetMilliseconds: Int64
  }

  /// Nil where the limits are not shared, or the store never told of the counter.
  func sharedUse(place: Int, now: Int64) -> SharedUse? {
    guard let sharing, let part = sharing.parts[place], let seen = part.seen, let known = part.known
    else { return nil }
    let rule = tallies[counters[place].tally].rule
    let bootMs = now.minusSaturating(sharing.nowAheadMs)
    let capacity = capacity(of: rule, bootMs: bootMs)
    let limit = part.limit(capacity)
    let since = part.holding(counters[place].count).hold.minusSaturating(known.hold)
    var sum = max(0, seen.sum.plusSaturating(since))
    var reset: Int64 = 0
    if case .bucket(let bucket) = counters[place].count {
      let storeMs = bootMs.plusSaturating(sharing.storeAheadMs ?? 0)
      let elapsed = max(0, storeMs.minusSaturating(seen.atMs))
      let amount = Int128(part.limit(rule.amount))
      let refilled = amount * Int128(elapsed) / Int128(bucket.periodMilliseconds)
      sum = Int64(saturating: max(0, Int128(sum) - refilled))
      reset = Int64(
        saturating: (Int128(sum) * Int128(bucket.periodMilliseconds) + amount - 1) / amount)
    }
    let left = max(0, limit.minusSaturating(sum)).timesSaturating(part.unit)
    return SharedUse(
      sum: sum.timesSaturating(part.unit), unspent: part.free,
      remaining: min(capacity, left.plusSaturating(part.free)), resetMilliseconds: reset)
  }

  /// The state of sharing, for status, the page and metrics.
  package var sharedState: SharedState? {
    guard let sharing else { return nil }
    var state = SharedState(counts: sharing.counts)
    state.waiting = sharing.asks.count
    state.replicas = sharing.replicas
    for (index, view) in sharing.partitions.enumerated() where !view.places.isEmpty {
      switch view.state {
      case .unknown: break
      case .open: state.open.append(index)
      case .opening: state.opening.append(index)
      case .lost: state.lost.append(index)
      }
      if view.state == .opening { state.claims[index] = view.claims }
      var leased = StoreAmounts()
      for place in view.places {
        guard let part = sharing.parts[place], part.unspent > 0 else { continue }
        state.leasedCounters += 1
        leased.add(part.unspent, tallies[counters[place].tally].kind)
        state.note(
          LeasedCounter(
            counter: counters[place].name, partition: index,
            kind: tallies[counters[place].tally].kind, amount: part.unspent))
      }
      if !leased.isZero { state.leased[index] = leased }
    }
    return state
  }

  /// What the limits of a partition may be exceeded by, where the store has lost what it had and this
  /// is asked before its first answer is taken in: what was left of each counter when it was seen
  /// last. `isAll`: of all counters, because somebody that lived does not state what it leased; else
  /// only of those that a replica may have used after that and before it went, unseen by this one.
  package func exposed(in partition: Int, isAll: Bool, bootMs: Int64) -> StoreAmounts {
    var amounts = StoreAmounts()
    guard let sharing, (0..<SharedKey.partitions).contains(partition) else { return amounts }
    for place in sharing.partitions[partition].places {
      let rule = tallies[counters[place].tally].rule
      guard let part = sharing.parts[place], let seen = part.seen,
        let left = part.seenLeft(of: capacity(of: rule, bootMs: bootMs))
      else { continue }
      let seenMs = seen.atMs.minusSaturating(sharing.storeAheadMs ?? seen.atMs)
      if isAll || seenMs < sharing.departedMs { amounts.add(left, rule.kind) }
    }
    return amounts
  }

  /// Whether the ledger knew a store before this start.
  package var knewStore: Bool { sharing?.knewStore ?? false }

  /// What this replica has leased of a limit's counter and not spent, in the limit's unit; nil where
  /// there is no such counter.
  package func leased(ofRule rule: Int, scopeValue: String) -> Int64? {
    tallies[rule].place(of: scopeValue).flatMap { sharing?.parts[$0]?.unspent }
  }

  /// The counters of which the store knew more settled for this ledger than the ledger says, since
  /// this was asked last: the ledger is an old copy. To be logged.
  package mutating func untoldOldCopies() -> [OldLedgerCopy] {
    defer { sharing?.oldCopies = [] }
    return sharing?.oldCopies ?? []
  }
}

/// The state of sharing.
package struct SharedState: Sendable, Equatable {
  package let counts: SharedCounts
  /// How many counters have a slice that is not spent.
  package var leasedCounters = 0
  /// How many requests wait for the store.
  package var waiting = 0
  /// How many replicas live; 0 where that is not known.
  package var replicas: Int64 = 0
  /// The partitions with counters, by what is known of them. One that was not asked yet is in none.
  package var open: [Int] = []
  package var opening: [Int] = []
  package var lost: [Int] = []
  /// How far those are that open.
  package var claims: [Int: OpeningClaims] = [:]
  /// What this replica has leased and not spent, by partition.
  package var leased: [Int: StoreAmounts] = [:]
  /// The counters with slices that are not spent: `countersMax` of them, in no order.
  package var counters: [LeasedCounter] = []

  /// The most counters that are named.
  package static let countersMax = 32

  mutating func note(_ counter: LeasedCounter) {
    if counters.count < Self.countersMax { counters.append(counter) }
  }
}

/// A counter with a slice that is not spent.
package struct LeasedCounter: Sendable, Equatable {
  package let counter: String
  package let partition: Int
  package let kind: LimitKind
  /// In the limit's unit.
  package let amount: Int64

  package init(counter: String, partition: Int, kind: LimitKind, amount: Int64) {
    self.counter = counter
    self.partition = partition
    self.kind = kind
    self.amount = amount
  }
}

/// A counter of which the store knew more settled for this ledger than the ledger says.
package struct OldLedgerCopy: Sendable, Equatable {
  package let counter: String
  /// How much more, in the store's unit.
  package let amount: Int64
}
