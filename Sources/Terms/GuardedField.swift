/// The fields of a request body that choose a model, an adapter or a way out beside `model`, or take the
/// answer out of the exchange (`background`). They are refused unless a model's `allow_fields` lists them.
package enum GuardedField: String, Sendable, CaseIterable {
  case models, fallbacks
  case fallbackModels = "fallback_models"
  case modelFallbacks = "model_fallbacks"
  case route, provider
  case loraPath = "lora_path"
  case loraRequest = "lora_request"
  case lora
  case adapterID = "adapter_id"
  case kvTransferParams = "kv_transfer_params"
  case bootstrapHost = "bootstrap_host"
  case apiBase = "api_base"
  case baseURL = "base_url"
  case apiKey = "api_key"
  case background

  /// Whether its value is the name of a model, or a list of them.
  package var namesModels: Bool {
    switch self {
    case .models, .fallbacks, .fallbackModels, .modelFallbacks: true
    case .route, .provider, .loraPath, .loraRequest, .lora, .adapterID, .kvTransferParams,
      .bootstrapHost, .apiBase, .baseURL, .apiKey, .background:
      false
    }
  }
}
