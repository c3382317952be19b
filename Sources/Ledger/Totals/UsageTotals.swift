import Terms

/// Sums of completions. A count that is `null` in a record adds nothing; a sum that does not fit is
/// `Int64.max`.
package struct UsageTotals: Equatable, Sendable {
  /// The number of completions.
  package var requests: Int64 = 0
  /// The sum of the fields with the same name in `Completion`; so are the next five.
  package var promptTokens: Int64 = 0
  package var cachedPromptTokens: Int64 = 0
  package var cacheWritePromptTokens: Int64 = 0
  package var completionTokens: Int64 = 0
  package var reasoningTokens: Int64 = 0
  package var totalTokens: Int64 = 0
  /// How many of the completions have `usage_source` `estimated`.
  package var estimatedRequests: Int64 = 0
  /// The cost in nano-dollars, exactly, of those whose cost is known; nil where none is known.
  package var costNanodollars: Int64?

  /// Sums of nothing.
  package init() {}

  package mutating func add(_ completion: Completion) {
    Self.add(1, to: &requests)
    Self.add(completion.promptTokens, to: &promptTokens)
    Self.add(completion.cachedPromptTokens, to: &cachedPromptTokens)
    Self.add(completion.cacheWritePromptTokens, to: &cacheWritePromptTokens)
    Self.add(completion.completionTokens, to: &completionTokens)
    Self.add(completion.reasoningTokens, to: &reasoningTokens)
    Self.add(completion.totalTokens, to: &totalTokens)
    if completion.usageSource == .estimated { Self.add(1, to: &estimatedRequests) }
    add(cost: completion.costNanodollars)
  }

  package mutating func add(_ other: UsageTotals) {
    for field in Self.fields {
      Self.add(other[keyPath: field.path], to: &self[keyPath: field.path])
    }
    add(cost: other.costNanodollars)
  }

  private mutating func add(cost: Int64?) {
    guard let cost else { return }
    var sum = costNanodollars ?? 0
    Self.add(cost, to: &sum)
    costNanodollars = sum
  }

  private static func add(_ value: Int64?, to sum: inout Int64) {
    let (result, overflow) = sum.addingReportingOverflow(value ?? 0)
    sum = overflow ? .max : result
  }

  /// The sums under their names in records and reports; the cost is apart.
  package static let fields:
    [(name: String, path: any WritableKeyPath<UsageTotals, Int64> & Sendable)] = [
      ("requests", \.requests), ("prompt_tokens", \.promptTokens),
      ("cached_prompt_tokens", \.cachedPromptTokens),
      ("cache_write_prompt_tokens", \.cacheWritePromptTokens),
      ("completion_tokens", \.completionTokens), ("reasoning_tokens", \.reasoningTokens),
      ("total_tokens", \.totalTokens), ("estimated_requests", \.estimatedRequests),
    ]
}
