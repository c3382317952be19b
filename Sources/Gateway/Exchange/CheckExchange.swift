import Books
import Bytes
import EnvoyAPI
import Inference
import Ledger
import Metrics
import Policy
import Quota
import Transport

/// One ext_authz `Check`: identify, authorize the path, clean the headers; with
/// `enforce_at: "ext_authz"` also inspect the body and choose the route.
final class CheckExchange: CallHandler, WaitsForRecord {
  private let loop: GatewayLoop
  private let policy: CompiledPolicy
  private var gathered: [UInt8] = []
  private var isAnswered = false
  /// What records say of the request.
  private var traits: RequestTraits?
  /// An answer that waits for its admission's record.
  private var waiting: (call: Call, open: OpenAdmission, completion: Completion, answer: [UInt8])?
  private var admitted: OpenAdmission?
  /// What was settled where the client did not wait for the record.
  private var settledUnrecorded: Completion?
  /// For the denial where the record fails.
  private var decision = DecisionRecord(requestID: [])
  private var isAnthropic = false
  private var prices: Prices?
  /// Answered here: nothing goes on to a backend.
  private var isOwnAnswer = false
  /// For the response, as they were when the reservation was made.
  private var rateLimits: [(name: [UInt8], value: [UInt8])] = []
  private var waitsForRecord = false

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
    guard let waiting else { return }
    self.waiting = nil
    // On record, and counted, if its admission is: that is not known yet.
    settledUnrecorded = settle(waiting.open, waiting.completion, as: .nothing)
  }

  // MARK: The books

  /// Sends what is in the writer: at once, or when the admission behind it is on disk.
  private func answer(_ call: Call) {
    if let open = admitted {
      admitted = nil
      let completion = decision.completion(traits)
      if waitsForRecord {
        waiting = (call, open, completion, loop.writer.bytes)
        return loop.wait(for: open, self)
      }
      loop.ended(settle(open, completion, as: nil))
    }
    loop.writer.withBytes { call.send($0) }
    call.finish(.ok)
  }

  func recorded() {
    guard let waiting else { return loop.ended(settledUnrecorded) }
    self.waiting = nil
    loop.ended(settle(waiting.open, waiting.completion, as: nil))
    waiting.call.send(waiting.answer.span)
    waiting.call.finish(.ok)
  }

  func recordFailed() {
    loop.metrics?.withdrawn()
    guard let waiting else { return }
    self.waiting = nil
    decision.withdraw()
    decision.refusal = .ledgerUnavailable
    recordRefusal(.ledgerUnavailable)
    CheckReplies.deny(
      .ledgerUnavailable, anthropic: isAnthropic, decision, policy.prepared, &loop.writer)
    loop.writer.withBytes { waiting.call.send($0) }
    waiting.call.finish(.ok)
  }

  /// Nothing of the response will be seen: what was reserved is what is charged (nil), or given back.
  private func settle(
    _ open: OpenAdmission, _ completion: Completion, as settlement: Settlement?
  ) -> Completion? {
    var usage = MeteredUsage()
    var record = completion
    var settlement = settlement
    if settlement == nil, isOwnAnswer {
      record.answeredHere()
      settlement = .nothing
    } else if settlement == nil {
      usage.source = .estimated
      usage.prompt = open.record.estimatedPromptTokens.map(Int.init(clamping:))
      usage.completion = open.record.reservedCompletionTokens.map(Int.init(clamping:))
      usage.total = (usage.prompt ?? 0) + (usage.completion ?? 0)
      record.endReason = .complete
    }
    let (prices, charge) = (prices, settlement)
    return loop.books?.settle(
      open,
      Books.Ending(
        usage: usage, settlement: { charge ?? Books.used($0, prices) },
        isPriced: prices != nil, reckoning: nil, record: record))
  }

  /// Reserves and records, where something is counted; of an answer of our own (nil), that there is
  /// one.
  private func reserve(
    _ admission: Admission?, _ facts: RequestFacts?, _ decided: HeadDecision
  ) throws(Refusal) {
    guard
      let reserved = try loop.reserve(
        admission, facts, for: decided.identity, at: decided.endpoint, &decision, traits,
        under: policy, anthropic: isAnthropic)
    else { return }
    admitted = reserved.open
    waitsForRecord = reserved.waits
    prices = admission?.model?.prices
    isOwnAnswer = admission == nil
    if let books = loop.books, !isOwnAnswer {
      let (shares, nowMs) = books.shares(reserved.set, reserved.caller)
      rateLimits = RateLimitHeaders.of(shares, nowMs: nowMs, anthropic: isAnthropic)
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
    var evidence = Evidence()
    evidence.setPrincipal(policy.readsCertificates ? request.principal : 0..<0)
    evidence.setEnvoyRequestID(request.id)
    if let metadata = request.metadata {
      try evidence.readMetadata(in: bytes, metadata, issuers: policy.issuers)
    }
    let enforces = policy.snapshot.enforceAt == .extAuthz
    // Identity handed over is what this very filter writes: at a Check there is none yet.
    evidence.handedOver = nil
    let decided = HeadDecision(
      head, evidence, in: bytes, policy: policy, nowSeconds: loop.now().seconds,
      insistsOnClaims: enforces, endOfStream: false)
    decision = DecisionRecord(requestID: loop.nextRequestID(), identity: decided.identity)
    decision.isInspected = decided.endpoint != nil
    isAnthropic = decided.isAnthropic
    if loop.books != nil {
      traits = RequestTraits(head, evidence, in: bytes, policy.snapshot)
      traits?.source =
        SourceAddress(
          address: bytes.extracting(request.sourceAddress), port: request.sourcePort)?.text
    }
    switch decided.outcome {
    case .refuse(let refusal):
      deny(refusal)
    case .deferred:
      CheckReplies.defer(head, in: bytes, names: policy.names, &loop.writer)
    case .answer(let answer) where enforces:
      guard let identity = decided.identity else { return deny(.credential) }
      do throws(Refusal) {
        try reserve(nil, nil, decided)
      } catch {
        return deny(error)
      }
      CheckReplies.answer(
        Self.body(of: answer, policy, identity), decision, policy.prepared, &loop.writer)
    case .pass(let route) where enforces:
      do throws(Refusal) {
        try reserve(
          Admission(model: nil, routeName: route, rename: nil, path: nil, isStream: false), nil,
          decided)
        allow(head, in: bytes)
      } catch {
        deny(error)
      }
    case .inspect(let inspection) where enforces:
      do throws(Refusal) {
        let (admission, facts) = try inspect(inspection, request, head, decided, in: bytes)
        try reserve(admission, facts, decided)
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
    case .model(let model): ModelsAnswer.detail(model)
    }
  }

  private func allow(_ head: RequestHead, in bytes: Span<UInt8>) {
    CheckReplies.allow(
      head, in: bytes, names: policy.names, decision, rateLimits, policy.prepared, &loop.writer)
  }

  private func deny(_ refusal: Refusal) {
    decision.refusal = refusal.code
    recordRefusal(refusal)
    CheckReplies.deny(
      refusal, anthropic: isAnthropic, decision, policy.prepared, &loop.writer)
  }

  private func recordRefusal(_ refusal: Refusal) {
    guard let books = loop.books else { return }
    var record = decision.admission(traits, policy: policy.snapshot)
    record.limit = refusal.limit
    books.deny(record)
    loop.denied(record)
  }

  /// The body must be there and whole: `with_request_body` without `allow_partial_message`.
  private func inspect(
    _ inspection: HeadDecision.Inspection, _ request: CheckRequest, _ head: RequestHead,
    _ decided: HeadDecision, in bytes: Span<UInt8>
  ) throws(Refusal) -> (Admission, RequestFacts) {
    let body = request.rawBody.isEmpty ? request.body : request.rawBody
    if head.isPartialBody {
      throw Refusal(.requestTooLarge, "The request body is larger than the gateway buffers.")
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
    var decided = BodyDecision(policy: policy, identity: identity, inspection: inspection)
    defer { decision.asked = decided.asked }
    return (try decided.decide(facts, draw: loop.random.next()), facts)
  }
}
