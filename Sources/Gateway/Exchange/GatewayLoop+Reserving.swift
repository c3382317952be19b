import Books
import Inference
import Ledger
import Metrics
import Policy
import Quota
import Terms

/// What an admission has reserved, and whether its verdict waits for its record.
struct Reserved {
  let open: OpenAdmission
  let set: LimitSet
  let caller: Caller
  let reckoning: Books.Reckoning?
  let waits: Bool
}

/// Reserving is the same for whichever filter decides.
extension GatewayLoop {
  /// Reserves and records what an admission may use; nil where nothing is counted. `decision` has the
  /// admission afterwards, unless it is refused. Without an admission it is an answer of our own,
  /// which reaches no backend and passes no limit, and is on record all the same.
  func reserve(
    _ admission: Admission?, _ facts: RequestFacts?, for identity: Identity?,
    at endpoint: Endpoint?, _ decision: inout DecisionRecord, _ traits: RequestTraits?,
    under policy: CompiledPolicy, anthropic: Bool
  ) throws(Refusal) -> Reserved? {
    decision.admission = admission
    guard let books, let limits = policy.limits, let identity else { return nil }
    let set =
      admission.map {
        limits.set(tenant: identity.tenant, keyIndex: identity.keyIndex, model: $0.model)
      } ?? limits.noLimits
    let caller = Self.caller(identity)
    let reckoning = Self.reckoning(admission, facts, endpoint)
    let record = decision.admission(traits, policy: policy.snapshot)
    switch books.admit(set, caller, reckoning, record: record) {
    case .refused(let refusal):
      decision.withdraw()
      throw Self.refusal(refusal, set, caller, by: books, anthropic: anthropic)
    case .unavailable:
      decision.withdraw()
      throw .ledgerUnavailable
    case .admitted(let open, let waits):
      metrics?.began()
      return Reserved(open: open, set: set, caller: caller, reckoning: reckoning, waits: waits)
    }
  }

  /// What the client is told of a refusal by limits: 429, which limit, and the caller's headers.
  static func refusal(
    _ refusal: QuotaRefusal, _ set: LimitSet, _ caller: Caller, by books: Books, anthropic: Bool
  ) -> Refusal {
    var refused = Refusal(refusal)
    let (shares, nowMs) = books.shares(set, caller)
    refused.rateLimits = RateLimitHeaders.of(shares, nowMs: nowMs, anthropic: anthropic)
      .map { .init(name: $0.name, value: $0.value) }
    return refused
  }

  static func caller(_ identity: Identity) -> Caller {
    Caller(
      tenant: identity.tenant.name.string, keyID: identity.key?.id.string,
      subject: String(decoding: identity.subject, as: UTF8.self))
  }

  /// nil on an uninspected path, where nothing is known of what it uses, and for an answer of our own.
  static func reckoning(
    _ admission: Admission?, _ facts: RequestFacts?, _ endpoint: Endpoint?
  ) -> Books.Reckoning? {
    guard let model = admission?.model, let facts, let endpoint else { return nil }
    let prices = model.prices
    return Books.Reckoning(
      model: model.name.string, textBytes: facts.textBytes, arrayNumbers: facts.arrayNumbers,
      choices: max(facts.n ?? 1, facts.bestOf ?? 1), statedBound: facts.outputBound,
      maxOutputTokens: model.maxOutputTokens, writesOutput: endpoint.writesOutput,
      price: Price(
        promptNanos: prices?.promptNanos ?? 0, completionNanos: prices?.completionNanos ?? 0,
        perRequestNanos: prices?.perRequestNanos ?? 0))
  }
}
