/// The fields of a request body that choose a model, an adapter or a way out beside `model`, or take the
/// answer out of the exchange (`background`). They are refused unless a model's `allow_fields` lists them.
package enum GuardedField: String, Sendable, CaseIterable {
  case models, fallbacks
  case fallbackModels = "fallback_models"
  case modelFallbacks = "model_fallbacks"
  case contextWindowFallbacks = "context_window_fallbacks"
  case contentPolicyFallbacks = "content_policy_fallbacks"
  case contextWindowFallbackDict = "context_window_fallback_dict"
  case route, provider
  case customProvider = "custom_llm_provider"
  case loraPath = "lora_path"
  case loraRequest = "lora_request"
  case lora
  case adapterID = "adapter_id"
  case kvTransferParams = "kv_transfer_params"
  case ecTransferParams = "ec_transfer_params"
  case bootstrapHost = "bootstrap_host"
  case apiBase = "api_base"
  case baseURL = "base_url"
  case apiKey = "api_key"
  case background

  /// Whether its value is the name of a model, or a list of them.
  package var namesModels: Bool {
    switch self {
    case .models, .fallbacks, .fallbackModels, .modelFallbacks, .contextWindowFallbacks,
      .contentPolicyFallbacks, .contextWindowFallbackDict:
      true
    case .route, .provider, .customProvider, .loraPath, .loraRequest, .lora, .adapterID,
      .kvTransferParams, .ecTransferParams, .bootstrapHost, .apiBase, .baseURL, .apiKey,
      .background:
      false
    }
  }
}
