import Books
import Bytes
import EnvoyAPI
import Inference
import Log
import Policy
import Terms
import Transport

/// The response's half of an exchange.
extension ExtProcExchange {
  /// The response of an admitted exchange begins: what it is decides how it is metered.
  func beginResponse(
    _ request: ProcessingRequest, in bytes: Span<UInt8>, _ stream: ExchangeStream
  ) {
    var limits: RateLimitHeaders?
    var head = ResponseHead()
    do throws(WireError) {
      try head.readHeaders(in: bytes, request.headers)
      if let attributes = request.attributes { try head.readAttributes(in: bytes, attributes) }
    } catch {
      return fail(stream, GRPCFailure(.invalidArgument, "malformed response_headers"))
    }
    if let open = life.open {
      began(head, of: open, in: bytes)
      if let books = loop.books {
        limits = GatewayLoop.rateLimits(
          open.request, by: books, anthropic: decision.isAnthropic)
      }
      if request.endOfStream { responseEnded() }
    } else if life.asking != nil {
      // Before the verdict, so it is Envoy's own.
      life.answerBegan(status: head.status, from: head.source)
      if request.endOfStream { responseEnded() }
    }
    let room = HeaderRoom(
      fields: policy.snapshot.maxHeadersCount - head.count,
      bytes: policy.snapshot.maxHeadersBytes - head.byteCount)
    ProcessingReplies.beginResponse(
      decision, limits, room: room, metadata: takeUsage(), &loop.writer)
    stream.reply(loop.writer)
  }

  private func began(_ head: ResponseHead, of open: OpenAdmission, in bytes: Span<UInt8>) {
    response.backend = head.backend
    response.droppedReason = head.droppedReason
    life.answerBegan(status: head.status, from: head.source)
    if case .envoy = head.source { return }
    response.beganMs = loop.now().milliseconds
    // What comes before the verdict is Envoy's own, too.
    guard !life.holdsReplies else { return }
    let format =
      head.isEncoded
      ? .encoded : ResponseFormat(contentType: bytes.extracting(head.contentType))
    if loop.responseIDs != nil, self.request.inspection?.endpoint == .responses {
      response.idReader = ResponseIDReader(format)
    }
    response.meter = loop.meters.take(
      ResponseMeter(
        .init(
          format: format,
          status: head.status ?? 0, isMetered: open.request.isMetered,
          isText: self.request.inspection?.endpoint.answersInText ?? false,
          removesUsageChunk: response.removesUsageChunk, bodyBytes: head.bodyBytes,
          startedMs: open.timeMs)))
  }

  /// A piece of a response body that is handed over while its message arrives.
  func responsePiece(_ piece: Span<UInt8>, _ stream: ExchangeStream) {
    if response.meter != nil, response.removesUsageChunk {
      // What replaces it is known when all of it is here.
      guard stream.retain(bytes: piece.count) else { return buffersFull(stream) }
      response.gatheredBytes += piece.count
      response.gathered.append(piece)
      life.answerReachedClient()
    } else {
      _ = meter(piece, endOfStream: false)
      if machine.echoesResponse { echo(.responseBody, piece, endOfStream: false, stream) }
    }
  }

  /// A whole message of a response body, of which `rest` was not handed over.
  func responseBody(_ rest: Span<UInt8>, endOfStream: Bool, _ stream: ExchangeStream) {
    guard response.gathered.isEmpty else {
      let gathered = response.gathered
      response.gathered = []
      stream.release(bytes: response.gatheredBytes)
      response.gatheredBytes = 0
      return answerBody(gathered.span, endOfStream: endOfStream, stream)
    }
    answerBody(rest, endOfStream: endOfStream, stream)
  }

  private func answerBody(_ body: Span<UInt8>, endOfStream: Bool, _ stream: ExchangeStream) {
    let action = meter(body, endOfStream: endOfStream)
    if endOfStream { responseEnded() }
    let metadata = takeUsage()
    if machine.echoesResponse {
      switch action {
      case .pass:
        echo(.responseBody, body, endOfStream: endOfStream, metadata: metadata, stream)
      case .replace(let bytes):
        echo(.responseBody, bytes.span, endOfStream: endOfStream, metadata: metadata, stream)
      }
      return
    }
    switch action {
    case .pass:
      ProcessingReplies.proceed(.responseBody, metadata: metadata, &loop.writer)
      stream.reply(loop.writer)
    case .replace(let bytes):
      ProcessingReplies.replaceBody(
        .responseBody, bytes: bytes.count, metadata: metadata, &loop.writer)
      stream.reply(loop.writer, body: bytes.span)
    }
  }

  private func meter(_ piece: Span<UInt8>, endOfStream: Bool) -> ResponseMeter.Action {
    if !piece.isEmpty { life.answerReachedClient() }
    guard let meter = response.meter else { return .pass }
    if response.idReader != nil { rememberIDs(piece) }
    return meter.value!.consume(
      piece, nowMs: loop.now().milliseconds, endOfStream: endOfStream)
  }

  /// Remembers the ids that the client is about to see: it may continue them at once.
  private func rememberIDs(_ piece: Span<UInt8>) {
    response.idReader!.read(piece)
    let ids = response.idReader!.takeIDs().map { ResponseID($0.span) }
    let fresh = ids.filter { response.ids.insert($0).inserted }
    if !fresh.isEmpty { loop.remember(fresh, decision, tokens: 0) }
  }

  /// The response ended with trailers, without a last body message: what the meter holds back is sent
  /// where it can be.
  func responseEndsWithTrailers(_ stream: ExchangeStream) {
    if let meter = response.meter {
      let rest = meter.value!.takeHeld()
      // Only full duplex can send it. It is an event without its end, which clients ignore.
      if !rest.isEmpty, machine.echoesResponse {
        echo(.responseBody, rest.span, endOfStream: false, stream)
      }
    }
    responseEnded()
  }

  /// The end was seen.
  func responseEnded() {
    response.isWhole = true
    settle(life.answerEnded())
  }

  /// A response came without its request, and Envoy did not say whose it is. If Envoy sends no request
  /// headers at all, a client's own x-ai-model-route chooses the route: an operator must look.
  private func reportUnattributed() {
    loop.log.report(
      .warning, .gatewayMisconfigured,
      "a response passed without its request, and Envoy did not say whose it is. See that ext_proc's "
        + "request_header_mode is SEND, and list response.code_details in its response_attributes.")
  }

  /// A response without an admission: Envoy's own answer (the request was too large for its buffer,
  /// refused by another filter, of a route we never saw) passes; a backend's must not have happened.
  /// Where Envoy does not say which it is, a request that waited for its verdict decides: its answer
  /// is withheld.
  func judgeUnadmittedResponse(
    _ request: ProcessingRequest, in bytes: Span<UInt8>, _ stream: ExchangeStream
  ) {
    var head = ResponseHead()
    if let attributes = request.attributes {
      do throws(WireError) {
        try head.readAttributes(in: bytes, attributes)
      } catch {
        return fail(stream, GRPCFailure(.invalidArgument, "malformed attributes"))
      }
    }
    if head.source == .unknown, decision.requestID.isEmpty { reportUnattributed() }
    let isBackends =
      switch head.source {
      case .backend: true
      case .envoy: false
      case .unknown: self.request.inspection != nil
      }
    guard isBackends else {
      ProcessingReplies.proceed(.responseHeaders, &loop.writer)
      return stream.reply(loop.writer)
    }
    loop.log.report(
      .error, .gatewayMisconfigured,
      "a backend answered a request that was never admitted; the answer is withheld. "
        + "See that Envoy's ext_proc filter sends request headers and bodies "
        + "and that every model route matches on x-ai-model-route.")
    if decision.requestID.isEmpty { decision.requestID = loop.nextRequestID() }
    machine.refused()
    refuse(
      Refusal(
        .gatewayMisconfigured,
        "The gateway answered a request that it had not admitted. Its operator must mend it."),
      stream)
  }
}
