import Terms

/// The state of one limit at one moment, for pages. Amounts are whole units; money is nano-dollars.
///
/// Where a limit has several counters, `used`, `reserved`, `remaining`, `resetsAtMs`, `keyID` and
/// `subject` are those of the tightest one, of which the smallest share is left; where it has none,
/// the amounts are those of a new one.
package struct LimitState: Sendable, Equatable {
  /// How many limits are read under one hold of the books' lock.
  static let limitsPerHold = 64
  /// How many counters of one limit are read under one hold of the books' lock.
  static let countersPerHold = 512

  /// Where the policy states the limit.
  package enum Owner: Sendable, Equatable {
    /// At its top: it counts all tenants together.
    case global
    /// In the group with this name: it counts the group's tenants together.
    case group(String)
    /// In the tenant, or in its plan.
    case tenant
    /// In the API key with this id.
    case key(String)
    /// In the traffic class with this name, as `max_concurrent`: each tenant has slots of its own.
    case trafficClass(String)
  }

  /// The policy's `scope`: for whom the limit has a counter each.
  package enum Scope: String, Sendable { case tenant, key, subject }

  /// Its name in the policy.
  package let name: String
  /// Where the policy states it.
  package let owner: Owner
  /// The plan that the tenant has it from; nil where it has it from none.
  package let plan: String?
  /// The raw value of its `LimitKind`, such as `prompt_tokens`.
  package let kind: String
  /// The policy's `per`, `second` to `month`; nil for `concurrent`.
  package let per: String?
  /// For whom it has a counter each.
  package let scope: Scope
  /// Patterns of the models whose requests it counts; nil for all models.
  package let models: [String]?
  /// What it gives in each period; for `concurrent`, the number of slots.
  package let amount: Int64
  /// The most that can be reserved at once: a bucket's `burst`, else the amount, with what raises
  /// add now.
  package let capacity: Int64
  /// What was used and is not refilled or reset yet; above the capacity where exchanges used more
  /// than they had reserved.
  package let used: Int64
  /// What exchanges that are not settled have reserved.
  package let reserved: Int64
  /// What can be reserved now; never below 0.
  package let remaining: Int64
  /// The shares at which somebody is told, and the largest that was reached in the window; nil for none.
  package let warnAt: [WarningShare]
  package let warned: WarningShare?
  /// What it gives more at times.
  package let raises: [Raise]
  /// Of a limit that only counts, what it would have refused since the start; else nil.
  package let shadow: ShadowCount?
  /// When `remaining` will be `capacity` again, in Unix milliseconds; nil for `concurrent`.
  package let resetsAtMs: Int64?
  /// How many counters it has now; 1 for scope `tenant`.
  package let counters: Int
  /// The key that the tightest counter is for; nil where the scope is not `key`.
  package let keyID: String?
  /// The subject that the tightest counter is for; nil where the scope is not `subject`.
  package let subject: String?

  package init(
    name: String, owner: Owner, plan: String?, kind: String, per: String?, scope: Scope,
    models: [String]?,
    amount: Int64, capacity: Int64, used: Int64, reserved: Int64, remaining: Int64,
    warnAt: [WarningShare], warned: WarningShare?, raises: [Raise], shadow: ShadowCount?,
    resetsAtMs: Int64?, counters: Int, keyID: String?, subject: String?
  ) {
    self.name = name
    self.owner = owner
    self.plan = plan
    self.kind = kind
    self.per = per
    self.scope = scope
    self.models = models
    self.amount = amount
    self.capacity = capacity
    self.used = used
    self.reserved = reserved
    self.remaining = remaining
    self.warnAt = warnAt
    self.warned = warned
    self.raises = raises
    self.shadow = shadow
    self.resetsAtMs = resetsAtMs
    self.counters = counters
    self.keyID = keyID
    self.subject = subject
  }
}
