import Terms

/// One limit of a tenant, of a key, or of everybody.
package struct Limit: Sendable, Equatable {
  package enum Period: Sendable, Equatable { case second, minute, hour, day, week, month }
  package enum Scope: Sendable, Equatable { case tenant, key, subject }
  package enum StoreLoss: Sendable, Equatable { case deny, local, allow }

  package let name: String
  package let kind: LimitKind
  /// Requests, tokens, nano-dollars for `usd`, or exchanges at once for `concurrent`.
  package let amount: Int64
  /// Nil exactly for `concurrent`.
  package let per: Period?
  /// The bucket's capacity where it is not `amount`; only with second, minute and hour.
  package let burst: Int64?
  /// One counter for each of these. A key's own limit is `.key`; a global one is `.tenant` and
  /// counts all tenants together.
  package let scope: Scope
  /// Patterns of the models it counts; nil for all.
  package let models: [String]?
  package let onStoreLoss: StoreLoss
  /// Counters kept at most, for `key` and `subject`.
  package let maxSubjects: Int
}
