/// The numbers of a response's usage objects, whichever provider's names they have.
///
/// A field given again replaces the earlier value, in the same object or in a later one (Anthropic's
/// counts are cumulative). `null`, a value of another type and a number that is not a count change
/// nothing.
struct UsageFields: Equatable {
  private static let unknown = -1
  /// One place for each case of `UsageField`.
  private var values = InlineArray<10, Int>(repeating: unknown)

  static func == (left: Self, right: Self) -> Bool {
    UsageField.allCases.allSatisfy { left[$0] == right[$0] }
  }

  subscript(field: UsageField) -> Int? {
    get { values[field.rawValue] == Self.unknown ? nil : values[field.rawValue] }
    set { values[field.rawValue] = newValue ?? Self.unknown }
  }

  /// Takes over the fields that a later object has.
  mutating func merge(_ later: UsageFields) {
    for index in values.indices where later.values[index] != Self.unknown {
      values[index] = later.values[index]
    }
  }

  /// Prompt tokens read from a cache; `prompt` includes them.
  var cachedPrompt: Int? {
    self[.cachedTokens] ?? self[.cacheReadInputTokens] ?? self[.promptCacheHitTokens]
  }

  /// Prompt tokens written to a cache; `prompt` includes them.
  var cacheWritePrompt: Int? { self[.cacheCreationInputTokens] }

  /// Reasoning tokens; `completion` includes them.
  var reasoning: Int? { self[.reasoningTokens] }

  /// The completion's tokens where the provider states them.
  var statedCompletion: Int? { self[.completionTokens] ?? self[.outputTokens] }

  /// All prompt tokens. Anthropic's `input_tokens` do not include the tokens read from or written to a
  /// cache, so those are added; OpenAI's `prompt_tokens`, and `input_tokens` of Responses, include them.
  var prompt: Int? {
    if let prompt = self[.promptTokens] { return prompt }
    let cached = (self[.cacheReadInputTokens] ?? 0) + (self[.cacheCreationInputTokens] ?? 0)
    if let input = self[.inputTokens] { return input + cached }
    if cached > 0 { return cached }
    return self[.totalTokens].map { max(0, $0 - (statedCompletion ?? 0)) }
  }

  /// All completion tokens, reasoning included; the total less the prompt where none are stated.
  var completion: Int? {
    if let completion = statedCompletion { return completion }
    guard let total = self[.totalTokens], let prompt else { return nil }
    return max(0, total - prompt)
  }

  /// The provider's own total where it gives one, else the sum of prompt and completion.
  var total: Int? {
    if let total = self[.totalTokens] { return total }
    guard let prompt, let completion else { return nil }
    return prompt + completion
  }
}
