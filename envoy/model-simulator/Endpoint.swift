/// The APIs that a model server has, by their path.
enum Endpoint: String {
  case chat = "/v1/chat/completions"
  case completions = "/v1/completions"
  case embeddings = "/v1/embeddings"
  case responses = "/v1/responses"
  case messages = "/v1/messages"
  case countTokens = "/v1/messages/count_tokens"
  case rerank = "/v1/rerank"
  case moderations = "/v1/moderations"
  case images = "/v1/images/generations"
  case speech = "/v1/audio/speech"
  case transcriptions = "/v1/audio/transcriptions"
  case translations = "/v1/audio/translations"

  /// The endpoint of a path. Azure's paths, `/openai/deployments/MODEL/…`, name the model too.
  static func match(_ path: String) -> (Endpoint, deployment: String?)? {
    if let endpoint = Endpoint(rawValue: path) { return (endpoint, nil) }
    let azure = "/openai/deployments/"
    guard path.hasPrefix(azure) else { return nil }
    let parts = path.dropFirst(azure.count).split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let endpoint = Endpoint(rawValue: "/v1/" + parts[1]) else {
      return nil
    }
    return (endpoint, String(parts[0]))
  }

  /// The answer in this endpoint's form. `stream` is ignored where the endpoint has no streams.
  func reply(_ answer: Answer, stream: Bool) -> Reply {
    switch self {
    case .chat: stream ? answer.chatStream() : answer.chat()
    case .completions: stream ? answer.legacyCompletionStream() : answer.legacyCompletion()
    case .responses: stream ? answer.responsesStream() : answer.responses()
    case .messages: stream ? answer.messagesStream() : answer.messages()
    case .embeddings: answer.embeddings()
    case .countTokens: answer.countTokens()
    case .rerank: answer.rerank()
    case .moderations: answer.moderations()
    case .images: answer.images()
    case .speech: answer.speech()
    case .transcriptions, .translations: answer.transcript()
    }
  }
}
