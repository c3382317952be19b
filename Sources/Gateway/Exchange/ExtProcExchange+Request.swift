import Books
import Bytes
import EnvoyAPI
import Inference
import Ledger
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
    if machine.requestMode == .fullDuplexStreamed { return true }
    guard policy.renames else { return false }
    if let mayRename = request.mayRename { return mayRename }
    // A model in the path decides what the body is to say.
    guard request.inspection?.pathModel == nil, let name = request.reader?.value?.modelSoFar
    else {
      return true
    }
    // An unknown model is refused.
    let mayRename =
      policy.snapshot.model(named: name.span).map { policy.mayRename($0, name) } ?? false
    request.mayRename = mayRename
    return mayRename
  }

  func decideHead(
    _ request: ProcessingRequest, in bytes: Span<UInt8>, endOfStream: Bool,
    _ stream: ExchangeStream
  ) {
    var head = RequestHead()
    var context = EnvoyContext()
    do throws(WireError) {
      try HeaderMap.forEach(in: bytes, request.headers) { name, value in
        head.add(name: name, value: value, in: bytes, names: policy.names)
      }
      if let metadata = request.metadata {
        try context.readMetadata(in: bytes, metadata, policy)
      }
      if policy.readsCertificates || loop.books != nil, let attributes = request.attributes {
        try context.readAttributes(
          in: bytes, attributes, certificates: policy.readsCertificates)
      }
    } catch {
      return fail(stream, GRPCFailure(.invalidArgument, "malformed request_headers"))
    }
    decision.requestID = requestID(context, in: bytes)
    let decided = HeadDecision(
      head, context, in: bytes, policy: policy, nowSeconds: loop.now().seconds,
      at: .extProc(isDuplex: machine.requestMode == .fullDuplexStreamed), endOfStream: endOfStream)
    if loop.books != nil {
      decision.traits = RequestTraits(
        head, context, in: bytes, decided.place,
        source: SourceAddress(bytes.extracting(context.source)), policy.snapshot)
    }
    loop.report(context.claims, under: policy)
    decision.isAnthropic = decided.isAnthropic
    decision.isGRPC = decided.isGRPC
    decision.identity = decided.identity
    if let conflict = decided.conflict { loop.report(conflict) }
    if policy.snapshot.enforceAt == .extAuthz {
      return followExtAuthz(decided, context, in: bytes, stream)
    }
    act(decided, head, in: bytes, stream)
  }

  private func requestID(_ context: EnvoyContext, in bytes: Span<UInt8>) -> [UInt8] {
    if let handed = context.handedOver?.requestID,
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
        let stream = try reserve(nil, nil, stream)
        machine.headDecided(.refused)
        self.answer(answer, stream)
      } catch {
        refuseHead(error, stream)
      }
    case .pass(let name):
      let removals = Removals(head, in: bytes, removesAcceptEncoding: false, &loop.writer)
      let route = ChosenRoute(model: nil, name: name)
      do throws(Refusal) {
        let stream = try reserve(route, nil, stream)
        machine.headDecided(.admitted)
        admit(route, replyTo: .requestHeaders, removals: removals.encoded, stream)
      } catch {
        refuseHead(error, stream)
      }
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
    if machine.knowsModes, !ExchangeMachine.canInspect(machine.requestMode) {
      return refuseMode(machine.requestMode, stream)
    }
    request.reader = loop.readers.take(
      BodyReader(multipart: inspection.multipart, bytesMax: policy.snapshot.maxBodyBytes))
    guard request.reader != nil else {
      return refuseHead(
        Refusal(.unsupportedMediaType, "The content-type names no usable boundary."), stream)
    }
    request.inspection = inspection
    machine.headDecided(.inspect)
    let removals = Removals(head, in: bytes, removesAcceptEncoding: true, &loop.writer)
    if machine.requestMode == .fullDuplexStreamed {
      request.removals = removals.encoded
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
      Refusal(
        .gatewayMisconfigured,
        "The gateway is set up so that it cannot inspect requests. Its operator must mend it."),
      stream)
  }

  /// `enforce_at: "ext_authz"`: the decision was made there; here it is only followed.
  private func followExtAuthz(
    _ decided: HeadDecision, _ context: EnvoyContext, in bytes: Span<UInt8>,
    _ stream: ExchangeStream
  ) {
    guard let handed = context.handedOver, let route = handed.modelRoute, !route.isEmpty
    else {
      loop.log.report(
        .error, .gatewayMisconfigured,
        "enforce_at is ext_authz, but no decision of its filter came with the request. "
          + "Put ext_authz before ext_proc and forward the metadata namespace "
          + "envoy.filters.http.ext_authz.")
      return refuseHead(
        Refusal(
          .gatewayMisconfigured,
          "The gateway is set up so that it cannot decide. Its operator must mend it."), stream)
    }
    life.followed()
    // What it decided must still hold: the policy or the path may have changed between the filters.
    if case .refuse(let refusal) = decided.outcome { return refuseHead(refusal, stream) }
    machine.headDecided(.admitted)
    decision.route = ChosenRoute(
      model: nil,
      name: HeaderText(String(decoding: bytes.extracting(route).copy(), as: UTF8.self)))
    ProcessingReplies.proceed(.requestHeaders, &loop.writer)
    verdict = stream.verdict(loop.writer)
  }

  private func answer(_ answer: HeadDecision.LocalAnswer, _ stream: ExchangeStream) {
    guard let identity = decision.identity else { return refuse(.credential, stream) }
    let body =
      switch answer {
      case .modelList: ModelsAnswer.list(ModelAccess(policy.snapshot, identity).models)
      case .model(let name): ModelsAnswer.detail(name)
      }
    ProcessingReplies.answer(body, decision, policy.prepared, &loop.writer)
    verdict = stream.verdict(loop.writer)
    settle(life.verdictSent())
  }

  // MARK: Body

  /// Scans a piece of the body, and keeps it where it may have to be sent back.
  func scan(_ piece: Span<UInt8>, keep: Bool, _ stream: ExchangeStream) {
    guard let reader = request.reader, !piece.isEmpty else { return }
    reader.value!.scan(piece)
    guard keep, reader.value?.isOverLimit == false else { return }
    guard stream.retain(bytes: piece.count) else { return overloaded(stream) }
    if request.keptBytes == 0 {
      reader.value!.use(buffer: loop.takeBuffer(bytes: message.size))
    }
    request.keptBytes += piece.count
    reader.value!.keep(piece)
  }

  /// - Parameters:
  ///   - body: the body's bytes where it came in one piece and `bodyIsHere`; else it was kept.
  ///   - hasTrailers: the end of a full-duplex body is its trailers, not a flag.
  func decideBody(
    replyTo: ProcessingPhase, duplex: Bool, body: Span<UInt8>, bodyIsHere: Bool,
    hasTrailers: Bool, _ stream: ExchangeStream
  ) {
    guard let inspection = request.inspection, let identity = decision.identity,
      let reader = request.reader
    else {
      return fail(stream, GRPCFailure(.internal, "no inspection"))
    }
    var decided = BodyDecision(
      policy: policy, identity: identity, inspection: inspection, responseIDs: loop.responseIDs)
    let route: ChosenRoute
    let splices: [Splice]
    let replies: ExchangeStream
    do throws(Refusal) {
      let facts = try reader.value!.finish()
      route = try decided.decide(facts, draw: loop.random.next())
      replies = try reserve(route, facts, stream)
      splices = self.splices(route, facts, multipart: inspection.multipart != nil)
    } catch {
      decision.asked = decided.asked
      machine.bodyDecided(admitted: false)
      return refuse(error, stream)
    }
    machine.bodyDecided(admitted: true)
    let stream = replies
    if duplex {
      admit(route, replyTo: replyTo, removals: request.removals, stream)
      sendKept(splices, endOfStream: !hasTrailers, stream)
    } else if !splices.isEmpty {
      if bodyIsHere {
        admit(route, replyTo: replyTo, body: body, splices, stream)
      } else {
        let kept = takeKept(stream)
        admit(route, replyTo: replyTo, body: kept.span, splices, stream)
        loop.giveBack(kept)
      }
    } else {
      admit(route, replyTo: replyTo, removals: [], stream)
    }
    dropBody(stream)
  }

  /// What is replaced in the body: the model's name, the answer's bound, the request for the usage
  /// chunk.
  private func splices(
    _ route: ChosenRoute, _ facts: RequestFacts, multipart: Bool
  ) -> [Splice] {
    var splices = route.bound.splices
    if let field = route.bound.written {
      splices.append(facts.splice(bound: reservedBound(route), in: field))
    }
    if let rename = route.rename,
      let splice = facts.splice(model: rename, multipart: multipart)
    {
      splices.append(splice)
    }
    if asksForUsage(route, facts) {
      splices += facts.splice(
        usage: true, continuous: route.model?.streamUsage == .continuous)
    }
    splices.order()
    return splices
  }

  /// The tokens of each answer that were reserved: the model's most, less where a limit could never
  /// admit it.
  private func reservedBound(_ route: ChosenRoute) -> Int {
    let asking = life.asking
    guard let size = (life.open?.request ?? asking?.request)?.size,
      let tokens = life.open?.record.value.reservedCompletionTokens
        ?? asking?.completionTokens
    else { return route.model?.maxOutputTokens ?? 1 }
    return max(1, Int(clamping: tokens) / max(1, size.choices))
  }

  /// The verdict without a new body.
  private func admit(
    _ route: ChosenRoute, replyTo: ProcessingPhase, removals: [UInt8], _ stream: ExchangeStream
  ) {
    guard let identity = decision.identity else { return refuse(.credential, stream) }
    decision.route = route
    ProcessingReplies.admit(
      replyTo, decision, route, identity, removals: removals, bodyBytes: nil, policy.prepared,
      &loop.writer)
    verdict = stream.verdict(loop.writer)
  }

  /// The verdict with the body's model replaced.
  private func admit(
    _ route: ChosenRoute, replyTo: ProcessingPhase, body: Span<UInt8>, _ splices: [Splice],
    _ stream: ExchangeStream
  ) {
    guard let identity = decision.identity else { return refuse(.credential, stream) }
    decision.route = route
    let size = body.count + splices.byteCountChange
    ProcessingReplies.admit(
      replyTo, decision, route, identity, removals: [], bodyBytes: size, policy.prepared,
      &loop.writer)
    verdict = stream.verdict(
      loop.writer, body: body, splices: splices)
  }

  /// Full duplex: the held body goes back.
  private func sendKept(_ splices: [Splice], endOfStream: Bool, _ stream: ExchangeStream) {
    var kept = takeKept(stream)
    for splice in splices.reversed() {
      kept.replaceSubrange(splice.range, with: splice.replacement)
    }
    echo(.requestBody, kept.span, endOfStream: endOfStream, stream)
    loop.giveBack(kept)
  }

  /// The largest piece of a full-duplex body that is sent at once. Another processor behind this one
  /// is handed each piece with Envoy's message around it, and the two must fit into 64 KiB.
  static let duplexPieceBytes = 62_000

  /// Sends bytes of a full-duplex body back, in pieces; nothing where there are none and no end.
  /// - Parameter metadata: goes with the last piece.
  func echo(
    _ phase: ProcessingPhase, _ body: Span<UInt8>, endOfStream: Bool,
    metadata: UsageMetadata? = nil, _ stream: ExchangeStream
  ) {
    guard !body.isEmpty || endOfStream else { return }
    var start = 0
    repeat {
      let end = min(start + Self.duplexPieceBytes, body.count)
      let isLast = end == body.count
      ProcessingReplies.streamedBody(
        phase, bytes: end - start, endOfStream: isLast && endOfStream,
        metadata: isLast ? metadata : nil, &loop.writer)
      stream.reply(loop.writer, body: body.extracting(start..<end))
      start = end
    } while start < body.count
  }

  // MARK: Trailers

  /// CONTINUE to trailers; what no client may send to a backend is taken out of a request's.
  func proceedTrailers(
    _ phase: ProcessingPhase, _ request: ProcessingRequest, in bytes: Span<UInt8>,
    _ stream: ExchangeStream
  ) {
    var removed = HeaderNameList()
    if phase == .requestTrailers {
      do throws(WireError) {
        try HeaderMap.forEach(in: bytes, request.headers) { name, _ in
          let text = bytes.extracting(name)
          if SteeringHeader.isSpelled(text) || policy.names.isSecret(text) { removed.append(name) }
        }
      } catch {
        return fail(stream, GRPCFailure(.invalidArgument, "malformed request_trailers"))
      }
    }
    ProcessingReplies.trailers(
      phase, removing: removed, in: bytes,
      metadata: phase == .responseTrailers ? takeUsage() : nil, &loop.writer)
    stream.reply(loop.writer)
  }
}
