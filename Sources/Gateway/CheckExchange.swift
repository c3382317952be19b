import EnvoyAPI
import Policy
import Transport

/// One ext_authz `Check`: identify, authorize the path, clean the headers; with
/// `enforce_at: "ext_authz"` also inspect the body and choose the route.
final class CheckExchange: CallHandler {
  private let loop: GatewayLoop
  private let policy: CompiledPolicy
  private var gathered: [UInt8] = []
  private var isAnswered = false

  init(_ loop: GatewayLoop) {
    self.loop = loop
    policy = loop.policy
  }

  func message(_ bytes: Span<UInt8>, on call: Call) {
    guard !isAnswered else { return }
    isAnswered = true
    do throws(WireError) {
      try check(try CheckRequest(bytes), in: bytes)
      loop.writer.withBytes { call.send($0) }
      call.finish(.ok)
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
    // Copied before the closure returns.
    unsafe bytes.withUnsafeBufferPointer { unsafe gathered.append(contentsOf: $0) }
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

  func ended(_ how: CallTermination, on call: Call) {}

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
    if let metadata = request.metadata {
      try evidence.readMetadata(in: bytes, metadata, issuers: policy.issuers)
    }
    let enforces = policy.snapshot.enforceAt == .extAuthz
    // Identity handed over is what this very filter writes: at a Check there is none yet.
    evidence.handedOver = nil
    let decided = HeadDecision(
      head, evidence, in: bytes, policy: policy, nowSeconds: loop.now().seconds,
      insistsOnClaims: enforces, endOfStream: false)
    var decision = DecisionRecord(requestID: loop.nextRequestID(), identity: decided.identity)
    decision.isInspected = decided.endpoint != nil
    switch decided.outcome {
    case .refuse(let refusal):
      deny(refusal, decided, &decision)
    case .deferred:
      CheckReplies.defer(head, in: bytes, names: policy.names, &loop.writer)
    case .answer(let answer) where enforces:
      guard let identity = decided.identity else { return deny(.credential, decided, &decision) }
      CheckReplies.answer(
        Self.body(of: answer, policy, identity), decision, policy.prepared, &loop.writer)
    case .pass(let route) where enforces:
      decision.admission = Admission(
        model: nil, routeName: route, rename: nil, path: nil, isStream: false)
      allow(head, in: bytes, decision)
    case .inspect(let inspection) where enforces:
      do throws(Refusal) {
        decision.admission = try inspect(inspection, request, head, decided, in: bytes)
        allow(head, in: bytes, decision)
      } catch {
        deny(error, decided, &decision)
      }
    case .answer, .pass, .inspect:
      allow(head, in: bytes, decision)
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

  private func allow(_ head: RequestHead, in bytes: Span<UInt8>, _ decision: DecisionRecord) {
    CheckReplies.allow(
      head, in: bytes, names: policy.names, decision, policy.prepared, &loop.writer)
  }

  private func deny(
    _ refusal: Refusal, _ decided: HeadDecision, _ decision: inout DecisionRecord
  ) {
    decision.refusal = refusal.code
    CheckReplies.deny(
      refusal, anthropic: decided.isAnthropic, decision, policy.prepared, &loop.writer)
  }

  /// The body must be there and whole: `with_request_body` without `allow_partial_message`.
  private func inspect(
    _ inspection: HeadDecision.Inspection, _ request: CheckRequest, _ head: RequestHead,
    _ decided: HeadDecision, in bytes: Span<UInt8>
  ) throws(Refusal) -> Admission {
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
    return try BodyDecision(policy: policy, identity: identity, inspection: inspection)
      .decide(try reader.finish(), draw: loop.random.next())
  }
}
