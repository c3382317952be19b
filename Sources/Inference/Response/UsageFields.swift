/// The numbers of a usage object that matter, as providers name them.
enum UsageField: Int, CaseIterable {
  case promptTokens, inputTokens, completionTokens, outputTokens, totalTokens
  case cacheReadInputTokens, cacheCreationInputTokens, promptCacheHitTokens
  /// Of `prompt_tokens_details` or `input_tokens_details`; of `completion_…` or `output_…`.
  case cachedTokens, reasoningTokens
}

/// What usage objects said, before it is read as one provider's or the other's.
///
/// A field given again replaces the one before, in the same object or in a later one (Anthropic's
/// are cumulative). `null`, a value of another type and a number that is no count leave it as it is.
struct UsageFields: Equatable {
  private static let unknown = -1
  private var values = InlineArray<10, Int>(repeating: unknown)

  static func == (left: Self, right: Self) -> Bool {
    UsageField.allCases.allSatisfy { left[$0] == right[$0] }
  }

  subscript(field: UsageField) -> Int? {
    get { values[field.rawValue] == Self.unknown ? nil : values[field.rawValue] }
    set { values[field.rawValue] = newValue ?? Self.unknown }
  }

  /// Takes over what a later object says.
  mutating func merge(_ later: UsageFields) {
    for index in values.indices where later.values[index] != Self.unknown {
      values[index] = later.values[index]
    }
  }

  /// Prompt tokens read from a cache; they are among the prompt's.
  var cachedPrompt: Int? {
    self[.cachedTokens] ?? self[.cacheReadInputTokens] ?? self[.promptCacheHitTokens]
  }

  /// Prompt tokens written to a cache; they are among the prompt's.
  var cacheWritePrompt: Int? { self[.cacheCreationInputTokens] }

  /// Reasoning tokens; they are among the completion's.
  var reasoning: Int? { self[.reasoningTokens] }

  var statedCompletion: Int? { self[.completionTokens] ?? self[.outputTokens] }

  /// All prompt tokens. Anthropic's `input_tokens` are those that no cache had to do with; OpenAI's
  /// `prompt_tokens` and Responses' `input_tokens` have the cached ones in them.
  var prompt: Int? {
    if let prompt = self[.promptTokens] { return prompt }
    let cached = (self[.cacheReadInputTokens] ?? 0) + (self[.cacheCreationInputTokens] ?? 0)
    if let input = self[.inputTokens] { return input + cached }
    if cached > 0 { return cached }
    return self[.totalTokens].map { max(0, $0 - (statedCompletion ?? 0)) }
  }

  /// The completion's tokens, reasoning among them; from the total where only that says it.
  var completion: Int? {
    if let completion = statedCompletion { return completion }
    guard let total = self[.totalTokens], let prompt else { return nil }
    return max(0, total - prompt)
  }

  /// The provider's own total where it gives one.
  var total: Int? {
    if let total = self[.totalTokens] { return total }
    guard let prompt, let completion else { return nil }
    return prompt + completion
  }
}
