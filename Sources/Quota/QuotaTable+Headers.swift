import Terms

/// What is left of a limit, as the rate-limit headers say it.
package struct LimitShare: Sendable, Equatable {
  /// The most that can be left: a bucket's capacity, a budget's amount.
  package let limit: Int64
  /// What is left now; never below 0.
  package let remaining: Int64
  /// The time until all of `limit` is left again.
  package let resetMilliseconds: Int64

  /// Whether a smaller share of this limit is left: compares `remaining / limit`. Of two with the
  /// same share, the one that takes longer to come back: a caller's spent budget, say, beside its
  /// empty bucket.
  func isTighter(than other: LimitShare) -> Bool {
    let share = Int128(remaining) * Int128(other.limit)
    let others = Int128(other.remaining) * Int128(limit)
    return share < others || share == others && resetMilliseconds > other.resetMilliseconds
  }
}

/// The limits of a caller of which the smallest share is left; nil where the caller has no limit of
/// that kind.
package struct LimitShares: Sendable, Equatable {
  /// Of the limits on `requests`.
  package var requests: LimitShare?
  /// Of the limits on `tokens`.
  package var tokens: LimitShare?
}

extension QuotaTable {
  /// Among the set's limits on `requests`, and among those on `tokens`, the one of which the
  /// smallest share is left. Limits of several tenants together are left out: a tenant must not see
  /// how much others use. Limits that only count are left out, too.
  package mutating func shares(_ set: LimitSet, caller: Caller, now: Int64) -> LimitShares {
    var shares = LimitShares()
    for index in tallyIndices(set) {
      let kind = tallies[index].kind
      guard !tallies[index].spansTenants, !tallies[index].isShadow,
        kind == .requests || kind == .tokens
      else { continue }
      let share = share(tally: index, scopeValue: tallies[index].scopeValue(of: caller), now: now)
      let known = kind == .requests ? shares.requests : shares.tokens
      if let known, !share.isTighter(than: known) { continue }
      if kind == .requests { shares.requests = share } else { shares.tokens = share }
    }
    return shares
  }

  private mutating func share(tally: Int, scopeValue: String, now: Int64) -> LimitShare {
    guard let place = tallies[tally].place(of: scopeValue) else {
      return Count(fresh: tallies[tally].rule, now: now, windows: &windows).share(now: now)
    }
    counters[place].count.advance(to: now, windows: &windows)
    let share = counters[place].count.share(now: now.plusSaturating(windows.aheadMs))
    guard let use = sharedUse(place: place, now: now) else { return share }
    return LimitShare(
      limit: share.limit, remaining: use.remaining,
      resetMilliseconds: counters[place].count.isBucket
        ? use.resetMilliseconds : share.resetMilliseconds)
  }
}
