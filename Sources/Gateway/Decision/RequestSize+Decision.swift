import Books
import Inference
import Policy
import Quota
import Terms

/// What the books need of a decision: whose counters, and how large the request is.
extension Caller {
  init(_ identity: Identity) {
    self.init(
      tenant: identity.tenant.name.string, keyID: identity.key?.id.string,
      subject: String(decoding: identity.subject, as: UTF8.self))
  }
}

extension RequestSize {
  /// nil on an uninspected path, where nothing is known of what it uses, and for an own answer.
  init?(_ route: ChosenRoute?, _ facts: RequestFacts?, _ endpoint: Endpoint?) {
    guard let route, let model = route.model, let facts, let endpoint else { return nil }
    let choices = max(facts.n ?? 1, facts.bestOf ?? 1, facts.choicesElsewhere)
    self.init(
      model: model.name.string, textBytes: facts.textBytes,
      arrayNumbers: facts.arrayNumbers + facts.mediaTokens,
      choices: choices * max(1, facts.prompts), statedBound: route.bound.stated,
      raisedBound: route.bound.raised, isBoundWritten: route.bound.written != nil,
      isBackground: route.isBackground, maxOutputTokens: model.maxOutputTokens,
      contextTokens: model.requests.contextTokens,
      continuedTokens: route.continuedTokens.map { Int(clamping: $0) },
      writesOutput: endpoint.writesOutput, tier: facts.tier,
      pictures: endpoint == .imageGenerations ? choices : 0, toolCalls: facts.toolCalls)
  }
}
