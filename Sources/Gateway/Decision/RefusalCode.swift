/// A refusal's code: `error.code` of the body that the client reads.
package enum RefusalCode: String, Sendable, CaseIterable {
  case invalidJSON = "invalid_json"
  case missingModel = "missing_model"
  case duplicateKey = "duplicate_key"
  case invalidValue = "invalid_value"
  case unsupportedParameter = "unsupported_parameter"
  /// The request continues an answer that its tenant was not given (`response_ids`).
  case previousResponseNotFound = "previous_response_not_found"
  case unsupportedUpgrade = "unsupported_upgrade"
  case invalidAPIKey = "invalid_api_key"
  case tenantMismatch = "tenant_mismatch"
  case pathNotAllowed = "path_not_allowed"
  case unknownPath = "unknown_path"
  case modelNotFound = "model_not_found"
  case methodNotAllowed = "method_not_allowed"
  case requestTooLarge = "request_too_large"
  case tooManyHeaders = "too_many_headers"
  case unsupportedEncoding = "unsupported_encoding"
  case unsupportedMediaType = "unsupported_media_type"
  case rateLimitExceeded = "rate_limit_exceeded"
  case insufficientQuota = "insufficient_quota"
  case overloaded = "overloaded"
  case ledgerUnavailable = "ledger_unavailable"
  /// The limit is shared with other replicas, and their store does not answer.
  case storeUnavailable = "store_unavailable"
  /// Envoy is set up so that the policy cannot be enforced. An operator must mend it; the client cannot.
  case gatewayMisconfigured = "gateway_misconfigured"

  /// The HTTP status it is answered with.
  package var status: Int {
    switch self {
    case .invalidJSON, .missingModel, .duplicateKey, .invalidValue, .unsupportedParameter,
      .previousResponseNotFound:
      400
    case .invalidAPIKey: 401
    case .tenantMismatch, .pathNotAllowed: 403
    case .unknownPath, .modelNotFound: 404
    case .methodNotAllowed: 405
    case .requestTooLarge: 413
    case .unsupportedEncoding, .unsupportedMediaType: 415
    case .unsupportedUpgrade: 426
    case .tooManyHeaders: 431
    case .rateLimitExceeded, .insufficientQuota: 429
    case .gatewayMisconfigured: 500
    case .overloaded, .ledgerUnavailable, .storeUnavailable: 503
    }
  }

  /// OpenAI's `error.type`.
  var openAIType: String {
    switch status {
    case 401: "authentication_error"
    case 403: "permission_error"
    case 429: self == .insufficientQuota ? rawValue : "rate_limit_error"
    case 500...: "server_error"
    default: "invalid_request_error"
    }
  }

  /// Anthropic's `error.type`.
  var anthropicType: String {
    switch status {
    case 401: "authentication_error"
    case 403: "permission_error"
    case 404: "not_found_error"
    case 413: "request_too_large"
    case 429: "rate_limit_error"
    case 503: "overloaded_error"
    case 500...: "api_error"
    default: "invalid_request_error"
    }
  }

  /// The gRPC status for a gRPC client (grpc's mapping of HTTP statuses, refined).
  package var grpcStatus: UInt64 {
    switch status {
    case 401: 16
    case 403: 7
    case 404: 5
    case 405: 12
    case 413: 8
    case 429, 431: 8
    case 500: 13
    case 503: 14
    default: 3
    }
  }
}
