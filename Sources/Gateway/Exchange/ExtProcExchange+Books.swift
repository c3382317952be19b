import Books
import EnvoyAPI
import Inference
import Ledger
import Metrics
import Policy
import Quota
import Transport

/// An exchange's dealings with the books: reserved before its verdict, settled at its end, once.
extension ExtProcExchange {
  /// Reserves and records what an admission may use; of an answer of our own (nil), that there is
  /// one. Afterwards `account` has it, and `held` is there where the verdict must wait for the record.
  func reserve(_ admission: Admission?, _ facts: RequestFacts?) throws(Refusal) {
    guard
      let reserved = try loop.reserve(
        admission, facts, for: decision.identity, at: inspection?.endpoint, &decision, traits,
        under: policy, anthropic: isAnthropic)
    else { return }
    account = Account(
      open: reserved.open, set: reserved.set, caller: reserved.caller,
      reckoning: reserved.reckoning, model: admission?.model, isOwnAnswer: admission == nil,
      isMetered: inspection?.endpoint.isMetered ?? false,
      removesUsageChunk: asksForUsage(admission, facts) && facts?.includeUsage != true)
    if reserved.waits {
      held = HeldReplies()
      awaitsRecord = true
      loop.wait(for: reserved.open, self)
    } else {
      account?.wasReleased = true
    }
  }

  /// Whether the backend is asked for a usage chunk (`stream_usage`).
  func asksForUsage(_ admission: Admission?, _ facts: RequestFacts?) -> Bool {
    guard let model = admission?.model, facts?.stream == true, loop.books != nil,
      let endpoint = inspection?.endpoint, endpoint.hasUsageChunk
    else { return false }
    return model.streamUsage != .asAsked
  }

  // MARK: The record

  /// The admission is on disk: the verdict goes out.
  func recorded() {
    awaitsRecord = false
    if let settledUnrecorded {
      self.settledUnrecorded = nil
      loop.ended(settledUnrecorded)
    }
    guard let held, let call = waitingCall else { return }
    self.held = nil
    waitingCall = nil
    guard !hasEnded else { return }
    let stream = ExchangeStream(call)
    stream.release(bytes: heldAccounted)
    heldAccounted = 0
    account?.wasReleased = true
    verdict = stream.release(held)
    if account?.isOwnAnswer == true { settle() }
    if isHalfClosed { halfClosed(on: call) }
  }

  /// The admission will never be on disk, and its reservation was undone: 503.
  func recordFailed() {
    awaitsRecord = false
    // Envoy's own answer may have come and been settled while this one waited: with its admission
    // that went unrecorded too, and what is on record is the refusal.
    settledUnrecorded = nil
    account = nil
    loop.metrics?.withdrawn()
    guard held != nil, let call = waitingCall else { return }
    held = nil
    waitingCall = nil
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
    if awaitsRecord {
      settledUnrecorded = settled
    } else {
      loop.ended(settled)
    }
  }

  /// Records a refusal.
  func recordRefusal(_ refusal: Refusal) {
    guard let books = loop.books else { return }
    var record = decision.admission(traits, policy: policy.snapshot)
    record.limit = refusal.limit
    books.deny(record)
    loop.denied(record, wasSettled: wasSettledBefore)
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
