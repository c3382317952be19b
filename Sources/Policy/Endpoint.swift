import Terms

/// The endpoints whose requests Tollgate understands: OpenAI's, Anthropic's Messages and Cohere's rerank,
/// each with one path and one method.
package enum Endpoint: UInt8, CaseIterable, Sendable, Hashable {
  case chatCompletions, completions, embeddings, responses, messages, countTokens, rerank,
    moderations, imageGenerations, audioSpeech, audioTranscriptions, audioTranslations

  /// The API whose format error bodies and rate limit headers have.
  package enum Dialect: Sendable { case openAI, anthropic }

  private static let paths = Endpoint.allCases.map { HeaderText($0.canonicalPath) }

  /// The endpoint's own path, `/v1/…`.
  package var path: HeaderText { Self.paths[Int(rawValue)] }

  /// Whether the request's body is multipart/form-data with the model as a field; otherwise it is JSON.
  package var isMultipart: Bool {
    switch self {
    case .audioTranscriptions, .audioTranslations: true
    case .chatCompletions, .completions, .embeddings, .responses, .messages, .countTokens,
      .rerank, .moderations, .imageGenerations, .audioSpeech:
      false
    }
  }

  /// Whether responses may report usage. For the others nothing is charged by usage.
  package var isMetered: Bool {
    switch self {
    case .countTokens, .moderations: false
    case .chatCompletions, .completions, .embeddings, .responses, .messages, .rerank,
      .imageGenerations, .audioSpeech, .audioTranscriptions, .audioTranslations:
      true
    }
  }

  /// The API that the endpoint belongs to.
  package var dialect: Dialect {
    switch self {
    case .messages, .countTokens: .anthropic
    case .chatCompletions, .completions, .embeddings, .responses, .rerank, .moderations,
      .imageGenerations, .audioSpeech, .audioTranscriptions, .audioTranslations:
      .openAI
    }
  }

  /// What follows `/openai/deployments/{model}/` in Azure's path of this endpoint; nil where Azure has
  /// none.
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

  /// The endpoint that a path of a policy names: its own path, or Azure's with a literal `{model}`.
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

extension Endpoint {
  /// What it asks a model for; nil where no model answers.
  package var operation: GenAIOperation? {
    switch self {
    case .chatCompletions, .responses, .messages: .chat
    case .completions: .textCompletion
    case .embeddings: .embeddings
    case .rerank: .rerank
    case .moderations: .moderation
    case .imageGenerations: .imageGeneration
    case .audioSpeech: .speech
    case .audioTranscriptions: .transcription
    case .audioTranslations: .translation
    case .countTokens: nil
    }
  }

  /// Whether its answer is made of tokens: text, or the tokens of pictures.
  package var writesOutput: Bool {
    switch self {
    case .chatCompletions, .completions, .responses, .messages, .imageGenerations: true
    case .embeddings, .countTokens, .rerank, .moderations, .audioSpeech, .audioTranscriptions,
      .audioTranslations:
      false
    }
  }

  /// The fields in which its dialect states the bound of an answer; none where there is no bound. The
  /// first is the one that is written.
  package var boundFields: [BoundField] {
    switch self {
    case .chatCompletions: [.maxTokens, .maxCompletionTokens]
    case .completions, .messages: [.maxTokens]
    case .responses: [.maxOutputTokens]
    case .embeddings, .countTokens, .rerank, .moderations, .imageGenerations, .audioSpeech,
      .audioTranscriptions, .audioTranslations:
      []
    }
  }

  /// Whether its answer is text, in whatever form; not vectors, scores, pictures or sound.
  package var answersInText: Bool {
    switch self {
    case .chatCompletions, .completions, .responses, .messages, .audioTranscriptions,
      .audioTranslations:
      true
    case .embeddings, .countTokens, .rerank, .moderations, .imageGenerations, .audioSpeech: false
    }
  }

  /// Whether its streams have OpenAI's `stream_options.include_usage`.
  package var hasUsageChunk: Bool {
    switch self {
    case .chatCompletions, .completions: true
    case .embeddings, .responses, .messages, .countTokens, .rerank, .moderations,
      .imageGenerations, .audioSpeech, .audioTranscriptions, .audioTranslations:
      false
    }
  }
}
