/// Sums of the usage and the cost of completions, grouped by some of their fields.
package struct UsageReport: Sendable {
  /// A field to group by. The raw value is its name for `usage --by`.
  package enum Dimension: String, Sendable, CaseIterable {
    case tenant, key, subject, model
    case modelRoute = "model_route"
    case trafficClass = "class"
    /// The day and the month of the completion.
    case day, month

    /// Whether the daily totals of checkpoints tell it.
    var isInTotals: Bool {
      switch self {
      case .tenant, .key, .model, .day, .month: true
      case .subject, .modelRoute, .trafficClass: false
      }
    }

    /// Whether it depends on when days begin.
    package var isDate: Bool { self == .day || self == .month }
  }

  /// The sums of one group.
  package struct Row: Equatable, Sendable {
    /// The group's value of each dimension, in the report's order; nil where the field is `null`.
    package let keys: [String?]
    /// The group's sums.
    package let totals: UsageTotals
  }

  /// The fields that are grouped by.
  package let dimensions: [Dimension]
  /// The sums of all completions.
  package private(set) var total = UsageTotals()
  private var sums: [[String?]: UsageTotals] = [:]

  /// An empty report that groups by these fields.
  package init(by dimensions: [Dimension]) { self.dimensions = dimensions }

  /// Adds a completion of that day; `admission` is its own, where it is known.
  package mutating func add(_ completion: Completion, of admission: Admission?, day: Int64) {
    let keys = dimensions.map { dimension -> String? in
      switch dimension {
      case .tenant: completion.tenant
      case .key: admission?.keyID
      case .subject: completion.subject
      case .model: completion.model
      case .modelRoute: completion.modelRoute
      case .trafficClass: completion.trafficClass
      case .day: LocalDays.text(day: day)
      case .month: LocalDays.text(month: day)
      }
    }
    sums[keys, default: UsageTotals()].add(completion)
    total.add(completion)
  }

  /// Adds a row of a checkpoint's daily totals.
  package mutating func add(_ totals: UsageTotals, of key: DayTotals.Key) {
    let keys = dimensions.map { dimension -> String? in
      switch dimension {
      case .tenant: key.tenant
      case .key: key.keyID
      case .model: key.model
      case .day: LocalDays.text(day: key.day)
      case .month: LocalDays.text(month: key.day)
      case .subject, .modelRoute, .trafficClass: nil
      }
    }
    sums[keys, default: UsageTotals()].add(totals)
    total.add(totals)
  }

  /// Every group, sorted by its keys; nil comes first.
  package var rows: [Row] {
    sums.map { Row(keys: $0.key, totals: $0.value) }.sorted { a, b in
      for (left, right) in zip(a.keys, b.keys) where left != right {
        guard let left else { return true }
        guard let right else { return false }
        return left < right
      }
      return false
    }
  }
}
