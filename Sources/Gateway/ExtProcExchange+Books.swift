import EnvoyAPI
import Inference
import Ledger
import Metrics
import Policy
import Quota
import Transport

/// An exchange's dealings with the books: reserved before its verdict, settled at its end, once.
extension ExtProcExchange {
  /// Reserves and records what an admission may use. Afterwards `account` has it, and `held` is there
  /// where the verdict must wait for the record.
  func reserve(_ admission: Admission, _ facts: RequestFacts?) throws(Refusal) {
    guard let books = loop.books, let limits = policy.limits, let identity = decision.identity
    else { return }
    decision.admission = admission
    let set = limits.set(identity, model: admission.model)
    let caller = Self.caller(identity)
    let reckoning = Self.reckoning(admission, facts, inspection?.endpoint)
    let record = decision.admission(traits, policy: policy.snapshot)
    switch books.admit(set, caller, reckoning, record: record) {
    case .refused(let refusal):
      decision.withdraw()
      throw books.refusal(refusal, set, caller, anthropic: isAnthropic)
    case .unavailable:
      decision.withdraw()
      throw .ledgerUnavailable
    case .admitted(let open, let waits):
      loop.metrics?.began()
      account = Account(
        open: open, set: set, caller: caller, reckoning: reckoning, model: admission.model,
        isMetered: inspection?.endpoint.isMetered ?? false,
        removesUsageChunk: asksForUsage(admission, facts) && facts?.includeUsage != true)
      if waits {
        held = HeldReplies()
        loop.wait(for: open, self)
      } else {
        account?.wasReleased = true
      }
    }
  }

  static func caller(_ identity: Identity) -> Caller {
    Caller(
      tenant: identity.tenant.name.string, keyID: identity.key?.id.string,
      subject: String(decoding: identity.subject, as: UTF8.self))
  }

  /// nil on an uninspected path: nothing is known of what it uses.
  static func reckoning(
    _ admission: Admission, _ facts: RequestFacts?, _ endpoint: Endpoint?
  ) -> Books.Reckoning? {
    guard let model = admission.model, let facts, let endpoint else { return nil }
    let prices = model.prices
    return Books.Reckoning(
      model: model.name.string, textBytes: facts.textBytes, arrayNumbers: facts.arrayNumbers,
      choices: max(facts.n ?? 1, facts.bestOf ?? 1), statedBound: facts.outputBound,
      maxOutputTokens: model.maxOutputTokens, writesOutput: endpoint.writesOutput,
      price: Price(
        promptNanos: prices?.promptNanos ?? 0, completionNanos: prices?.completionNanos ?? 0,
        perRequestNanos: prices?.perRequestNanos ?? 0))
  }

  /// Whether the backend is asked for a usage chunk (`stream_usage`).
  func asksForUsage(_ admission: Admission, _ facts: RequestFacts?) -> Bool {
    guard let model = admission.model, facts?.stream == true, loop.books != nil,
      let endpoint = inspection?.endpoint, endpoint.hasUsageChunk
    else { return false }
    return model.streamUsage != .asAsked
  }

  // MARK: The record

  /// The admission is on disk: the verdict goes out.
  func recorded() {
    guard let held, let call = waitingCall else { return }
    self.held = nil
    waitingCall = nil
    guard !hasEnded else { return }
    let stream = ExchangeStream(call)
    stream.release(bytes: heldAccounted)
    heldAccounted = 0
    account?.wasReleased = true
    verdict = stream.release(held)
    if isHalfClosed { halfClosed(on: call) }
  }

  /// The admission will never be on disk, and its reservation was undone: 503.
  func recordFailed() {
    guard held != nil, let call = waitingCall else { return }
    held = nil
    waitingCall = nil
    // Envoy's own answer may have come and been settled while this one waited: it has ended then.
    if account != nil { loop.metrics?.withdrawn() }
    account = nil
    guard !hasEnded else { return }
    let stream = ExchangeStream(call)
    stream.release(bytes: heldAccounted)
    heldAccounted = 0
    machine.refused()
    decision.withdraw()
    refuse(.ledgerUnavailable, stream)
    if isHalfClosed { halfClosed(on: call) }
  }

  /// Held replies count like a kept body.
  func accountHeld(_ stream: ExchangeStream) {
    guard let held, held.byteCount > heldAccounted else { return }
    guard stream.retain(bytes: held.byteCount - heldAccounted) else { return buffersFull(stream) }
    heldAccounted = held.byteCount
  }

  // MARK: The end

  /// Settles, once: at the response's end, or at the stream's, whichever comes first.
  func settle() {
    guard let account, let books = loop.books else { return }
    self.account = nil
    settled = books.settle(account.open, account.ending(decision.completion(traits)))
    loop.ended(settled)
  }

  /// Records a refusal.
  func recordRefusal(_ refusal: Refusal) {
    guard let books = loop.books else { return }
    var record = decision.admission(traits, policy: policy.snapshot)
    record.limit = refusal.limit
    books.deny(record)
    loop.denied(record)
  }
}

extension Endpoint {
  /// Whether its answer is written token by token, and bounded by the request.
  var writesOutput: Bool {
    switch self {
    case .chatCompletions, .completions, .responses, .messages: true
    case .embeddings, .countTokens, .rerank, .moderations, .imageGenerations, .audioSpeech,
      .audioTranscriptions, .audioTranslations:
      false
    }
  }

  /// Whether its streams have OpenAI's `stream_options.include_usage`.
  var hasUsageChunk: Bool {
    switch self {
    case .chatCompletions, .completions: true
    case .embeddings, .responses, .messages, .countTokens, .rerank, .moderations,
      .imageGenerations, .audioSpeech, .audioTranscriptions, .audioTranslations:
      false
    }
  }
}
