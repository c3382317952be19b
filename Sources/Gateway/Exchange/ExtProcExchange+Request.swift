import Bytes
import EnvoyAPI
import Inference
import Log
import Policy
import Terms
import Transport

/// The request's half of an exchange.
extension ExtProcExchange {
  /// Whether the body may have to be sent back and is kept, from its first byte until a model is
  /// read that goes by its own name everywhere. A body that came in one piece is sent back from where
  /// it lies and is never kept.
  var keepsBody: Bool {
    if modes?.request == .fullDuplexStreamed { return true }
    guard policy.renames else { return false }
    if let mayRename { return mayRename }
    // A model in the path decides what the body is to say.
    guard inspection?.pathModel == nil, reader != nil, let name = reader!.modelSoFar else {
      return true
    }
    // An unknown model is refused.
    let mayRename = policy.snapshot.model(named: name.span).map { policy.mayRename($0, name) }
    self.mayRename = mayRename ?? false
    return self.mayRename ?? false
  }

  func decideHead(
    _ request: ProcessingRequest, in bytes: Span<UInt8>, endOfStream: Bool,
    _ stream: ExchangeStream
  ) {
    var head = RequestHead()
    var evidence = Evidence()
    do throws(WireError) {
      try HeaderMap.forEach(in: bytes, request.headers) { name, value in
        head.add(name: name, value: value, in: bytes, names: policy.names)
      }
      if let metadata = request.metadata {
        try evidence.readMetadata(in: bytes, metadata, issuers: policy.issuers)
      }
      if policy.readsCertificates || loop.books != nil, let attributes = request.attributes {
        try evidence.readAttributes(
          in: bytes, attributes, certificates: policy.readsCertificates)
      }
    } catch {
      return fail(stream, GRPCFailure(.invalidArgument, "malformed request_headers"))
    }
    decision.requestID = requestID(evidence, in: bytes)
    if loop.books != nil { traits = RequestTraits(head, evidence, in: bytes, policy.snapshot) }
    let decided = HeadDecision(
      head, evidence, in: bytes, policy: policy, nowSeconds: loop.now().seconds,
      insistsOnClaims: true, endOfStream: endOfStream)
    isAnthropic = decided.isAnthropic
    isGRPC = decided.isGRPC
    decision.identity = decided.identity
    if policy.snapshot.enforceAt == .extAuthz {
      return followExtAuthz(decided, evidence, in: bytes, stream)
    }
    act(decided, head, in: bytes, stream)
  }

  private func requestID(_ evidence: Evidence, in bytes: Span<UInt8>) -> [UInt8] {
    if let handed = evidence.handedOver?.requestID,
      RequestIDs.isWellFormed(bytes.extracting(handed))
    {
      return bytes.extracting(handed).copy()
    }
    return loop.nextRequestID()
  }

  private func act(
    _ decided: HeadDecision, _ head: RequestHead, in bytes: Span<UInt8>, _ stream: ExchangeStream
  ) {
    switch decided.outcome {
    case .refuse(let refusal): refuseHead(refusal, stream)
    case .deferred: refuseHead(.credential, stream)
    case .answer(let answer):
      do throws(Refusal) {
        try reserve(nil, nil)
      } catch {
        return refuseHead(error, stream)
      }
      machine.headDecided(.refused)
      self.answer(answer, held.map(stream.holding) ?? stream)
    case .pass(let route):
      let removals = Removals(
        head, in: bytes, names: policy.names, removesAcceptEncoding: false, &loop.writer)
      let admission = Admission(
        model: nil, routeName: route, rename: nil, path: nil, isStream: false)
      do throws(Refusal) {
        try reserve(admission, nil)
      } catch {
        return refuseHead(error, stream)
      }
      machine.headDecided(.admitted)
      admit(
        admission, replyTo: .requestHeaders, removals: removals.encoded,
        held.map(stream.holding) ?? stream)
    case .inspect(let inspection):
      inspect(inspection, head, in: bytes, stream)
    }
  }

  private func refuseHead(_ refusal: Refusal, _ stream: ExchangeStream) {
    machine.headDecided(.refused)
    refuse(refusal, stream)
  }

  private func inspect(
    _ inspection: HeadDecision.Inspection, _ head: RequestHead, in bytes: Span<UInt8>,
    _ stream: ExchangeStream
  ) {
    if let modes, !ExchangeMachine.canInspect(modes.request) {
      return refuseMode(modes.request, stream)
    }
    // Made in its place: it is large.
    reader = BodyReader(
      multipart: inspection.multipart, bytesMax: policy.snapshot.maxBodyBytes)
    guard reader != nil else {
      return refuseHead(
        Refusal(.unsupportedMediaType, "The content-type names no usable boundary."), stream)
    }
    self.inspection = inspection
    machine.headDecided(.inspect)
    let removals = Removals(
      head, in: bytes, names: policy.names, removesAcceptEncoding: true, &loop.writer)
    if modes?.request == .fullDuplexStreamed {
      self.removals = removals.encoded
    } else {
      ProcessingReplies.hygiene(removals, &loop.writer)
      stream.reply(loop.writer)
    }
  }

  /// A mode in which the request would go on before its body was seen, or without it.
  private func refuseMode(_ mode: BodyMode?, _ stream: ExchangeStream) {
    let name =
      switch mode {
      case .some(.none): "NONE"
      case .streamed: "STREAMED"
      case .grpc: "GRPC"
      case .buffered, .bufferedPartial, .fullDuplexStreamed, nil: "unknown"
      }
    loop.log.report(
      .error, .gatewayMisconfigured,
      "ext_proc request_body_mode \(name) cannot enforce a policy on request bodies: "
        + "every inspected request is refused. Set it to BUFFERED or FULL_DUPLEX_STREAMED.")
    refuseHead(
      Refusal(.gatewayMisconfigured, "The gateway is set up so that it cannot inspect requests."),
      stream)
  }

  /// `enforce_at: "ext_authz"`: the decision was made there; here it is only followed.
  private func followExtAuthz(
    _ decided: HeadDecision, _ evidence: Evidence, in bytes: Span<UInt8>,
    _ stream: ExchangeStream
  ) {
    guard let handed = evidence.handedOver, let route = handed.modelRoute, !route.isEmpty
    else {
      loop.log.report(
        .error, .gatewayMisconfigured,
        "enforce_at is ext_authz, but no decision of its filter came with the request. "
          + "Put ext_authz before ext_proc and forward the metadata namespace "
          + "envoy.filters.http.ext_authz.")
      return refuseHead(
        Refusal(.gatewayMisconfigured, "The gateway is set up so that it cannot decide."), stream)
    }
    wasSettledBefore = true
    // What it decided must still hold: the policy or the path may have changed between the filters.
    if case .refuse(let refusal) = decided.outcome { return refuseHead(refusal, stream) }
    machine.headDecided(.admitted)
    decision.admission = Admission(
      model: nil,
      routeName: HeaderText(String(decoding: bytes.extracting(route).copy(), as: UTF8.self)),
      rename: nil, path: nil, isStream: false)
    ProcessingReplies.proceed(.requestHeaders, &loop.writer)
    verdict = stream.verdict(loop.writer)
  }

  private func answer(_ answer: HeadDecision.LocalAnswer, _ stream: ExchangeStream) {
    guard let identity = decision.identity else { return refuse(.credential, stream) }
    let body =
      switch answer {
      case .modelList: ModelsAnswer.list(ModelAccess(policy.snapshot, identity).models)
      case .model(let model): ModelsAnswer.detail(model)
      }
    ProcessingReplies.answer(body, decision, policy.prepared, &loop.writer)
    verdict = stream.verdict(loop.writer)
    // All of it is said, unless it waits for its record.
    if held == nil { settle() }
  }

  // MARK: Body

  /// Scans a piece of the body, and keeps it where it may have to be sent back.
  func scan(_ piece: Span<UInt8>, keep: Bool, _ stream: ExchangeStream) {
    guard reader != nil, !piece.isEmpty else { return }
    reader!.scan(piece)
    guard keep, !reader!.isOverLimit else { return }
    guard stream.retain(bytes: piece.count) else { return overloaded(stream) }
    if retained == 0 {
      reader!.use(buffer: loop.takeBuffer(bytes: messageBytes))
    }
    retained += piece.count
    reader!.keep(piece)
  }

  /// - Parameters:
  ///   - body: the body's bytes where it came in one piece and `bodyIsHere`; else it was kept.
  ///   - hasTrailers: the end of a full-duplex body is its trailers, not a flag.
  func decideBody(
    replyTo: ProcessingPhase, duplex: Bool, body: Span<UInt8>, bodyIsHere: Bool,
    hasTrailers: Bool, _ stream: ExchangeStream
  ) {
    guard let inspection, let identity = decision.identity, reader != nil else {
      return fail(stream, GRPCFailure(.internal, "no inspection"))
    }
    var decided = BodyDecision(policy: policy, identity: identity, inspection: inspection)
    let admission: Admission
    let splices: [Splice]
    do throws(Refusal) {
      let facts = try reader!.finish()
      admission = try decided.decide(facts, draw: loop.random.next())
      splices = self.splices(admission, facts, multipart: inspection.multipart != nil)
      try reserve(admission, facts)
    } catch {
      decision.asked = decided.asked
      machine.bodyDecided(admitted: false)
      return refuse(error, stream)
    }
    machine.bodyDecided(admitted: true)
    let stream = held.map(stream.holding) ?? stream
    if duplex {
      admit(admission, replyTo: replyTo, removals: removals, stream)
      sendKept(splices, endOfStream: !hasTrailers, stream)
    } else if !splices.isEmpty {
      if bodyIsHere {
        admit(admission, replyTo: replyTo, body: body, splices, stream)
      } else {
        let kept = takeKept(stream)
        admit(admission, replyTo: replyTo, body: kept.span, splices, stream)
        loop.giveBack(kept)
      }
    } else {
      admit(admission, replyTo: replyTo, removals: [], stream)
    }
    dropBody(stream)
  }

  /// What is replaced in the body: the model's name, the request for the usage chunk.
  private func splices(
    _ admission: Admission, _ facts: RequestFacts, multipart: Bool
  ) -> [Splice] {
    var splices: [Splice] = []
    if let rename = admission.rename,
      let splice = facts.splice(model: rename, multipart: multipart)
    {
      splices.append(splice)
    }
    if asksForUsage(admission, facts) {
      splices += facts.splice(
        usage: true, continuous: admission.model?.streamUsage == .continuous)
      splices.sort { $0.range.lowerBound < $1.range.lowerBound }
    }
    return splices
  }

  /// The verdict without a new body.
  private func admit(
    _ admission: Admission, replyTo: ProcessingPhase, removals: [UInt8], _ stream: ExchangeStream
  ) {
    guard let identity = decision.identity else { return refuse(.credential, stream) }
    decision.admission = admission
    ProcessingReplies.admit(
      replyTo, decision, admission, identity, removals: removals, bodyBytes: nil, policy.prepared,
      &loop.writer)
    verdict = stream.verdict(loop.writer)
  }

  /// The verdict with the body's model replaced.
  private func admit(
    _ admission: Admission, replyTo: ProcessingPhase, body: Span<UInt8>, _ splices: [Splice],
    _ stream: ExchangeStream
  ) {
    guard let identity = decision.identity else { return refuse(.credential, stream) }
    decision.admission = admission
    let size = body.count + splices.byteCountChange
    ProcessingReplies.admit(
      replyTo, decision, admission, identity, removals: [], bodyBytes: size, policy.prepared,
      &loop.writer)
    verdict = stream.verdict(
      loop.writer, body: body, splices: splices)
  }

  /// The largest piece of a full-duplex body that is sent at once, as Envoy sends them.
  static let duplexPieceBytes = 64 << 10

  /// Full duplex: the held body goes back in pieces.
  private func sendKept(_ splices: [Splice], endOfStream: Bool, _ stream: ExchangeStream) {
    var kept = takeKept(stream)
    for splice in splices.reversed() {
      kept.replaceSubrange(splice.range, with: splice.replacement)
    }
    var start = 0
    repeat {
      let end = min(start + Self.duplexPieceBytes, kept.count)
      let isLast = end == kept.count
      if end > start || endOfStream {
        echo(
          .requestBody, kept.span.extracting(start..<end), endOfStream: isLast && endOfStream,
          stream)
      }
      start = end
    } while start < kept.count
    loop.giveBack(kept)
  }

  /// Sends a piece of a full-duplex body back.
  func echo(
    _ phase: ProcessingPhase, _ body: Span<UInt8>, endOfStream: Bool, _ stream: ExchangeStream
  ) {
    ProcessingReplies.streamedBody(
      phase, bytes: body.count, endOfStream: endOfStream, &loop.writer)
    stream.reply(loop.writer, body: body)
  }

  // MARK: Trailers

  /// CONTINUE to trailers; a client's copies of our headers are taken out of a request's.
  func proceedTrailers(
    _ phase: ProcessingPhase, _ request: ProcessingRequest, in bytes: Span<UInt8>,
    _ stream: ExchangeStream
  ) {
    var forged: [Range<Int>] = []
    if phase == .requestTrailers {
      do throws(WireError) {
        try HeaderMap.forEach(in: bytes, request.headers) { name, _ in
          if HeaderName.isOwned(bytes.extracting(name)) { forged.append(name) }
        }
      } catch {
        return fail(stream, GRPCFailure(.invalidArgument, "malformed request_trailers"))
      }
    }
    ProcessingReplies.trailers(
      phase, removing: forged, in: bytes,
      metadata: phase == .responseTrailers ? takeSettled() : nil, &loop.writer)
    stream.reply(loop.writer)
  }
}
