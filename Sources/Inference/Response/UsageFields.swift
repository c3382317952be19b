import Terms

/// The numbers of a response's usage objects, whichever provider's names they have.
///
/// A field given again replaces the earlier value, in the same object or in a later one (Anthropic's
/// counts are cumulative); a string of digits is a number too. `null`, a value of another type and a number
/// that is not a count change nothing, and a count that was positive does not become 0: servers write 0 for what they do not
/// repeat.
struct UsageFields: Equatable {
  private static let unknown = -1
  /// One place for each case of `UsageField`.
  private var values = InlineArray<25, Int>(repeating: unknown)
  /// A number was there that is no count: what is missing is not 0.
  private(set) var hasImpossible = false

  static func == (left: Self, right: Self) -> Bool {
    left.hasImpossible == right.hasImpossible
      && UsageField.allCases.allSatisfy { left[$0] == right[$0] }
  }

  subscript(field: UsageField) -> Int? {
    get {
      // Through its span: a subscript of the array itself copies all of it first.
      let value = values.span[field.rawValue]
      return value == Self.unknown ? nil : value
    }
    set { values[field.rawValue] = newValue ?? Self.unknown }
  }

  /// Takes a number that was read.
  mutating func take(_ field: UsageField, _ number: TokenCountReading) {
    guard let value = field.isInThousandths ? number.thousandths : number.value else {
      hasImpossible = true
      return
    }
    if value > 0 || values[field.rawValue] <= 0 { values[field.rawValue] = value }
  }

  /// Takes over the fields that a later object has.
  mutating func merge(_ later: UsageFields) {
    hasImpossible = hasImpossible || later.hasImpossible
    // A prompt that is 0 now stands in the cache fields, where those have grown.
    let isTakenOver = later.cacheParts > cacheParts
    // A total is that of its own object.
    if later[.totalTokens] == nil, later.statedPrompt != nil || later.statedCompletion != nil {
      self[.totalTokens] = nil
    }
    let later = later.values.span
    for index in later.indices {
      let value = later[index]
      guard value != Self.unknown else { continue }
      if value > 0 || values[index] <= 0 || isTakenOver && UsageField.isPrompt(index) {
        values[index] = value
      }
    }
  }

  /// Whether any number is there that is more than 0.
  var hasPositive: Bool {
    let values = values.span
    for index in values.indices where values[index] > 0 { return true }
    return false
  }

  /// The first of these that is more than 0; 0 where one is known, nil where none is.
  private func known(_ first: UsageField, _ second: UsageField, _ third: UsageField? = nil) -> Int?
  {
    if let value = self[first], value > 0 { return value }
    if let value = self[second], value > 0 { return value }
    if let third, let value = self[third], value > 0 { return value }
    return self[first] ?? self[second] ?? third.flatMap { self[$0] }
  }

  private var cacheParts: Int { (cachedPrompt ?? 0) + (cacheWritePrompt ?? 0) }

  /// Prompt tokens read from a cache; `prompt` includes them.
  var cachedPrompt: Int? { known(.cachedTokens, .cacheReadInputTokens, .promptCacheHitTokens) }

  /// Prompt tokens written to a cache; `prompt` includes them.
  var cacheWritePrompt: Int? {
    if cacheCreation > 0 { return cacheCreation }
    return known(.cacheCreationInputTokens, .cacheWriteTokens)
  }

  /// Those of them that are kept for an hour.
  var cacheWrite1hPrompt: Int? { self[.cacheWrite1hTokens] }

  /// Reasoning tokens; `completion` includes them.
  var reasoning: Int? { known(.reasoningTokens, .thoughtsTokens) }

  /// All prompt tokens. Anthropic's `input_tokens` do not include the tokens read from or written to a
  /// cache, so those are added; OpenAI's `prompt_tokens`, and `input_tokens` of Responses, include them.
  /// A prompt smaller than its parts does not include them either, whoever reports it.
  var prompt: Int? {
    guard var prompt = statedPrompt else {
      guard let total = self[.totalTokens] else { return nil }
      let completion = statedCompletion ?? 0
      return total >= completion ? total - completion : nil
    }
    if prompt < cacheParts { prompt += cacheParts }
    return prompt + (self[.toolPromptTokens] ?? 0)
  }

  /// The prompt's tokens where the provider states them, and not as 0: there was a prompt.
  private var statedPrompt: Int? {
    if let prompt = self[.promptTokens], prompt > 0 { return prompt }
    let cached = self[.cacheReadInputTokens] ?? 0
    let input = known(.billedInputTokens, .inputTokens) ?? 0
    let stated = input > 0 ? input + cached + cacheCreation : cacheParts
    return stated > 0 ? stated : nil
  }

  /// What was written to a cache and is not in `input_tokens`.
  private var cacheCreation: Int {
    max(
      self[.cacheCreationInputTokens] ?? 0,
      (self[.cacheWrite5mTokens] ?? 0) + (self[.cacheWrite1hTokens] ?? 0))
  }

  /// The completion's tokens where the provider states them.
  private var statedCompletion: Int? {
    let stated = known(.completionTokens, .billedOutputTokens, .outputTokens)
    guard let thoughts = self[.thoughtsTokens] else { return stated }
    return (stated ?? 0) + thoughts
  }

  /// All completion tokens, reasoning included. What a total has beside prompt and completion is
  /// completion; a total below the prompt says nothing. More reasoning than completion stands beside it.
  var completion: Int? {
    var completion = statedCompletion
    if let total = self[.totalTokens], let prompt, total >= prompt {
      completion = max(completion ?? 0, total - prompt)
    }
    guard let reasoning, reasoning > completion ?? 0 else { return completion }
    return (completion ?? 0) + reasoning
  }
}

extension UsageField {
  /// Whether it is a count of the whole prompt, or of what is in no cache.
  fileprivate static func isPrompt(_ index: Int) -> Bool {
    index == promptTokens.rawValue || index == inputTokens.rawValue
      || index == billedInputTokens.rawValue
  }
}

extension UsageFields {
  /// What was reported in other units, where it is more than 0.
  var units: UsageUnits {
    var units = UsageUnits()
    func take(_ field: UsageField, as unit: UsageUnits.Unit) {
      if let amount = self[field], amount > 0 { units[unit] = Int64(amount) }
    }
    take(.seconds, as: .seconds)
    take(.searchUnits, as: .searchUnits)
    take(.rerankUnits, as: .rerankUnits)
    take(.webSearches, as: .webSearches)
    return units
  }
}
