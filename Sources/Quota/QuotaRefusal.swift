import Terms

/// Why one limit does not admit a demand.
package enum Shortage: Sendable, Equatable {
  /// More than the limit could ever give. Waiting does not help.
  case neverFits
  /// A calendar budget whose settled use has reached it; there is one again in so many milliseconds.
  case spent(waitMilliseconds: Int64)
  /// Not enough now. For a bucket the wait is exact, rounded up; for a budget it lasts until the
  /// window's end, or until what others have reserved may have come back.
  case exceeded(waitMilliseconds: Int64)
  /// The limit counts so many callers that none can be forgotten for another one.
  case tooManySubjects(waitMilliseconds: Int64)

  package var waitMilliseconds: Int64? {
    switch self {
    case .neverFits: nil
    case .spent(let wait), .exceeded(let wait), .tooManySubjects(let wait): wait
    }
  }
}

/// One limit that does not admit, as a refusal names it.
package struct LimitFailure: Sendable, Equatable {
  package let owner: LimitOwner
  package let name: String
  package let kind: LimitKind
  package let shortage: Shortage
}

/// A demand that was refused: nothing was charged.
package struct QuotaRefusal: Sendable, Equatable {
  /// What the client is told of it all.
  package enum Verdict: Sendable, Equatable {
    /// 429 without `retry-after`, `x-should-retry: false`.
    case neverFits
    /// 429 `insufficient_quota`.
    case insufficientQuota(waitMilliseconds: Int64)
    /// 429 `rate_limit_exceeded`.
    case rateLimited(waitMilliseconds: Int64)
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

  package var verdict: Verdict {
    guard let wait = waitMilliseconds else { return .neverFits }
    for failure in failures {
      if case .spent = failure.shortage { return .insufficientQuota(waitMilliseconds: wait) }
    }
    return .rateLimited(waitMilliseconds: wait)
  }

  /// The failing limit to name first: one that never fits, then a spent one, then the longest wait.
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
    case .neverFits: (2, 0)
    case .spent(let wait): (1, wait)
    case .exceeded(let wait), .tooManySubjects(let wait): (0, wait)
    }
  }
}
