import Bytes
import Terms

/// Sums of the usage and the cost of completions, grouped by some of their fields.
package struct UsageReport: Sendable {
  /// A field to group by. The raw value is its name for `usage --by`.
  package enum Dimension: String, Sendable, CaseIterable {
    case tenant
    case modelRoute = "model_route"
    case subject
    /// The UTC day of the completion.
    case day
  }

  /// The sums of a group of completions. A count that is `null` in a record adds nothing.
  package struct Totals: Equatable, Sendable {
    /// The number of completions.
    package var requests: Int64 = 0
    /// The sum of the fields with the same name in `Completion`; so are the next five.
    package var promptTokens: Int64 = 0
    /// Prompt tokens that were read from a cache.
    package var cachedPromptTokens: Int64 = 0
    /// Prompt tokens that were written to a cache.
    package var cacheWritePromptTokens: Int64 = 0
    /// Tokens of answers.
    package var completionTokens: Int64 = 0
    /// Tokens of answers that were reported as reasoning.
    package var reasoningTokens: Int64 = 0
    /// All tokens.
    package var totalTokens: Int64 = 0
    /// The cost in nano-dollars, exactly, of those whose cost is known; nil where none is known.
    package var costNanodollars: Int64?
    /// How many of the completions have `usage_source` `estimated`.
    package var estimatedRequests: Int64 = 0

    /// Sums of nothing.
    package init() {}

    mutating func add(_ completion: Completion) {
      requests += 1
      Self.add(completion.promptTokens, to: &promptTokens)
      Self.add(completion.cachedPromptTokens, to: &cachedPromptTokens)
      Self.add(completion.cacheWritePromptTokens, to: &cacheWritePromptTokens)
      Self.add(completion.completionTokens, to: &completionTokens)
      Self.add(completion.reasoningTokens, to: &reasoningTokens)
      Self.add(completion.totalTokens, to: &totalTokens)
      if let cost = completion.costNanodollars {
        var sum = costNanodollars ?? 0
        Self.add(cost, to: &sum)
        costNanodollars = sum
      }
      if completion.usageSource == .estimated { estimatedRequests += 1 }
    }

    /// A sum that does not fit becomes `Int64.max`.
    private static func add(_ value: Int64?, to sum: inout Int64) {
      let (result, overflow) = sum.addingReportingOverflow(value ?? 0)
      sum = overflow ? .max : result
    }
  }

  /// The sums of one group.
  package struct Row: Equatable, Sendable {
    /// The group's value of each dimension, in the report's order; nil where the field is `null`.
    package let keys: [String?]
    /// The group's sums.
    package let totals: Totals
  }

  /// The fields that are grouped by.
  package let dimensions: [Dimension]
  /// The sums of all completions.
  package private(set) var total = Totals()
  private var sums: [[String?]: Totals] = [:]

  /// An empty report that groups by these fields.
  package init(by dimensions: [Dimension]) { self.dimensions = dimensions }

  /// Adds a record. All but completions change nothing.
  package mutating func add(_ record: LedgerRecord) {
    guard case .completion(let completion) = record.body else { return }
    let keys = dimensions.map { dimension -> String? in
      switch dimension {
      case .tenant: completion.tenant
      case .modelRoute: completion.modelRoute
      case .subject: completion.subject
      case .day: UTCTime.day(record.timeMs)
      }
    }
    sums[keys, default: Totals()].add(completion)
    total.add(completion)
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
