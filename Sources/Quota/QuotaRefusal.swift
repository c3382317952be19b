import Terms

/// Why one limit does not admit a demand.
package enum Shortage: Sendable, Equatable {
  /// The demand is more than the limit could ever admit. Waiting does not help.
  case neverFits
  /// The settled use of a calendar budget has reached its amount. The wait is until the next
  /// window.
  case spent(waitMilliseconds: Int64)
  /// Not enough is left now. For a bucket the wait is exact, rounded up. For a budget it is until
  /// the window's end; or 1 second where enough would be left without what others have reserved.
  /// For slots it is 1 second.
  case exceeded(waitMilliseconds: Int64)
  /// The limit has `subjectsMax` counters, and each of them is in use, so there is none for this
  /// caller.
  case tooManySubjects(waitMilliseconds: Int64)
  /// The limit is shared, and the store that knows what is left of it does not answer.
  case storeUnavailable

  /// How long to wait before the demand may be admitted; nil where waiting does not help.
  package var waitMilliseconds: Int64? {
    switch self {
    case .neverFits: nil
    case .storeUnavailable: Count.retryMilliseconds
    case .spent(let wait), .exceeded(let wait), .tooManySubjects(let wait): wait
    }
  }
}

/// One limit that did not admit a demand, and why.
package struct LimitFailure: Sendable, Equatable {
  /// The limit as the policy states it.
  package let rule: LimitRule
  /// What was asked of it, in its unit.
  package let need: Int64
  /// Why it did not admit the demand.
  package let shortage: Shortage
  /// What the limit gives now, with what raises add to it.
  package let amount: Int64

  /// `now`: for what raises add.
  package init(rule: LimitRule, need: Int64, shortage: Shortage, now: Int64) {
    self.init(rule: rule, need: need, shortage: shortage, amount: rule.amount(at: now))
  }

  /// `amount`: the rule's where none is given.
  package init(rule: LimitRule, need: Int64, shortage: Shortage, amount: Int64? = nil) {
    self.rule = rule
    self.need = need
    self.shortage = shortage
    self.amount = amount ?? rule.amount
  }
}

/// The refusal of a demand, of which no limit was charged anything.
package struct QuotaRefusal: Sendable, Equatable {
  /// What the client is told.
  package enum Verdict: Sendable, Equatable {
    /// 429 without `retry-after`, `x-should-retry: false`.
    case neverFits
    /// 429 `insufficient_quota`, without `retry-after` too: many clients sleep as long as it says,
    /// and the window may end in hours.
    case insufficientQuota(waitMilliseconds: Int64)
    /// 429 `rate_limit_exceeded`.
    case rateLimited(waitMilliseconds: Int64)
    /// 503 `store_unavailable`.
    case storeUnavailable
  }

  /// Every limit that failed, at least one, in the set's order.
  package let failures: [LimitFailure]

  /// The longest wait of all; nil where waiting does not help.
  package var waitMilliseconds: Int64? {
    var longest: Int64 = 0
    for failure in failures {
      guard let wait = failure.shortage.waitMilliseconds else { return nil }
      longest = max(longest, wait)
    }
    return longest
  }

  /// What the client is told: `neverFits` if one limit says that, else `insufficientQuota` if one
  /// budget is spent, else `storeUnavailable` if that is why one failed, else `rateLimited`.
  package var verdict: Verdict {
    guard let wait = waitMilliseconds else { return .neverFits }
    for failure in failures {
      if case .spent = failure.shortage { return .insufficientQuota(waitMilliseconds: wait) }
    }
    if failures.contains(where: { $0.shortage == .storeUnavailable }) { return .storeUnavailable }
    return .rateLimited(waitMilliseconds: wait)
  }

  /// The failed limit that the answer names: one that never admits the demand before a spent
  /// budget, a spent budget before one that the store did not answer for, this before any other, and
  /// then the one with the longest wait.
  package var decisive: LimitFailure {
    var first = failures[0]
    for failure in failures.dropFirst()
    where Self.weight(failure.shortage) > Self.weight(first.shortage) {
      first = failure
    }
    return first
  }

  private static func weight(_ shortage: Shortage) -> (Int, Int64) {
    switch shortage {
    case .neverFits: (3, 0)
    case .spent(let wait): (2, wait)
    case .storeUnavailable: (1, 0)
    case .exceeded(let wait), .tooManySubjects(let wait): (0, wait)
    }
  }
}
