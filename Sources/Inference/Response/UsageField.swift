import Bytes

/// The numbers of a usage object that are read, and how providers spell them. A new spelling, or a new
/// number, begins here.
enum UsageField: Int, CaseIterable {
  case promptTokens, inputTokens, completionTokens, outputTokens, totalTokens
  case cacheReadInputTokens, cacheCreationInputTokens, promptCacheHitTokens
  /// In the details of the prompt and of the completion.
  case cachedTokens, cacheWriteTokens, reasoningTokens
  case promptAudioTokens, promptImageTokens, completionAudioTokens, completionImageTokens
  /// Cache writes by how long they are kept (Anthropic's `cache_creation`).
  case cacheWrite5mTokens, cacheWrite1hTokens
  /// Gemini's, which stand beside the prompt's and the completion's count.
  case toolPromptTokens, thoughtsTokens
  /// Cohere's `billed_units`, which count before its `tokens`.
  case billedInputTokens, billedOutputTokens
  /// Other units than tokens, in thousandths.
  case seconds, searchUnits, rerankUnits, webSearches

  /// Whether the number is in thousandths of its unit.
  var isInThousandths: Bool {
    switch self {
    case .seconds, .searchUnits, .rerankUnits, .webSearches: true
    case .promptTokens, .inputTokens, .completionTokens, .outputTokens, .totalTokens,
      .cacheReadInputTokens, .cacheCreationInputTokens, .promptCacheHitTokens, .cachedTokens,
      .cacheWriteTokens, .reasoningTokens, .promptAudioTokens, .promptImageTokens,
      .completionAudioTokens, .completionImageTokens, .cacheWrite5mTokens, .cacheWrite1hTokens,
      .toolPromptTokens, .thoughtsTokens, .billedInputTokens, .billedOutputTokens:
      false
    }
  }

  /// The number that a member of that name is, in the usage object itself; nil for any other. Names are
  /// told apart by their length first: this is asked for every member of every usage object.
  init?(_ name: Span<UInt8>) {
    switch name.count {
    case 7 where name.elementsEqual("seconds"): self = .seconds
    case 11 where name.elementsEqual("inputTokens"): self = .inputTokens
    case 11 where name.elementsEqual("totalTokens"): self = .totalTokens
    case 12 where name.elementsEqual("input_tokens"): self = .inputTokens
    case 12 where name.elementsEqual("total_tokens"): self = .totalTokens
    case 12 where name.elementsEqual("outputTokens"): self = .outputTokens
    case 12 where name.elementsEqual("search_units"): self = .searchUnits
    case 12 where name.elementsEqual("rerank_units"): self = .rerankUnits
    case 13 where name.elementsEqual("prompt_tokens"): self = .promptTokens
    case 13 where name.elementsEqual("output_tokens"): self = .outputTokens
    case 13 where name.elementsEqual("cached_tokens"): self = .cachedTokens
    case 15 where name.elementsEqual("totalTokenCount"): self = .totalTokens
    case 16 where name.elementsEqual("reasoning_tokens"): self = .reasoningTokens
    case 16 where name.elementsEqual("promptTokenCount"): self = .promptTokens
    case 16 where name.elementsEqual("num_sources_used"): self = .webSearches
    case 18 where name.elementsEqual("num_search_queries"): self = .webSearches
    case 17 where name.elementsEqual("total_token_count"): self = .totalTokens
    case 18 where name.elementsEqual("prompt_token_count"): self = .promptTokens
    case 17 where name.elementsEqual("completion_tokens"): self = .completionTokens
    case 18 where name.elementsEqual("thoughtsTokenCount"): self = .thoughtsTokens
    case 20 where name.elementsEqual("candidatesTokenCount"): self = .completionTokens
    case 20 where name.elementsEqual("thoughts_token_count"): self = .thoughtsTokens
    case 22 where name.elementsEqual("candidates_token_count"): self = .completionTokens
    case 26 where name.elementsEqual("cached_content_token_count"): self = .cachedTokens
    case 27 where name.elementsEqual("tool_use_prompt_token_count"): self = .toolPromptTokens
    case 20 where name.elementsEqual("cacheReadInputTokens"): self = .cacheReadInputTokens
    case 20 where name.elementsEqual("prompt_audio_seconds"): self = .seconds
    case 21 where name.elementsEqual("cacheWriteInputTokens"): self = .cacheCreationInputTokens
    case 23 where name.elementsEqual("cache_read_input_tokens"): self = .cacheReadInputTokens
    case 24 where name.elementsEqual("cacheReadInputTokenCount"): self = .cacheReadInputTokens
    case 25 where name.elementsEqual("cacheWriteInputTokenCount"): self = .cacheCreationInputTokens
    case 23 where name.elementsEqual("prompt_cache_hit_tokens"): self = .promptCacheHitTokens
    case 23 where name.elementsEqual("cachedContentTokenCount"): self = .cachedTokens
    case 23 where name.elementsEqual("toolUsePromptTokenCount"): self = .toolPromptTokens
    case 27 where name.elementsEqual("cache_creation_input_tokens"):
      self = .cacheCreationInputTokens
    default: return nil
    }
  }

  /// Beside the answer itself, without a usage object (Ollama, llama.cpp).
  init?(root name: Span<UInt8>) {
    switch name.count {
    case 10 where name.elementsEqual("eval_count"): self = .completionTokens
    case 16 where name.elementsEqual("tokens_evaluated"): self = .promptTokens
    case 16 where name.elementsEqual("tokens_predicted"): self = .completionTokens
    case 17 where name.elementsEqual("prompt_eval_count"): self = .promptTokens
    default: return nil
    }
  }

  /// In the details of the prompt.
  init?(promptDetail name: Span<UInt8>) {
    switch name.count {
    case 12 where name.elementsEqual("audio_tokens"): self = .promptAudioTokens
    case 12 where name.elementsEqual("image_tokens"): self = .promptImageTokens
    case 13 where name.elementsEqual("cached_tokens"): self = .cachedTokens
    case 18 where name.elementsEqual("cache_write_tokens"): self = .cacheWriteTokens
    case 21 where name.elementsEqual("cache_creation_tokens"): self = .cacheWriteTokens
    case 22 where name.elementsEqual("cached_creation_tokens"): self = .cacheWriteTokens
    case 27 where name.elementsEqual("cache_creation_input_tokens"): self = .cacheWriteTokens
    default: return nil
    }
  }

  /// In the details of the completion.
  init?(completionDetail name: Span<UInt8>) {
    switch name.count {
    case 12 where name.elementsEqual("audio_tokens"): self = .completionAudioTokens
    case 12 where name.elementsEqual("image_tokens"): self = .completionImageTokens
    case 15 where name.elementsEqual("thinking_tokens"): self = .reasoningTokens
    case 16 where name.elementsEqual("reasoning_tokens"): self = .reasoningTokens
    default: return nil
    }
  }

  /// In `cache_creation`.
  init?(cacheCreation name: Span<UInt8>) {
    if name.elementsEqual("ephemeral_5m_input_tokens") {
      self = .cacheWrite5mTokens
    } else if name.elementsEqual("ephemeral_1h_input_tokens") {
      self = .cacheWrite1hTokens
    } else {
      return nil
    }
  }

  /// In `server_tool_use` (Anthropic).
  init?(serverTool name: Span<UInt8>) {
    guard name.elementsEqual("web_search_requests") else { return nil }
    self = .webSearches
  }

  /// In a list of counts by kind of content (Gemini's `promptTokensDetails`): nil for text, which has no
  /// count of its own.
  init?(modality: Span<UInt8>, ofPrompt: Bool) {
    switch modality.count {
    case 5 where modality.elementsEqual("AUDIO"):
      self = ofPrompt ? .promptAudioTokens : .completionAudioTokens
    case 5 where modality.elementsEqual("IMAGE"), 5 where modality.elementsEqual("VIDEO"):
      self = ofPrompt ? .promptImageTokens : .completionImageTokens
    default: return nil
    }
  }

  /// In `billed_units`.
  init?(billed name: Span<UInt8>) {
    switch UsageField(name) {
    case .inputTokens?: self = .billedInputTokens
    case .outputTokens?: self = .billedOutputTokens
    case .searchUnits?: self = .searchUnits
    default: return nil
    }
  }
}
