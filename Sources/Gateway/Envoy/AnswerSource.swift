/// Who gave an answer, as far as Envoy's attributes tell.
enum AnswerSource: Equatable {
  /// Envoy does not say.
  case unknown
  /// A model server.
  case backend
  /// Envoy or another of its filters. `wasReached`: a model server may have worked on the request.
  case envoy(wasReached: Bool)
}
