import Ledger
import Quota
import Terms

/// What a limit that only counts (`mode: "shadow"`) would have refused since the start.
package struct ShadowCount: Sendable, Equatable {
  /// A caller that it would have refused, and how often.
  package struct Caller: Sendable, Equatable {
    package let tenant: String
    package let subject: String
    package let count: Int64
  }

  package let count: Int64
  /// Those that it would have refused most often, the first first; at most `callersMax`.
  package let callers: [Caller]

  /// The most callers that are told.
  package static let callersMax = 5
}

/// How often something of a limit was counted, for `/metrics`.
package struct LimitCount: Sendable, Equatable {
  /// `*` for a limit of several tenants together.
  package let tenant: String
  package let limit: String
  /// The group whose limit it is.
  package var group: String?
  /// The share of a threshold.
  package var share: WarningShare?
  package let count: Int64
}

/// What limits told since the start without refusing anything: shares of budgets that were reached, and
/// what limits that only count would have refused.
struct LimitMarks: Sendable {
  /// How many pairs of a limit and a tenant are counted, and how many callers of each: further ones are
  /// counted without a name.
  static let pairsMax = 4_096
  static let callersMax = 64
  /// How many reached shares wait to be logged; further ones are on record only.
  static let untoldMax = 1_000

  private struct Pair: Hashable {
    let owner: LimitOwner
    let limit: String
    let tenant: String
  }

  private struct Shadow {
    var count: Int64 = 0
    var callers: [String: Int64] = [:]

    mutating func note(_ subject: String) {
      count += 1
      guard callers[subject] != nil || callers.count < callersMax else { return }
      callers[subject, default: 0] += 1
    }
  }

  private struct Share: Hashable {
    let owner: LimitOwner
    let limit: String
    let share: WarningShare
  }

  private var shadows: [Pair: Shadow] = [:]
  private var shares: [Share: Int64] = [:]
  private var untold: [Threshold] = []

  /// Where there are too many.
  private static let other = Pair(owner: .global, limit: "other", tenant: "other")

  // MARK: Limits that only count

  /// A request was let through that these limits would have refused.
  mutating func wouldRefuse(_ rules: [LimitRule], _ caller: Caller) {
    for rule in rules {
      var pair = Pair(owner: rule.owner, limit: rule.name, tenant: caller.tenant)
      if shadows[pair] == nil, shadows.count >= Self.pairsMax { pair = Self.other }
      // In place: a copy of the callers for each request would be made under the books' lock.
      shadows[pair, default: Shadow()].note(caller.subject)
    }
  }

  /// What a limit would have refused, of all tenants.
  func shadow(_ owner: LimitOwner, _ name: String) -> ShadowCount {
    var count: Int64 = 0
    var callers: [ShadowCount.Caller] = []
    for (pair, shadow) in shadows where pair.owner == owner && pair.limit == name {
      count += shadow.count
      callers += shadow.callers.map { .init(tenant: pair.tenant, subject: $0, count: $1) }
    }
    callers.sort { ($1.count, $0.tenant, $0.subject) < ($0.count, $1.tenant, $1.subject) }
    return ShadowCount(count: count, callers: Array(callers.prefix(ShadowCount.callersMax)))
  }

  /// By tenant and limit: limits of one name are one, whoever states them.
  var shadowCounts: [LimitCount] {
    var sums: [[String]: Int64] = [:]
    for (pair, shadow) in shadows { sums[[pair.tenant, pair.limit], default: 0] += shadow.count }
    return sums.map { LimitCount(tenant: $0[0], limit: $0[1], count: $1) }
      .sorted { ($0.tenant, $0.limit) < ($1.tenant, $1.limit) }
  }

  // MARK: Shares of budgets

  /// A share was reached, and that is on record.
  mutating func reached(_ threshold: Threshold, _ rule: LimitRule) {
    let share = Share(owner: rule.owner, limit: rule.name, share: threshold.share)
    if shares[share] != nil || shares.count < Self.pairsMax { shares[share, default: 0] += 1 }
    if untold.count < Self.untoldMax { untold.append(threshold) }
  }

  /// Those that were not told of yet.
  mutating func takeUntold() -> [Threshold] {
    defer { untold = [] }
    return untold
  }

  var shareCounts: [LimitCount] {
    shares.map { share, count in
      LimitCount(
        tenant: share.owner.tenant ?? "*", limit: share.limit, group: share.owner.group,
        share: share.share, count: count)
    }.sorted {
      ($0.tenant, $0.group ?? "", $0.limit, $0.share?.thousandths ?? 0)
        < ($1.tenant, $1.group ?? "", $1.limit, $1.share?.thousandths ?? 0)
    }
  }
}
