import Bytes
import Terms

/// What was used and what it cost, summed over completions by some of their fields.
package struct UsageReport: Sendable {
  package enum Dimension: String, Sendable, CaseIterable {
    case tenant
    case modelRoute = "model_route"
    case subject
    case day
  }

  /// One sum. Tokens that nobody reported or estimated are no zeros: they are not there.
  package struct Totals: Equatable, Sendable {
    package var requests: Int64 = 0
    package var promptTokens: Int64 = 0
    package var cachedPromptTokens: Int64 = 0
    package var cacheWritePromptTokens: Int64 = 0
    package var completionTokens: Int64 = 0
    package var reasoningTokens: Int64 = 0
    package var totalTokens: Int64 = 0
    /// Nano-dollars, exactly, of those whose cost is known; nil where none's is.
    package var costNanodollars: Int64?
    /// How many of the requests were charged by estimate.
    package var estimatedRequests: Int64 = 0

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

    /// A sum that no longer fits stays at the largest number there is, rather than wrap.
    private static func add(_ value: Int64?, to sum: inout Int64) {
      let (result, overflow) = sum.addingReportingOverflow(value ?? 0)
      sum = overflow ? .max : result
    }
  }

  package struct Row: Equatable, Sendable {
    /// One value a dimension, in their order; nil where completions have none.
    package let keys: [String?]
    package let totals: Totals
  }

  package let dimensions: [Dimension]
  package private(set) var total = Totals()
  private var sums: [[String?]: Totals] = [:]

  package init(by dimensions: [Dimension]) { self.dimensions = dimensions }

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

  /// In the order of their keys, those without one first.
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
