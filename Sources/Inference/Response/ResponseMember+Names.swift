import Bytes

// How providers name the members of each place. A new spelling of anything but a number of usage
// (`UsageField`) is a row here. Names are told apart by their length first.

extension ResponseMember {
  static func ofEvent(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("type"): .kind
    case 4 where name.elementsEqual("meta"): .wrapper
    case 4 where name.elementsEqual("text"): .text
    case 5 where name.elementsEqual("usage"): .usage
    case 5 where name.elementsEqual("delta"): .delta
    case 5 where name.elementsEqual("error"): .error
    case 5 where name.elementsEqual("audio"): .media
    case 6 where name.elementsEqual("object"): .object
    case 6 where name.elementsEqual("x_groq"): .wrapper
    case 7 where name.elementsEqual("choices"): .choices
    case 7 where name.elementsEqual("message"): .envelope
    case 7 where name.elementsEqual("content"): .blocks
    case 8 where name.elementsEqual("response"): .response
    case 8 where name.elementsEqual("b64_json"): .media
    case 10 where name.elementsEqual("candidates"): .choices
    case 12 where name.elementsEqual("service_tier"): .tier
    case 13 where name.elementsEqual("content_block"): .block
    case 13 where name.elementsEqual("usageMetadata"): .usage
    case 14 where name.elementsEqual("usage_metadata"): .usage
    case 17 where name.elementsEqual("partial_image_b64"): .media
    default: UsageField(root: name).map { .tokens($0) } ?? .ignored
    }
  }

  static func ofBody(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("text"): .text
    case 4 where name.elementsEqual("type"): .kind
    case 4 where name.elementsEqual("meta"): .wrapper
    case 4 where name.elementsEqual("data"): .made
    case 5 where name.elementsEqual("usage"): .usage
    case 5 where name.elementsEqual("error"): .error
    case 6 where name.elementsEqual("output"): .outputItems
    case 6 where name.elementsEqual("status"): .status
    case 6 where name.elementsEqual("object"): .object
    case 6 where name.elementsEqual("x_groq"): .wrapper
    case 7 where name.elementsEqual("choices"): .choices
    case 7 where name.elementsEqual("content"): .blocks
    case 7 where name.elementsEqual("message"): .message
    case 8 where name.elementsEqual("response"): .text
    case 10 where name.elementsEqual("candidates"): .choices
    case 11 where name.elementsEqual("stop_reason"): .finish
    case 12 where name.elementsEqual("service_tier"): .tier
    case 13 where name.elementsEqual("usageMetadata"): .usage
    case 14 where name.elementsEqual("usage_metadata"): .usage
    default: UsageField(root: name).map { .tokens($0) } ?? .ignored
    }
  }

  static func ofUsage(_ name: Span<UInt8>) -> Self {
    if let field = UsageField(name) { return .tokens(field) }
    return switch name.count {
    case 5 where name.elementsEqual("speed"): .speed
    case 6 where name.elementsEqual("tokens"): .countedTokens
    case 12 where name.elementsEqual("billed_units"): .billedUnits
    case 12 where name.elementsEqual("service_tier"): .tier
    case 13 where name.elementsEqual("inference_geo"): .region
    case 14 where name.elementsEqual("cache_creation"): .cacheCreation
    case 15 where name.elementsEqual("server_tool_use"): .serverTools
    case 19 where name.elementsEqual("promptTokensDetails"): .promptKinds
    case 23 where name.elementsEqual("candidatesTokensDetails"): .completionKinds
    case 19 where name.elementsEqual("input_token_details"): .promptDetails
    case 20 where name.elementsEqual("input_tokens_details"): .promptDetails
    case 20 where name.elementsEqual("output_token_details"): .completionDetails
    case 21 where name.elementsEqual("prompt_tokens_details"): .promptDetails
    case 21 where name.elementsEqual("output_tokens_details"): .completionDetails
    case 25 where name.elementsEqual("completion_tokens_details"): .completionDetails
    default: .ignored
    }
  }

  /// Of a count for one kind of content.
  static func ofKind(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 8 where name.elementsEqual("modality"): .modality
    case 10 where name.elementsEqual("tokenCount"): .modalityCount
    default: .ignored
    }
  }

  /// Of a picture that was made.
  static func ofMade(_ name: Span<UInt8>) -> Self {
    name.elementsEqual("b64_json") || name.elementsEqual("url") ? .madeOne : .ignored
  }

  /// Of an object of the provider's own around the usage.
  static func ofWrapper(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 5 where name.elementsEqual("usage"): .usage
    case 5 where name.elementsEqual("error"): .error
    case 6 where name.elementsEqual("tokens"): .countedTokens
    case 12 where name.elementsEqual("billed_units"): .billedUnits
    default: .ignored
    }
  }

  static func ofChoice(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("text"): .text
    case 5 where name.elementsEqual("delta"): .message
    case 5 where name.elementsEqual("usage"): .usage
    case 5 where name.elementsEqual("error"): .error
    case 7 where name.elementsEqual("message"): .message
    case 7 where name.elementsEqual("content"): .parts
    case 8 where name.elementsEqual("logprobs"): .logprobs
    case 12 where name.elementsEqual("finishReason"): .finish
    case 13 where name.elementsEqual("finish_reason"): .finish
    default: .ignored
    }
  }

  static func ofMessage(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 2 where name.elementsEqual("id"): .ignored
    case 4 where name.elementsEqual("role") || name.elementsEqual("type"): .ignored
    case 5 where name.elementsEqual("audio"): .audio
    case 7 where name.elementsEqual("content"): .blocks
    case 7 where name.elementsEqual("refusal"): .output
    case 8 where name.elementsEqual("thinking"): .reasoning
    case 9 where name.elementsEqual("reasoning"): .reasoning
    case 10 where name.elementsEqual("tool_calls"): .toolCalls
    case 13 where name.elementsEqual("function_call"): .function
    case 14 where name.elementsEqual("reasoning_text"): .reasoning
    case 17 where name.elementsEqual("reasoning_content"): .reasoningContent
    case 17 where name.elementsEqual("reasoning_details"): .reasoningDetails
    default: .unknown
    }
  }

  static func ofToolCall(_ name: Span<UInt8>) -> Self {
    name.elementsEqual("function") || name.elementsEqual("custom") ? .function : .ignored
  }

  static func ofFunction(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("name") || name.elementsEqual("args"): .output
    case 5 where name.elementsEqual("input"): .output
    case 9 where name.elementsEqual("arguments"): .output
    default: .ignored
    }
  }

  static func ofAudio(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("data"): .media
    case 10 where name.elementsEqual("transcript"): .text
    default: .ignored
    }
  }

  static func ofReasoningDetail(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("text") || name.elementsEqual("data"): .reasoningDetail
    case 7 where name.elementsEqual("summary"): .reasoningDetail
    default: .ignored
    }
  }

  static func ofResponse(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("meta"): .wrapper
    case 5 where name.elementsEqual("usage"): .usage
    case 5 where name.elementsEqual("error"): .error
    case 6 where name.elementsEqual("status"): .status
    case 6 where name.elementsEqual("output"): .outputItems
    case 12 where name.elementsEqual("service_tier"): .tier
    default: .ignored
    }
  }

  /// Of the `message` of an event: Anthropic's first event, or a piece of an answer (Ollama).
  static func ofEnvelope(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 5 where name.elementsEqual("usage"): .usage
    case 7 where name.elementsEqual("content"): .blocks
    case 8 where name.elementsEqual("thinking"): .reasoning
    case 10 where name.elementsEqual("tool_calls"): .toolCalls
    default: .ignored
    }
  }

  static func ofDelta(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 5 where name.elementsEqual("usage"): .usage
    case 7 where name.elementsEqual("message"): .message
    default: ofBlock(name)
    }
  }

  static func ofBlock(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("text") || name.elementsEqual("name"): .text
    case 4 where name.elementsEqual("data"): .text  // of redacted thinking
    case 5 where name.elementsEqual("input"): .output
    case 7 where name.elementsEqual("refusal"): .output
    case 8 where name.elementsEqual("thinking"): .output
    case 11 where name.elementsEqual("stop_reason"): .finish
    case 12 where name.elementsEqual("partial_json"): .text
    case 12 where name.elementsEqual("functionCall"): .function
    default: .ignored
    }
  }

  static func ofOutputItem(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.elementsEqual("name") || name.elementsEqual("code"): .text
    case 4 where name.elementsEqual("type"): .itemKind
    case 5 where name.elementsEqual("input"): .output
    case 7 where name.elementsEqual("content") || name.elementsEqual("summary"): .blocks
    case 9 where name.elementsEqual("arguments"): .output
    case 17 where name.elementsEqual("encrypted_content"): .text
    default: .ignored
    }
  }
}
