import Terms

/// What is left of a limit, as the rate-limit headers say it.
package struct LimitShare: Sendable, Equatable {
  /// The most it can have: a bucket's capacity, a budget's amount.
  package let limit: Int64
  /// Never below 0.
  package let remaining: Int64
  /// Until it is whole again.
  package let resetMilliseconds: Int64

  /// Whether less of this one is left, in proportion.
  func isTighter(than other: LimitShare) -> Bool {
    Int128(remaining) * Int128(other.limit) < Int128(other.remaining) * Int128(limit)
  }
}

/// The tightest limits of a caller.
package struct LimitShares: Sendable, Equatable {
  package var requests: LimitShare?
  package var tokens: LimitShare?
}

extension QuotaTable {
  /// Of the set's `requests` and of its `tokens` limits, those with the least share left; never one
  /// that counts everybody, which is nobody's business.
  package mutating func shares(_ set: LimitSet, caller: Caller, now: Int64) -> LimitShares {
    var shares = LimitShares()
    for index in tallyIndices(set) {
      let kind = tallies[index].kind
      guard !tallies[index].isGlobal, kind == .requests || kind == .tokens else { continue }
      let share = share(tally: index, part: tallies[index].part(of: caller), now: now)
      let known = kind == .requests ? shares.requests : shares.tokens
      if let known, !share.isTighter(than: known) { continue }
      if kind == .requests { shares.requests = share } else { shares.tokens = share }
    }
    return shares
  }

  /// What is left of a limit that has one counter, for pages and metrics; nil for one that has a
  /// counter for each caller. `rule` is an index into the catalog's rules.
  package mutating func share(ofRule rule: Int, now: Int64) -> LimitShare? {
    guard tallies[rule].scope == .owner else { return nil }
    return share(tally: rule, part: "", now: now)
  }

  private mutating func share(tally: Int, part: String, now: Int64) -> LimitShare {
    guard let place = tallies[tally].place(of: part) else {
      return Count(fresh: tallies[tally].rule, now: now, windows: &windows).share(now: now)
    }
    counters[place].count.advance(to: now, windows: &windows)
    return counters[place].count.share(now: now)
  }
}
