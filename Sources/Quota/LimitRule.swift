import Terms

/// A calendar period in the policy's time zone. Weeks begin on Monday. The raw value is the field
/// `unit` of a checkpoint's counter.
package enum CalendarUnit: Int, Sendable, CaseIterable {
  case day, week, month

  /// The longest that a window may be: a window that a change of time zone prolonged is at most
  /// twice as long as the longest of its unit, whose clock goes back by an hour.
  var millisecondsMax: Int64 {
    let days: Int64 =
      switch self {
      case .day: 1
      case .week: 7
      case .month: 31
      }
    return 2 * (days * 24 + 1) * 3_600_000
  }
}

/// The time over which a limit's amount is counted, and so the shape of its counters.
package enum LimitWindow: Sendable, Equatable {
  /// A token bucket: each period refills the limit's amount; the level is at most `capacity`.
  case bucket(periodMilliseconds: Int64, capacity: Int64)
  /// A budget of the limit's amount for each calendar period.
  case calendar(CalendarUnit)
  /// As many exchanges at the same time as the limit's amount.
  case slots

  /// Whether a count of the other window may continue under this one: same shape and period.
  func counts(like other: LimitWindow) -> Bool {
    switch (self, other) {
    case (.bucket(let period, _), .bucket(let otherPeriod, _)): period == otherPeriod
    case (.calendar(let unit), .calendar(let otherUnit)): unit == otherUnit
    case (.slots, .slots): true
    case (.bucket, _), (.calendar, _), (.slots, _): false
    }
  }
}

/// Where the policy states a limit.
package enum LimitOwner: Sendable, Hashable {
  /// At the top of the policy: it counts the requests of all tenants together.
  case global
  /// In a group of tenants, by name: it counts the requests of all of them together.
  case group(String)
  /// In a tenant, by name.
  case tenant(String)
  /// In one API key of a tenant.
  case key(tenant: String, id: String)
  /// In a traffic class: its `max_concurrent`.
  case trafficClass(String)

  /// The tenant that states it; nil where several tenants have it.
  package var tenant: String? {
    switch self {
    case .tenant(let name), .key(let name, _): name
    case .global, .group, .trafficClass: nil
    }
  }

  /// The group that states it.
  package var group: String? { if case .group(let name) = self { name } else { nil } }
}

/// How a limit divides its requests among counters: one counter for all of its owner's requests, or
/// one for each tenant, API key or subject.
package enum LimitScope: Sendable, Hashable { case owner, tenant, key, subject }

/// One limit as the quota table counts it.
package struct LimitRule: Sendable, Equatable {
  /// The value of `subjectsMax` where the policy states none.
  package static let subjectsMaxDefault = 100_000

  /// Where the policy states it.
  package let owner: LimitOwner
  /// Its name in the policy; unique for its owner.
  package let name: String
  /// What it counts.
  package let kind: LimitKind
  /// What is refilled into a bucket in each period, the size of a calendar budget, or the number of
  /// slots. At least 1.
  package let amount: Int64
  /// The time over which it is counted.
  package let window: LimitWindow
  /// For whom it has a counter each.
  package let scope: LimitScope
  /// The most counters that are kept of a limit whose scope is not `owner`.
  package let subjectsMax: Int
  /// What to do while the shared store is lost.
  package let onStoreLoss: StoreLoss
  /// Whether it only counts: what it would refuse is let through, and not charged to it.
  package let isShadow: Bool
  /// What a budget gives more at times.
  package let raises: [Raise]
  /// The shares of a budget at which somebody is told, in ascending order.
  package let warnAt: [WarningShare]

  /// `window` must be `.slots` exactly where `kind` is `concurrent`.
  package init(
    owner: LimitOwner, name: String, kind: LimitKind, amount: Int64, window: LimitWindow,
    scope: LimitScope = .owner, subjectsMax: Int = LimitRule.subjectsMaxDefault,
    onStoreLoss: StoreLoss = .lease, isShadow: Bool = false, raises: [Raise] = [],
    warnAt: [WarningShare] = []
  ) {
    precondition(amount > 0, "a limit's amount is positive")
    precondition((kind == .concurrent) == (window == .slots), "slots mean concurrent")
    if case .bucket(let period, let capacity) = window {
      precondition(period > 0 && capacity > 0, "a bucket has a period and room")
    }
    self.owner = owner
    self.name = name
    self.kind = kind
    self.amount = amount
    self.window = window
    self.scope = scope
    self.subjectsMax = subjectsMax
    self.onStoreLoss = onStoreLoss
    self.isShadow = isShadow
    self.raises = raises
    self.warnAt = warnAt.sorted()
  }

  /// The limit that a class's `max_concurrent` is: each tenant may have that many exchanges of the
  /// class at the same time.
  package static func classSlots(
    _ name: String, amount: Int64, subjectsMax: Int = LimitRule.subjectsMaxDefault,
    onStoreLoss: StoreLoss = .lease
  ) -> LimitRule {
    LimitRule(
      owner: .trafficClass(name), name: CounterName.classLimit, kind: .concurrent, amount: amount,
      window: .slots, scope: .tenant, subjectsMax: subjectsMax, onStoreLoss: onStoreLoss)
  }

  /// Whether it counts the requests of several tenants together.
  var spansTenants: Bool {
    switch owner {
    case .global, .group: true
    case .tenant, .key, .trafficClass: false
    }
  }

  /// What it gives at that moment: its amount, and what raises add to it.
  package func amount(at now: Int64) -> Int64 {
    raises.isEmpty ? amount : raises.amount(amount, at: now)
  }

  /// The most that can be taken at once, without raises.
  var capacity: Int64 {
    switch window {
    case .bucket(_, let capacity): capacity
    case .calendar, .slots: amount
    }
  }

  /// Whether the counters of `other` continue as those of this limit: the two differ only in
  /// amounts.
  func keepsCount(of other: LimitRule) -> Bool {
    owner == other.owner && name == other.name && kind == other.kind && scope == other.scope
      && window.counts(like: other.window)
  }
}
