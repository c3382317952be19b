import Books
import Inference
import Ledger
import Metrics
import Policy

/// An ext_proc exchange's dealings with the books: reserved before its verdict, settled at its end,
/// once. `ExchangeLife` says what is done; this does it.
extension ExtProcExchange {
  /// Reserves and records what a request may use on its route; without a route, that there is an
  /// answer of our own. Returned: the stream for the verdict, which holds replies back where they
  /// must wait for the record.
  func reserve(
    _ route: ChosenRoute?, _ facts: RequestFacts?, _ stream: ExchangeStream
  ) throws(Refusal) -> ExchangeStream {
    guard
      let reserved = try loop.reserve(
        route, facts, at: request.inspection?.endpoint, decision, under: policy)
    else { return stream }
    response.removesUsageChunk = asksForUsage(route, facts) && facts?.includeUsage != true
    guard take(reserved, answer: route == nil ? .own : .none) else { return stream }
    let replies = stream.hold()
    self.replies = replies
    return stream.holding(replies)
  }

  /// Whether the backend is asked for a usage chunk (`stream_usage`).
  func asksForUsage(_ route: ChosenRoute?, _ facts: RequestFacts?) -> Bool {
    guard let model = route?.model, facts?.stream == true, loop.books != nil,
      let endpoint = request.inspection?.endpoint, endpoint.hasUsageChunk
    else { return false }
    return model.streamUsage != .asAsked
  }

  // MARK: What was held

  /// Sends what was held.
  func release(_ next: ExchangeLife.Recorded) {
    if let completion = next.completion { loop.ended(completion) }
    guard next.sendsReplies, let replies = takeReplies() else { return }
    let stream = ExchangeStream(replies.call)
    verdict = stream.release(replies)
    settle(life.verdictSent())
    if next.endsStream { endStream(stream) }
  }

  /// Refuses the request in place of what was held.
  func refuse(_ next: ExchangeLife.RecordFailed, as refusal: Refusal) {
    guard next.refuses, let replies = takeReplies() else { return }
    let stream = ExchangeStream(replies.call)
    machine.refused()
    refuse(refusal, stream)
    if next.endsStream { endStream(stream) }
  }

  /// The replies, which are held no longer.
  private func takeReplies() -> HeldReplies? {
    let taken = replies
    taken?.uncount()
    replies = nil
    return taken
  }

  /// Held replies count like a kept body.
  func countReplies(_ stream: ExchangeStream) {
    guard let replies, !hasEnded, !replies.count() else { return }
    buffersFull(stream)
  }

  // MARK: The end

  /// Settles, once: at the response's end, or at the stream's, whichever comes first.
  func settle(_ settle: ExchangeLife.Settle?) {
    guard let settle else { return }
    var metered = MeteredUsage()
    if let meter = response.meter {
      metered = meter.value!.finish(endedCleanly: response.isWhole)
      response.meter = nil
      loop.meters.giveBack(meter)
    }
    response.unsaid = loop.settle(
      settle, of: &life, metered: metered, backend: response.backend,
      droppedReason: response.droppedReason)
    if !response.ids.isEmpty, let tokens = response.unsaid?.value.totalTokens {
      loop.remember(response.ids, decision, tokens: tokens)
    }
    if let reason = metered.unread, let settled = response.unsaid {
      loop.unread(reason, settled.value)
    }
  }

  /// What was settled, for the next reply's metadata: once.
  func takeUsage() -> UsageMetadata? {
    guard let unsaid = response.unsaid else { return nil }
    response.unsaid = nil
    return UsageMetadata(unsaid)
  }
}
