import Terms

/// A calendar period in the policy's time zone. Weeks begin on Monday. The raw value is its number
/// in a checkpoint.
package enum CalendarUnit: Int, Sendable, CaseIterable { case day, week, month }

/// Over what a limit's amount is counted.
package enum LimitWindow: Sendable, Equatable {
  /// A token bucket, refilled by the limit's amount every period and holding at most `capacity`.
  case bucket(periodMilliseconds: Int64, capacity: Int64)
  /// A budget that begins anew with each calendar period.
  case calendar(CalendarUnit)
  /// What is held at once.
  case slots

  /// Whether a count under one may go on under the other: same shape and period.
  func counts(like other: LimitWindow) -> Bool {
    switch (self, other) {
    case (.bucket(let period, _), .bucket(let otherPeriod, _)): period == otherPeriod
    case (.calendar(let unit), .calendar(let otherUnit)): unit == otherUnit
    case (.slots, .slots): true
    case (.bucket, _), (.calendar, _), (.slots, _): false
    }
  }
}

/// Whose limit it is.
package enum LimitOwner: Sendable, Hashable {
  /// Everybody's together.
  case global
  case tenant(String)
  case key(tenant: String, id: String)
  case trafficClass(String)
}

/// One counter for each of these.
package enum LimitScope: Sendable, Hashable { case owner, tenant, key, subject }

/// A limit as the engine counts it.
package struct LimitRule: Sendable, Equatable {
  /// Counters of one limit kept at most where the policy says nothing.
  package static let subjectsMaxDefault = 100_000

  package let owner: LimitOwner
  package let name: String
  package let kind: LimitKind
  /// What a bucket gains in a period, what a calendar budget has, how many slots there are.
  package let amount: Int64
  package let window: LimitWindow
  package let scope: LimitScope
  /// Counters kept at most, where `scope` is not the owner.
  package let subjectsMax: Int

  package init(
    owner: LimitOwner, name: String, kind: LimitKind, amount: Int64, window: LimitWindow,
    scope: LimitScope = .owner, subjectsMax: Int = LimitRule.subjectsMaxDefault
  ) {
    precondition(amount > 0, "a limit's amount is positive")
    precondition((kind == .concurrent) == (window == .slots), "slots go with concurrent, only")
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
  }

  /// A class's `max_concurrent`: so many exchanges of the class at once for each tenant.
  package static func classSlots(
    _ name: String, amount: Int64, subjectsMax: Int = LimitRule.subjectsMaxDefault
  ) -> LimitRule {
    LimitRule(
      owner: .trafficClass(name), name: CounterName.classLimit, kind: .concurrent, amount: amount,
      window: .slots, scope: .tenant, subjectsMax: subjectsMax)
  }

  package var isGlobal: Bool { owner == .global }

  /// The most that a counter can ever have.
  var capacity: Int64 {
    switch window {
    case .bucket(_, let capacity): capacity
    case .calendar, .slots: amount
    }
  }

  /// Whether `other`'s counters go on as this limit's: all the same but the amounts.
  func keepsCount(of other: LimitRule) -> Bool {
    owner == other.owner && name == other.name && kind == other.kind && scope == other.scope
      && window.counts(like: other.window)
  }
}
