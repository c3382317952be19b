import Books
import Bytes
import EnvoyAPI
import Inference
import Metrics
import Policy
import Transport

/// One ext_authz `Check`: identify, authorize the path, clean the headers; with
/// `enforce_at: "ext_authz"` also inspect the body and choose the route.
final class CheckExchange: CallHandler, WaitsForBooks {
  let loop: GatewayLoop
  private let policy: CompiledPolicy
  private var gathered: [UInt8] = []
  private var isAnswered = false
  /// Reserved, recorded, released, settled.
  var life = ExchangeLife()
  var decision = Decision()
  /// The answer, and the call that it waits to be sent on.
  private var waiting: (call: Call, answer: [UInt8])?
  /// For the response, as they were when the reservation was made.
  private var rateLimits: RateLimitHeaders?

  init(_ loop: GatewayLoop) {
    self.loop = loop
    policy = loop.policy
  }

  func message(_ bytes: Span<UInt8>, on call: Call) {
    guard !isAnswered else { return }
    isAnswered = true
    let began = loop.metrics == nil ? 0 : SystemClock.monotonicNanoseconds()
    defer { loop.metrics?.worked(SystemClock.monotonicNanoseconds() - began, .check) }
    do throws(WireError) {
      try check(try CheckRequest(bytes), in: bytes)
      answer(call)
    } catch {
      call.finish(.failed(GRPCFailure(.invalidArgument, "malformed CheckRequest")))
    }
  }

  func messageStarted(size: Int, on call: Call) {
    guard call.retain(bytes: size) else {
      isAnswered = true
      return call.finish(
        .failed(GRPCFailure(.resourceExhausted, "the gateway's body buffers are full")))
    }
    gathered.reserveCapacity(size)
  }

  func messageBytes(_ bytes: Span<UInt8>, on call: Call) {
    guard !isAnswered else { return }
    gathered.append(bytes)
  }

  func messageEnded(on call: Call) {
    let whole = gathered
    gathered = []
    message(whole.span, on: call)
  }

  func halfClosed(on call: Call) {
    guard !isAnswered else { return }
    isAnswered = true
    call.finish(.failed(GRPCFailure(.internal, "no CheckRequest before the end of the stream")))
  }

  func ended(_ how: CallTermination, on call: Call) {
    loop.metrics?.called(.check, CallStatus(how, call.end, isServed: false))
    waiting = nil
    loop.withdraw(life.takeTicket())
    settle(life.streamEnded())
  }

  // MARK: The books

  /// Sends what is in the writer: at once, or when the admission behind it is on disk.
  private func answer(_ call: Call) {
    if life.holdsReplies {
      waiting = (call, loop.writer.bytes)
      return
    }
    // Settled before the answer is sent, which may end the call.
    settle(life.verdictSent())
    loop.writer.withBytes { call.send($0) }
    call.finish(.ok)
  }

  /// Sends the answer that waited.
  func release(_ next: ExchangeLife.Recorded) {
    if let completion = next.completion { loop.ended(completion) }
    guard next.sendsReplies, let waiting else { return }
    self.waiting = nil
    settle(life.verdictSent())
    waiting.call.send(waiting.answer.span)
    waiting.call.finish(.ok)
  }

  /// Refuses in place of the answer that waited.
  func refuse(_ next: ExchangeLife.RecordFailed, as refusal: Refusal) {
    guard next.refuses, let waiting else { return }
    self.waiting = nil
    deny(refusal)
    loop.writer.withBytes { waiting.call.send($0) }
    waiting.call.finish(.ok)
  }

  /// Nothing of the response is ever seen: what was reserved is what is charged.
  func settle(_ settle: ExchangeLife.Settle?) {
    _ = loop.settle(settle, of: &life)
  }

  /// Reserves and records, where something is counted; without a route, that there is an answer of
  /// our own.
  private func reserve(
    _ route: ChosenRoute?, _ facts: RequestFacts?, _ decided: HeadDecision
  ) throws(Refusal) {
    guard
      let reserved = try loop.reserve(
        route, facts, at: decided.endpoint, decision, under: policy)
    else { return }
    _ = take(reserved, answer: route == nil ? .own : .unobserved)
    if let books = loop.books, route != nil {
      rateLimits = GatewayLoop.rateLimits(
        reserved.request, by: books, anthropic: decision.isAnthropic)
    }
  }

  // MARK: The decision

  /// Leaves the answer in the loop's writer.
  private func check(_ request: CheckRequest, in bytes: Span<UInt8>) throws(WireError) {
    var head = RequestHead()
    if let headers = request.headerMap {
      try HeaderMap.forEach(in: bytes, headers) { name, value in
        head.add(name: name, value: value, in: bytes, names: policy.names)
      }
    } else {
      try request.forEachHeader(in: bytes) { name, value in
        head.add(name: name, value: value, in: bytes, names: policy.names)
      }
    }
    head.method = request.method
    head.path = request.path
    head.authority = request.host
    var context = EnvoyContext()
    context.setPrincipal(policy.readsCertificates ? request.principal : 0..<0)
    context.setEnvoyRequestID(request.id)
    if let metadata = request.metadata {
      try context.readMetadata(in: bytes, metadata, policy)
    }
    let enforces = policy.snapshot.enforceAt == .extAuthz
    // Identity handed over is what this very filter writes: at a Check there is none yet.
    context.handedOver = nil
    let decided = HeadDecision(
      head, context, in: bytes, policy: policy, nowSeconds: loop.now().seconds,
      at: .extAuthz(enforces: enforces), endOfStream: false)
    loop.report(context.claims, under: policy)
    decision = Decision(requestID: loop.nextRequestID(), identity: decided.identity)
    decision.isInspected = decided.endpoint != nil
    decision.isAnthropic = decided.isAnthropic
    if let conflict = decided.conflict { loop.report(conflict) }
    if loop.books != nil {
      let source = SourceAddress(
        address: bytes.extracting(request.sourceAddress), port: request.sourcePort)
      decision.traits = RequestTraits(
        head, context, in: bytes, decided.place, source: source, policy.snapshot)
    }
    switch decided.outcome {
    case .refuse(let refusal):
      deny(refusal)
    case .deferred:
      CheckReplies.defer(head, in: bytes, &loop.writer)
    case .answer(let answer) where enforces:
      guard let identity = decided.identity else { return deny(.credential) }
      do throws(Refusal) {
        try reserve(nil, nil, decided)
      } catch {
        return deny(error)
      }
      CheckReplies.answer(
        Self.body(of: answer, policy, identity), decision, policy.prepared, &loop.writer)
    case .pass(let name) where enforces:
      do throws(Refusal) {
        try reserve(ChosenRoute(model: nil, name: name), nil, decided)
        allow(head, in: bytes)
      } catch {
        deny(error)
      }
    case .inspect(let inspection) where enforces:
      do throws(Refusal) {
        let (route, facts) = try inspect(inspection, request, head, decided, in: bytes)
        try reserve(route, facts, decided)
        allow(head, in: bytes)
      } catch {
        deny(error)
      }
    case .answer, .pass, .inspect:
      allow(head, in: bytes)
    }
  }

  static func body(
    of answer: HeadDecision.LocalAnswer, _ policy: CompiledPolicy, _ identity: Identity
  ) -> [UInt8] {
    switch answer {
    case .modelList: ModelsAnswer.list(ModelAccess(policy.snapshot, identity).models)
    case .model(let name): ModelsAnswer.detail(name)
    }
  }

  private func allow(_ head: RequestHead, in bytes: Span<UInt8>) {
    CheckReplies.allow(
      head, in: bytes, names: policy.names, decision, rateLimits, policy.prepared, &loop.writer)
  }

  private func deny(_ refusal: Refusal) {
    decision.refusal = refusal.code
    loop.deny(refusal, decision, under: policy)
    CheckReplies.deny(refusal, decision, policy.prepared, &loop.writer)
  }

  /// The body must be there and whole: `with_request_body` without `allow_partial_message`.
  private func inspect(
    _ inspection: HeadDecision.Inspection, _ request: CheckRequest, _ head: RequestHead,
    _ decided: HeadDecision, in bytes: Span<UInt8>
  ) throws(Refusal) -> (ChosenRoute, RequestFacts) {
    let body = request.rawBody.isEmpty ? request.body : request.rawBody
    if head.isPartialBody {
      throw Refusal(
        .requestTooLarge, "The request body is larger than the gateway buffers. Send a smaller one."
      )
    }
    guard !body.isEmpty else {
      throw Refusal(.invalidJSON, "The request has no body that the gateway can see.")
    }
    if let length = head.contentLength, length != body.count {
      throw Refusal(.requestTooLarge, "The gateway does not see the whole request body.")
    }
    guard
      var reader = BodyReader(
        multipart: inspection.multipart, bytesMax: policy.snapshot.maxBodyBytes)
    else {
      throw Refusal(.unsupportedMediaType, "The content-type names no usable boundary.")
    }
    guard let identity = decided.identity else { throw .credential }
    reader.scan(bytes.extracting(body))
    let facts = try reader.finish()
    var decided = BodyDecision(
      policy: policy, identity: identity, inspection: inspection, responseIDs: loop.responseIDs)
    defer { decision.asked = decided.asked }
    return (try decided.decide(facts, draw: loop.random.next()), facts)
  }
}
