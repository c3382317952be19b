import Books
import Bytes
import Inference
import Ledger
import Metrics
import Policy
import Quota
import Terms

/// What the ext_proc exchange and the Check have to do with the books.
extension GatewayLoop {
  /// Reserves and records what a request may use on its route; nil where nothing is counted. Without
  /// a route it is an answer of Tollgate's own, which reaches no backend, but counts as a request and
  /// is on record like any other. `decision` has the route afterwards, unless it is refused.
  func reserve(
    _ route: ChosenRoute?, _ facts: RequestFacts?, at endpoint: Endpoint?,
    _ decision: Decision, under policy: CompiledPolicy
  ) throws(Refusal) -> Reserved? {
    decision.route = route
    guard let books, let limits = policy.limits, let identity = decision.identity else {
      return nil
    }
    let request = AdmissionRequest(
      limits: route.map {
        limits.set(tenant: identity.tenant, keyIndex: identity.keyIndex, model: $0.model)
      } ?? limits.ownAnswerSet(tenant: identity.tenant, keyIndex: identity.keyIndex),
      caller: Caller(identity), size: RequestSize(route, facts, endpoint),
      prices: route?.model?.prices, isMetered: endpoint?.isMetered ?? false,
      record: decision.record(policy: policy.snapshot))
    return try reserved(books.admit(request), request, decision)
  }

  /// The same again, for what waited for the store. It does not wait for it once more.
  func reserve(
    again ticket: StoreTicket, _ decision: Decision
  ) throws(Refusal) -> (open: OpenAdmission, waits: Bool) {
    guard let books else { throw .ledgerUnavailable }
    switch try reserved(books.admit(again: ticket), ticket.request, decision) {
    case .admitted(let open, let waits): return (open, waits)
    case .asks(let another):
      books.withdraw(another)
      decision.withdraw()
      throw .storeUnavailable
    }
  }

  private func reserved(
    _ answer: Books.Answer, _ request: AdmissionRequest, _ decision: Decision
  ) throws(Refusal) -> Reserved {
    guard let books else { throw .ledgerUnavailable }
    switch answer {
    case .refused(let refusal):
      decision.withdraw()
      throw Self.refusal(refusal, request, by: books, anthropic: decision.isAnthropic)
    case .unavailable:
      decision.withdraw()
      throw .ledgerUnavailable
    case .admitted(let open, let waits):
      metrics?.began()
      return .admitted(open, waits: waits)
    case .asks(let ticket): return .asks(ticket)
    case .overloaded:
      decision.withdraw()
      throw .storeOverloaded
    }
  }

  /// What came of reserving.
  enum Reserved {
    /// `waits`: nothing may be sent before the record is on disk.
    case admitted(OpenAdmission, waits: Bool)
    /// Nothing may be sent, and nothing is reserved, before the store has answered.
    case asks(StoreTicket)

    /// What was asked.
    var request: AdmissionRequest {
      switch self {
      case .admitted(let open, _): open.request
      case .asks(let ticket): ticket.request
      }
    }
  }

  /// What the client is told of a refusal by limits: 429, which limit, and the caller's headers.
  private static func refusal(
    _ refusal: QuotaRefusal, _ request: AdmissionRequest, by books: Books, anthropic: Bool
  ) -> Refusal {
    let headers = rateLimits(request, by: books, anthropic: anthropic)
    var refused = Refusal(refusal, nowMs: headers.nowMs)
    refused.rateLimits = headers.list.map { .init(name: $0.name, value: $0.value) }
    return refused
  }

  /// The rate-limit headers of a caller, as its limits stand now.
  static func rateLimits(
    _ request: AdmissionRequest, by books: Books, anthropic: Bool
  ) -> RateLimitHeaders {
    let (shares, nowMs) = books.shares(request.limits, request.caller)
    return RateLimitHeaders(shares: shares, nowMs: nowMs, anthropic: anthropic)
  }

  /// Records and counts a refusal. `wasSettled`: of an exchange that another filter had let through
  /// and settled.
  func deny(
    _ refusal: Refusal, _ decision: Decision, under policy: CompiledPolicy,
    wasSettled: Bool = false
  ) {
    guard let books else { return }
    let record = decision.record(policy: policy.snapshot, limit: refusal.limit)
    books.deny(record)
    denied(record, wasSettled: wasSettled)
  }

  /// Remembers the ids of an answer for its tenant, with the tokens of the exchange where they are known.
  func remember(_ ids: some Sequence<ResponseID>, _ decision: Decision, tokens: Int64) {
    guard let responseIDs, let identity = decision.identity, let route = decision.route else {
      return
    }
    responseIDs.remember(
      ids, tenant: identity.tenant.name.string, route: route.name.string, tokens: max(0, tokens))
  }

  /// Settles what a life says is to be settled, and counts it when it is on record. Returned: its
  /// completion.
  func settle(
    _ settle: ExchangeLife.Settle?, of life: inout ExchangeLife,
    metered: MeteredUsage = MeteredUsage(), backend: String? = nil,
    droppedReason: DroppedReason? = nil
  ) -> Reference<Completion>? {
    guard let settle, let books else { return nil }
    let completion = books.settle(
      settle.open, as: settle.ending, metered: metered, backend: backend,
      droppedReason: droppedReason)
    switch life.settled(completion) {
    case .count(let completion): ended(completion)
    case .later: break
    }
    return completion
  }
}
