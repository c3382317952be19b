import Inference
import Policy

/// What a request on `/v1/responses` continues: answers that a backend keeps, and to which the request
/// only says an id. Whoever says an id reads what is behind it, so the ids of one tenant are not for
/// another (`response_ids`).
struct Continuation {
  /// The tokens that the backend adds to the prompt, as far as they are known.
  private(set) var tokens: Int64 = 0
  /// The model route that gave the answer: the backend that keeps it.
  private(set) var route: String?

  /// Nil where the request continues nothing. Without `ids` nothing is known and nothing is refused.
  init?(
    _ facts: RequestFacts, tenant: String, rule: ResponseIDRule, among ids: ResponseIDs?
  ) throws(Refusal) {
    guard facts.continuesAnything else { return nil }
    guard let ids else { return }
    if let id = facts.previousResponseID {
      try take(id, "previous_response_id", tenant, rule, ids)
    }
    if let id = facts.conversation { try take(id, "conversation", tenant, rule, ids) }
    for id in facts.itemReferences { try take(id, "input", tenant, rule, ids) }
  }

  private mutating func take(
    _ id: [UInt8], _ parameter: String, _ tenant: String, _ rule: ResponseIDRule,
    _ ids: ResponseIDs
  ) throws(Refusal) {
    switch (ids.owner(of: ResponseID(id.span), for: tenant), rule) {
    case (.own(let known), _):
      // What was continued holds what it continued itself: the largest is the whole.
      tokens = max(tokens, known.tokens)
      route = route ?? known.route
    case (.others, .strict), (.others, .known), (.nobody, .strict):
      throw .previousResponseNotFound(parameter)
    case (.others, .any), (.nobody, .known), (.nobody, .any): break
    }
  }
}

extension RequestFacts {
  /// Whether the backend is to add to the prompt what it keeps.
  fileprivate var continuesAnything: Bool {
    previousResponseID != nil || conversation != nil || !itemReferences.isEmpty
  }
}

extension Refusal {
  /// The same words for an id that is unknown and for one that is another tenant's; never the id.
  static func previousResponseNotFound(_ parameter: String) -> Refusal {
    Refusal(
      .previousResponseNotFound, "Previous response not found: you were not given this id here.",
      parameter: parameter)
  }
}
