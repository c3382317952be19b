/// What one policy said, or would say, to a request.
package enum ReplayedDecision: Hashable, Sendable {
  case allow
  /// The refusal's code, and the limit where one refused.
  case deny(reason: String, limit: String?)
  /// It depends on something that is not on record. If it is denied, this is the reason.
  case unsure(reason: String, limit: String?)

  package var reason: String? {
    switch self {
    case .allow: nil
    case .deny(let reason, _), .unsure(let reason, _): reason
    }
  }

  package var limit: String? {
    switch self {
    case .allow: nil
    case .deny(_, let limit), .unsure(_, let limit): limit
    }
  }

  /// `allow`, `deny` or `unsure`.
  package var name: String {
    switch self {
    case .allow: "allow"
    case .deny: "deny"
    case .unsure: "unsure"
    }
  }

  /// Whether both say the same. A limit that a record does not name is any limit.
  func agrees(with other: ReplayedDecision) -> Bool {
    guard name == other.name, reason == other.reason else { return false }
    guard let limit, let otherLimit = other.limit else { return true }
    return limit == otherLimit
  }

  /// For the order of rows.
  fileprivate var sortKey: [String] { [name, reason ?? "", limit ?? ""] }
}

/// Where a new policy would have decided otherwise.
package struct ReplayReport: Equatable, Sendable {
  /// Request ids that are kept of each difference; the first ones.
  package static let requestIDsMax = 100

  /// Requests of one tenant with the same decision then and the same decision now.
  package struct Row: Equatable, Sendable {
    package let tenant: String?
    package let was: ReplayedDecision
    package let would: ReplayedDecision
    package fileprivate(set) var count: Int64
    package fileprivate(set) var requestIDs: [String]
  }

  private struct Key: Hashable {
    let tenant: String?
    let was: ReplayedDecision
    let would: ReplayedDecision
  }

  private var byKey: [Key: Row] = [:]
  /// Recorded decisions that were put to the new policy.
  package private(set) var replayed: Int64 = 0
  /// Decisions that turn from allowed to denied, and the reverse.
  package private(set) var newlyDenied: Int64 = 0
  package private(set) var newlyAllowed: Int64 = 0
  /// Denied before and after, for another reason or by another limit.
  package private(set) var deniedOtherwise: Int64 = 0
  /// Decisions that a record does not say enough for.
  package private(set) var unsure: Int64 = 0
  /// Refusals that say nothing of what the new policy would do, by their code.
  package private(set) var notReplayed: [String: Int64] = [:]
  /// Refusals that were put to the limits as requests of no tokens, because no more is on record.
  package internal(set) var withoutDemand: Int64 = 0
  /// The counters at the start of the ledger could not be read: they begin at nothing.
  package internal(set) var lacksCounters = false

  package init() {}

  mutating func add(
    _ requestID: String, tenant: String?, was: ReplayedDecision, would: ReplayedDecision
  ) {
    replayed += 1
    guard !was.agrees(with: would) else { return }
    switch (was, would) {
    case (_, .unsure): unsure += 1
    case (_, .allow): newlyAllowed += 1
    case (.allow, .deny): newlyDenied += 1
    case (.deny, .deny), (.unsure, .deny): deniedOtherwise += 1
    }
    let key = Key(tenant: tenant, was: was, would: would)
    var row = byKey[key] ?? Row(tenant: tenant, was: was, would: would, count: 0, requestIDs: [])
    row.count += 1
    if row.requestIDs.count < Self.requestIDsMax { row.requestIDs.append(requestID) }
    byKey[key] = row
  }

  mutating func leaveOut(_ reason: String, count: Int64) {
    // A record may say any count.
    let (sum, overflow) = notReplayed[reason, default: 0].addingReportingOverflow(max(0, count))
    notReplayed[reason] = overflow ? .max : sum
  }

  /// All decisions that turn out otherwise, or may.
  package var differing: Int64 { newlyDenied + newlyAllowed + deniedOtherwise + unsure }

  /// By tenant, then by what was decided and what would be.
  package var rows: [Row] {
    byKey.values.sorted { a, b in
      let left = [a.tenant ?? ""] + a.was.sortKey + a.would.sortKey
      let right = [b.tenant ?? ""] + b.was.sortKey + b.would.sortKey
      return left.lexicographicallyPrecedes(right)
    }
  }
}
