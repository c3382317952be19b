import Terms

/// The endpoints whose requests Tollgate understands (design, section 3).
package enum Endpoint: UInt8, CaseIterable, Sendable, Hashable {
  case chatCompletions, completions, embeddings, responses, messages, countTokens, rerank,
    moderations, imageGenerations, audioSpeech, audioTranscriptions, audioTranslations

  /// Whose shape refusals and rate limit headers take.
  package enum Dialect: Sendable { case openAI, anthropic }

  private static let paths = Endpoint.allCases.map { HeaderText($0.canonicalPath) }

  /// The endpoint's own path.
  package var path: HeaderText { Self.paths[Int(rawValue)] }

  /// The endpoint's one method.
  package var method: StaticString { "POST" }

  /// Whether the body is multipart/form-data, with the model as a field; else it is JSON.
  package var isMultipart: Bool {
    switch self {
    case .audioTranscriptions, .audioTranslations: true
    case .chatCompletions, .completions, .embeddings, .responses, .messages, .countTokens,
      .rerank, .moderations, .imageGenerations, .audioSpeech:
      false
    }
  }

  /// Whether answers may report usage; the others' usage source is `none`.
  package var isMetered: Bool {
    switch self {
    case .countTokens, .moderations: false
    case .chatCompletions, .completions, .embeddings, .responses, .messages, .rerank,
      .imageGenerations, .audioSpeech, .audioTranscriptions, .audioTranslations:
      true
    }
  }

  package var dialect: Dialect {
    switch self {
    case .messages, .countTokens: .anthropic
    case .chatCompletions, .completions, .embeddings, .responses, .rerank, .moderations,
      .imageGenerations, .audioSpeech, .audioTranscriptions, .audioTranslations:
      .openAI
    }
  }

  /// The part behind `/openai/deployments/{model}/` where Azure has this endpoint; else nil.
  var azureSuffix: String? {
    switch self {
    case .chatCompletions: "chat/completions"
    case .completions: "completions"
    case .embeddings: "embeddings"
    case .responses: "responses"
    case .imageGenerations: "images/generations"
    case .audioSpeech: "audio/speech"
    case .audioTranscriptions: "audio/transcriptions"
    case .audioTranslations: "audio/translations"
    case .messages, .countTokens, .rerank, .moderations: nil
    }
  }

  var canonicalPath: String {
    switch self {
    case .chatCompletions: "/v1/chat/completions"
    case .completions: "/v1/completions"
    case .embeddings: "/v1/embeddings"
    case .responses: "/v1/responses"
    case .messages: "/v1/messages"
    case .countTokens: "/v1/messages/count_tokens"
    case .rerank: "/v1/rerank"
    case .moderations: "/v1/moderations"
    case .imageGenerations: "/v1/images/generations"
    case .audioSpeech: "/v1/audio/speech"
    case .audioTranscriptions: "/v1/audio/transcriptions"
    case .audioTranslations: "/v1/audio/translations"
    }
  }

  /// The endpoint a policy names by its own path or by Azure's, with `{model}` spelled out.
  init?(policyPath path: String) {
    for endpoint in Endpoint.allCases {
      if endpoint.canonicalPath == path {
        self = endpoint
        return
      }
      if let suffix = endpoint.azureSuffix, path == AzurePath.prefix + "{model}/" + suffix {
        self = endpoint
        return
      }
    }
    return nil
  }
}
