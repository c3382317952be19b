/// What a request asks a model for, as OpenTelemetry's conventions for generative AI name it
/// (`gen_ai.operation.name`). The raw value stands in records and metrics.
package enum GenAIOperation: String, Sendable, CaseIterable {
  case chat
  case textCompletion = "text_completion"
  case embeddings
  // The conventions have no names for these, and let others be used.
  case rerank
  case moderation
  case imageGeneration = "image_generation"
  case speech
  case transcription
  case translation

  /// Hashes a number: the default for a raw value of type `String` would hash the text, once for each
  /// exchange.
  package func hash(into hasher: inout Hasher) { hasher.combine(number) }

  private var number: UInt8 {
    switch self {
    case .chat: 0
    case .textCompletion: 1
    case .embeddings: 2
    case .rerank: 3
    case .moderation: 4
    case .imageGeneration: 5
    case .speech: 6
    case .transcription: 7
    case .translation: 8
    }
  }
}
