import Terms

/// One limit of a tenant, of a key, of a group of tenants, or of everybody.
package struct Limit: Sendable, Equatable {
  /// `per`: second, minute and hour are token buckets, the others calendar budgets.
  package enum Period: Sendable, Equatable { case second, minute, hour, day, week, month }
  /// `scope`: what has a counter of its own.
  package enum Scope: Sendable, Equatable { case tenant, key, subject }

  package let name: String
  package let kind: LimitKind
  /// Requests, tokens, nano-dollars for `usd`, or exchanges at once for `concurrent`.
  package let amount: Int64
  /// Nil exactly for `concurrent`.
  package let per: Period?
  /// The bucket's capacity, where it differs from `amount`; only with second, minute and hour.
  package let burst: Int64?
  /// There is one counter for each tenant, key or subject. A key's own limit has `.key`; a global one and
  /// a group's have `.tenant`, but count all tenants, or all of the group, together.
  package let scope: Scope
  /// Patterns of the models whose requests it counts; nil for all.
  package let models: [String]?
  /// `on_store_loss`, where the policy states it.
  package let statedStoreLoss: StoreLoss?
  /// The most counters that are kept, for `.key` and `.subject`.
  package let maxSubjects: Int
  /// The plan that the tenant has it from; nil where it is stated for its owner itself.
  package var plan: String?
  /// `mode: "shadow"`: it counts and refuses nothing.
  package var isShadow = false
  /// What it gives more at times; only with day, week and month.
  package var raises: [Raise] = []
  /// `warn_at`: the shares at which somebody is told, in ascending order; only with day, week and month,
  /// and scope tenant.
  package var warnAt: [WarningShare] = []

  /// What to do while the shared store is lost.
  package var onStoreLoss: StoreLoss { statedStoreLoss ?? .lease }
}
