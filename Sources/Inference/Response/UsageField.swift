import Bytes

/// The numbers of a usage object that are read, and how providers spell them. A new spelling, or a new
/// number, begins here.
enum UsageField: Int, CaseIterable {
  case promptTokens, inputTokens, completionTokens, outputTokens, totalTokens
  case cacheReadInputTokens, cacheCreationInputTokens, promptCacheHitTokens
  /// `cached_tokens` of `prompt_tokens_details` or `input_tokens_details`; `reasoning_tokens` of
  /// `completion_tokens_details` or `output_tokens_details`.
  case cachedTokens, reasoningTokens

  /// The number that a member of that name is, in the usage object itself; nil for any other. Names are
  /// told apart by their length first: this is asked for every member of every usage object.
  init?(_ name: Span<UInt8>) {
    switch name.count {
    case 12 where name.elementsEqual("input_tokens"): self = .inputTokens
    case 12 where name.elementsEqual("total_tokens"): self = .totalTokens
    case 13 where name.elementsEqual("prompt_tokens"): self = .promptTokens
    case 13 where name.elementsEqual("output_tokens"): self = .outputTokens
    case 17 where name.elementsEqual("completion_tokens"): self = .completionTokens
    case 23 where name.elementsEqual("cache_read_input_tokens"): self = .cacheReadInputTokens
    case 23 where name.elementsEqual("prompt_cache_hit_tokens"): self = .promptCacheHitTokens
    case 27 where name.elementsEqual("cache_creation_input_tokens"):
      self = .cacheCreationInputTokens
    default: return nil
    }
  }

  /// In the details of the prompt.
  init?(promptDetail name: Span<UInt8>) {
    guard name.elementsEqual("cached_tokens") else { return nil }
    self = .cachedTokens
  }

  /// In the details of the completion.
  init?(completionDetail name: Span<UInt8>) {
    guard name.elementsEqual("reasoning_tokens") else { return nil }
    self = .reasoningTokens
  }
}
