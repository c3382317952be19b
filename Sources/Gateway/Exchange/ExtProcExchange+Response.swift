import Books
import Bytes
import EnvoyAPI
import Inference
import Log
import Policy
import Quota
import Terms
import Transport

/// The response's half of an exchange.
extension ExtProcExchange {
  /// `response.flags` of answers for which no backend was reached: UH, UF, UO, NR.
  private static let unreachedFlags: UInt64 = 0x2 | 0x20 | 0x80 | 0x100
  private static let codeDetails: StaticString = "response.code_details"
  private static let flags: StaticString = "response.flags"
  private static let upstream: StaticString = "upstream.address"
  private static let viaUpstream: StaticString = "via_upstream"
  private static let directResponse: StaticString = "direct_response"

  /// The response of an admitted exchange begins: what it is decides how it is metered.
  func beginResponse(
    _ request: ProcessingRequest, in bytes: Span<UInt8>, _ stream: ExchangeStream
  ) {
    var limits: [(name: [UInt8], value: [UInt8])] = []
    if let open = life.open {
      do throws(WireError) {
        try readResponse(request, of: open, in: bytes)
      } catch {
        return fail(stream, GRPCFailure(.invalidArgument, "malformed response_headers"))
      }
      if let books = loop.books {
        limits = GatewayLoop.rateLimits(
          open.request, by: books, anthropic: decision.isAnthropic)
      }
      if request.endOfStream { responseEnded() }
    }
    ProcessingReplies.beginResponse(
      routeName: decision.route?.name.bytes, requestID: decision.requestID, limits,
      metadata: takeUsage(), &loop.writer)
    stream.reply(loop.writer)
  }

  private func readResponse(
    _ request: ProcessingRequest, of open: OpenAdmission, in bytes: Span<UInt8>
  ) throws(WireError) {
    var head = ResponseHead()
    try HeaderMap.forEach(in: bytes, request.headers) { name, value in
      head.add(bytes.extracting(name), value, in: bytes)
    }
    var isGateways = false
    var wasReached = true
    if let attributes = request.attributes {
      if let details = try StructFields.string(Self.codeDetails, in: bytes, attributes),
        !details.isEmpty
      {
        let text = bytes.extracting(details)
        isGateways = !text.elementsEqual(Self.viaUpstream)
        if text.elementsEqual(Self.directResponse) { wasReached = false }
      }
      if case .number(let flags)? = try StructFields.value(
        of: Self.flags, in: bytes, attributes), isGateways,
        flags >= 0, flags < 9e15, UInt64(flags) & Self.unreachedFlags != 0
      {
        wasReached = false
      }
      if let upstream = try StructFields.string(Self.upstream, in: bytes, attributes),
        upstream.count <= 64
      {
        response.backend = String(decoding: bytes.extracting(upstream).copy(), as: UTF8.self)
      }
    }
    life.answerBegan(status: head.status, isGateways: isGateways, wasReached: wasReached)
    // What comes before the verdict is Envoy's own, too.
    guard !isGateways, !life.holdsReplies else { return }
    response.meter = ResponseMeter(
      .init(
        format: head.isEncoded
          ? .other : ResponseFormat(contentType: bytes.extracting(head.contentType)),
        status: head.status ?? 0, isMetered: open.request.isMetered,
        removesUsageChunk: response.removesUsageChunk, startedMs: open.timeMs))
  }

  /// A piece of a response body that is handed over while its message arrives.
  func responsePiece(_ piece: Span<UInt8>, _ stream: ExchangeStream) {
    if response.meter != nil, response.removesUsageChunk {
      // What replaces it is known when all of it is here.
      guard stream.retain(bytes: piece.count) else { return buffersFull(stream) }
      response.gatheredBytes += piece.count
      response.gathered.append(piece)
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
        ProcessingReplies.streamedBody(
          .responseBody, bytes: body.count, endOfStream: endOfStream, metadata: metadata,
          &loop.writer)
        if !body.isEmpty || endOfStream { stream.reply(loop.writer, body: body) }
      case .replace(let bytes):
        ProcessingReplies.streamedBody(
          .responseBody, bytes: bytes.count, endOfStream: endOfStream, metadata: metadata,
          &loop.writer)
        if !bytes.isEmpty || endOfStream { stream.reply(loop.writer, body: bytes.span) }
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
    guard response.meter != nil else { return .pass }
    return response.meter!.consume(
      piece, nowMs: loop.now().milliseconds, endOfStream: endOfStream)
  }

  /// The end came without a last body message: what the meter holds back goes where it still can.
  func responseEndsWithTrailers(_ stream: ExchangeStream) {
    if response.meter != nil {
      let rest = response.meter!.takeHeld()
      // Only full duplex has a place for it. It is an event without its end, which no client heeds.
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

  /// No request phase, and nothing that tells Envoy's own answer from a backend's: were request
  /// headers not sent to us at all, a client's own x-ai-model-route would choose the route.
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
    var details: Range<Int>?
    if let attributes = request.attributes {
      do throws(WireError) {
        details = try StructFields.string(Self.codeDetails, in: bytes, attributes)
      } catch {
        return fail(stream, GRPCFailure(.invalidArgument, "malformed attributes"))
      }
    }
    let isBackends: Bool
    if let details, !details.isEmpty {
      isBackends = bytes.extracting(details).elementsEqual(Self.viaUpstream)
    } else {
      isBackends = self.request.inspection != nil
      if decision.requestID.isEmpty { reportUnattributed() }
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
      Refusal(.gatewayMisconfigured, "The request was answered without having been admitted."),
      stream)
  }
}

/// What metering needs of a response's headers.
private struct ResponseHead {
  var status: Int?
  var contentType = 0..<0
  var isEncoded = false

  private static let statusName: StaticString = ":status"
  private static let contentTypeName: StaticString = "content-type"
  private static let contentEncodingName: StaticString = "content-encoding"
  private static let identity: StaticString = "identity"

  mutating func add(_ name: Span<UInt8>, _ value: Range<Int>, in bytes: Span<UInt8>) {
    switch name.count {
    case 7 where name.elementsEqual(Self.statusName):
      status = Int(String(decoding: bytes.extracting(value).copy(), as: UTF8.self))
    case 12 where name.elementsEqual(Self.contentTypeName): contentType = value
    case 16 where name.elementsEqual(Self.contentEncodingName):
      isEncoded = !bytes.extracting(value).elementsEqual(Self.identity)
    default: break
    }
  }
}
