import Bytes
import Terms

/// The keys of a request body that are looked at, each in the objects where it means something
/// (`RequestScope`).
package enum InspectedKey: UInt8, CaseIterable, Sendable {
  case model, stream, streamOptions, includeUsage, continuousUsageStats
  case n, bestOf
  // Bounds of the answer: those that a dialect or a model may own, then those that never bind.
  case maxTokens, maxCompletionTokens, maxOutputTokens, nPredict, maxNewTokens, maxLength
  case minTokens, minNewTokens, numPredict, maxTokensToSample
  case prompt, promptEmbeds
  case previousResponseID, conversation, input
  case extraBody, parameters
  // What `GuardedField` lists.
  case models, fallbacks, fallbackModels, modelFallbacks
  case contextWindowFallbacks, contentPolicyFallbacks, contextWindowFallbackDict
  case route, provider, customProvider, loraPath, loraRequest, lora, adapterID, kvTransferParams
  case ecTransferParams, bootstrapHost, apiBase, baseURL, apiKey, background
  // The way to pictures, sound and files, and to references to earlier items.
  case messages, content, output, result, imageURL, videoURL, audioURL, inputAudio, file, fileData
  case source, url, data, type, id, role
  // What chooses the price.
  case serviceTier, speed
  // How many searches and other calls of hosted tools the answer may make.
  case maxToolCalls

  /// The key as its object has it: `max_tokens`; `include_usage`.
  var member: StaticString {
    switch self {
    case .model: "model"
    case .stream: "stream"
    case .streamOptions: "stream_options"
    case .includeUsage: "include_usage"
    case .continuousUsageStats: "continuous_usage_stats"
    case .n: "n"
    case .bestOf: "best_of"
    case .maxTokens: "max_tokens"
    case .maxCompletionTokens: "max_completion_tokens"
    case .maxOutputTokens: "max_output_tokens"
    case .nPredict: "n_predict"
    case .maxNewTokens: "max_new_tokens"
    case .maxLength: "max_length"
    case .minTokens: "min_tokens"
    case .minNewTokens: "min_new_tokens"
    case .numPredict: "num_predict"
    case .maxTokensToSample: "max_tokens_to_sample"
    case .prompt: "prompt"
    case .promptEmbeds: "prompt_embeds"
    case .previousResponseID: "previous_response_id"
    case .conversation: "conversation"
    case .input: "input"
    case .extraBody: "extra_body"
    case .parameters: "parameters"
    case .models: "models"
    case .fallbacks: "fallbacks"
    case .fallbackModels: "fallback_models"
    case .modelFallbacks: "model_fallbacks"
    case .contextWindowFallbacks: "context_window_fallbacks"
    case .contentPolicyFallbacks: "content_policy_fallbacks"
    case .contextWindowFallbackDict: "context_window_fallback_dict"
    case .route: "route"
    case .provider: "provider"
    case .customProvider: "custom_llm_provider"
    case .loraPath: "lora_path"
    case .loraRequest: "lora_request"
    case .lora: "lora"
    case .adapterID: "adapter_id"
    case .kvTransferParams: "kv_transfer_params"
    case .ecTransferParams: "ec_transfer_params"
    case .bootstrapHost: "bootstrap_host"
    case .apiBase: "api_base"
    case .baseURL: "base_url"
    case .apiKey: "api_key"
    case .background: "background"
    case .messages: "messages"
    case .content: "content"
    case .output: "output"
    case .result: "result"
    case .imageURL: "image_url"
    case .videoURL: "video_url"
    case .audioURL: "audio_url"
    case .inputAudio: "input_audio"
    case .file: "file"
    case .fileData: "file_data"
    case .source: "source"
    case .url: "url"
    case .data: "data"
    case .type: "type"
    case .id: "id"
    case .role: "role"
    case .serviceTier: "service_tier"
    case .speed: "speed"
    case .maxToolCalls: "max_tool_calls"
    }
  }

  /// The key with its path, as refusals name it: `max_tokens`; `stream_options.include_usage`.
  package var name: String {
    if self == .includeUsage || self == .continuousUsageStats { return "stream_options.\(member)" }
    return self == .id ? "conversation.id" : "\(member)"
  }

  /// Its place among the bounds that a dialect or a model may own; nil for any other key.
  @inline(__always)
  var boundIndex: Int? {
    let index = Int(rawValue) - Int(Self.maxTokens.rawValue)
    return index >= 0 && index < BoundReadings.count ? index : nil
  }

  /// Whether its value, or that of its members, may name a model.
  @inline(__always)
  var namesModels: Bool {
    self == .model
      || rawValue >= Self.models.rawValue && rawValue <= Self.contextWindowFallbackDict.rawValue
  }
}

extension BoundField {
  /// The key of that name.
  package var key: InspectedKey {
    switch self {
    case .maxTokens: .maxTokens
    case .maxCompletionTokens: .maxCompletionTokens
    case .maxOutputTokens: .maxOutputTokens
    case .nPredict: .nPredict
    case .maxNewTokens: .maxNewTokens
    case .maxLength: .maxLength
    }
  }
}

// MARK: - Finding a key

extension InspectedKey {
  /// The key with this name in an object of that scope; nil where it is not looked at there.
  @inline(__always)
  static func named(_ name: Span<UInt8>, in scope: RequestScope) -> InspectedKey? {
    guard name.count > 0, let candidate = candidate(name, in: scope),
      name.elementsEqual(candidate.member)
    else { return nil }
    return candidate
  }

  /// The only key that the name may be, by its length and a letter or two.
  private static func candidate(
    _ name: Span<UInt8>, in scope: RequestScope
  ) -> InspectedKey? {
    switch scope {
    case .top, .extraBody, .parameters: ofRequest(name)
    case .streamOptions: name.count == 13 ? .includeUsage : .continuousUsageStats
    case .conversation: .id
    case .message: .content
    case .item: ofItem(name)
    case .part: ofPart(name)
    case .picture, .sound: name.count == 3 ? .url : .data
    case .file: .fileData
    case .source: name.count == 3 ? .url : name[0] == UInt8(ascii: "t") ? .type : .data
    case .none, .messages, .input, .parts, .prompts, .names: nil
    }
  }

  private static func ofItem(_ name: Span<UInt8>) -> InspectedKey? {
    switch (name.count, name[0]) {
    case (2, _): .id
    case (4, UInt8(ascii: "t")): .type
    case (4, _): .role
    case (6, UInt8(ascii: "o")): .output
    case (6, _): .result
    case (7, _): .content
    case (9, _): .imageURL
    default: nil
    }
  }

  private static func ofPart(_ name: Span<UInt8>) -> InspectedKey? {
    switch (name.count, name[0]) {
    case (4, _): .file
    case (6, _): .source
    case (7, _): .content
    case (9, UInt8(ascii: "i")): .imageURL
    case (9, UInt8(ascii: "f")): .fileData
    case (9, UInt8(ascii: "v")): .videoURL
    case (9, _): .audioURL
    case (11, _): .inputAudio
    default: nil
    }
  }

  private static func ofRequest(_ name: Span<UInt8>) -> InspectedKey? {
    switch name.count {
    case 1: .n
    case 4: .lora
    case 5: ofFive(name[0])
    case 6: ofSix(name[0])
    case 7: name[0] == UInt8(ascii: "b") ? .bestOf : .apiKey
    case 8: ofEight(name[0])
    case 9: ofNine(name[0])
    case 10: ofTen(name)
    case 11: .numPredict
    case 12: ofTwelve(name[0])
    case 13: .promptEmbeds
    case 14: ofFourteen(name)
    case 15: name[0] == UInt8(ascii: "f") ? .fallbackModels : .modelFallbacks
    case 17: .maxOutputTokens
    case 18: name[0] == UInt8(ascii: "k") ? .kvTransferParams : .ecTransferParams
    case 19: .customProvider
    case 20: name[0] == UInt8(ascii: "p") ? .previousResponseID : .maxTokensToSample
    case 21: .maxCompletionTokens
    case 24: name[5] == UInt8(ascii: "x") ? .contextWindowFallbacks : .contentPolicyFallbacks
    case 28: .contextWindowFallbackDict
    default: nil
    }
  }

  private static func ofFive(_ first: UInt8) -> InspectedKey {
    switch first {
    case UInt8(ascii: "m"): .model
    case UInt8(ascii: "r"): .route
    case UInt8(ascii: "s"): .speed
    default: .input
    }
  }

  private static func ofTwelve(_ first: UInt8) -> InspectedKey {
    switch first {
    case UInt8(ascii: "c"): .conversation
    case UInt8(ascii: "s"): .serviceTier
    default: .loraRequest
    }
  }

  private static func ofSix(_ first: UInt8) -> InspectedKey {
    switch first {
    case UInt8(ascii: "s"): .stream
    case UInt8(ascii: "m"): .models
    default: .prompt
    }
  }

  private static func ofEight(_ first: UInt8) -> InspectedKey {
    switch first {
    case UInt8(ascii: "m"): .messages
    case UInt8(ascii: "p"): .provider
    case UInt8(ascii: "a"): .apiBase
    default: .baseURL
    }
  }

  private static func ofNine(_ first: UInt8) -> InspectedKey {
    switch first {
    case UInt8(ascii: "f"): .fallbacks
    case UInt8(ascii: "l"): .loraPath
    default: .nPredict
    }
  }

  private static func ofTen(_ name: Span<UInt8>) -> InspectedKey {
    switch name[0] {
    case UInt8(ascii: "a"): .adapterID
    case UInt8(ascii: "b"): .background
    case UInt8(ascii: "e"): .extraBody
    case UInt8(ascii: "p"): .parameters
    default:
      name[1] == UInt8(ascii: "i")
        ? .minTokens : name[4] == UInt8(ascii: "l") ? .maxLength : .maxTokens
    }
  }

  private static func ofFourteen(_ name: Span<UInt8>) -> InspectedKey {
    switch name[0] {
    case UInt8(ascii: "s"): .streamOptions
    case UInt8(ascii: "b"): .bootstrapHost
    default:
      name[1] == UInt8(ascii: "i")
        ? .minNewTokens : name[4] == UInt8(ascii: "t") ? .maxToolCalls : .maxNewTokens
    }
  }
}
