/// How a limit stands, at a moment. Amounts are whole units; money is nano-dollars.
package struct LimitState: Sendable, Equatable {
  /// Limits, and counters of one limit, that are read under one hold of the books' lock.
  package static let limitsPerHold = 64
  package static let countersPerHold = 512

  /// Whose limit it is.
  package enum Owner: Sendable, Equatable {
    case global
    case tenant
    /// A key's own limit.
    case key(String)
    /// A class's `max_concurrent`, of which each tenant has its own.
    case trafficClass(String)
  }

  package enum Scope: String, Sendable { case tenant, key, subject }

  /// As the policy names it.
  package let name: String
  package let owner: Owner
  /// `requests`, `tokens`, `prompt_tokens`, `completion_tokens`, `usd`, `concurrent`.
  package let kind: String
  /// `second` … `month`; nil for `concurrent`.
  package let per: String?
  package let scope: Scope
  /// Patterns of the models it counts; nil for all.
  package let models: [String]?
  /// What it gives in a period, or at once.
  package let amount: Int64
  /// The most that there can be of it: a bucket's `burst`, else the amount.
  package let capacity: Int64
  /// Settled use that has not come back; above the capacity where exchanges used more than they had
  /// reserved.
  package let used: Int64
  /// Held by exchanges that are not over.
  package let reserved: Int64
  /// What can still be had now; never below 0.
  package let remaining: Int64
  /// Unix milliseconds at which it is whole again; nil for `concurrent`.
  package let resetsAtMs: Int64?
  /// Counters there are: 1 for scope `tenant`. The figures above are those of the one with the least
  /// left; of an untouched one where there is none.
  package let counters: Int
  /// Whose the tightest counter is.
  package let keyID: String?
  package let subject: String?

  package init(
    name: String, owner: Owner, kind: String, per: String?, scope: Scope, models: [String]?,
    amount: Int64, capacity: Int64, used: Int64, reserved: Int64, remaining: Int64,
    resetsAtMs: Int64?, counters: Int, keyID: String?, subject: String?
  ) {
    self.name = name
    self.owner = owner
    self.kind = kind
    self.per = per
    self.scope = scope
    self.models = models
    self.amount = amount
    self.capacity = capacity
    self.used = used
    self.reserved = reserved
    self.remaining = remaining
    self.resetsAtMs = resetsAtMs
    self.counters = counters
    self.keyID = keyID
    self.subject = subject
  }
}
