import Bytes
import EnvoyAPI
import Log
import Metrics
import Policy
import Terms
import Transport

/// One HTTP request and its response as Envoy shows them over one ext_proc stream.
///
/// `ExchangeMachine` says what comes next, `HeadDecision` and `BodyDecision` what is decided,
/// `ProcessingReplies` how it is written; this type carries the bytes between them.
///
/// What every message touches is not checked for exclusivity at run time: it costs a twentieth of a
/// short exchange, and no function that such a property is handed to knows the exchange.
final class ExtProcExchange: CallHandler, WaitsForBooks {
  let loop: GatewayLoop
  /// The policy the exchange began with; a reload does not change it.
  let policy: CompiledPolicy
  /// The order of Envoy's messages.
  @safe @exclusivity(unchecked) var machine = ExchangeMachine()
  /// Reserved, recorded, released, settled.
  @safe @exclusivity(unchecked) var life = ExchangeLife()
  let decision = Decision()
  /// Puts together messages that arrive in pieces. Apart from `message`: it calls back, and what it
  /// calls reads that.
  @safe @exclusivity(unchecked) private var assembler = ProcessingRequestAssembler()
  @safe @exclusivity(unchecked) var message = IncomingMessage()
  @safe @exclusivity(unchecked) var request = RequestBody()
  @safe @exclusivity(unchecked) var response = ResponseBody()
  /// Replies that wait for the admission's record.
  @safe @exclusivity(unchecked) var replies: HeldReplies?
  /// Once there is one the stream may end OK.
  @safe @exclusivity(unchecked) var verdict: Verdict?
  /// The stream is over, or we have ended it: nothing is sent any more.
  private(set) var hasEnded = false

  init(_ loop: GatewayLoop) {
    self.loop = loop
    policy = loop.policy
  }

  // MARK: CallHandler

  func message(_ bytes: Span<UInt8>, on call: Call) {
    let began = measures ? SystemClock.monotonicNanoseconds() : 0
    let stream = ExchangeStream(call, holding: replies)
    do throws(WireError) {
      handle(try ProcessingRequest(bytes), in: bytes, bodyWasHandedOver: false, stream)
    } catch {
      malformed(stream)
    }
    countReplies(stream)
    measured(since: began)
  }

  private var measures: Bool { loop.metrics != nil }

  /// A message was worked on.
  private func measured(since began: Int64) {
    guard let metrics = loop.metrics else { return }
    if let stage = message.phase?.stage {
      metrics.worked(SystemClock.monotonicNanoseconds() - began + message.nanoseconds, stage)
    }
    message.phase = nil
    message.nanoseconds = 0
  }

  func messageStarted(size: Int, on call: Call) {
    assembler.start(size: size)
    message.size = size
  }

  func messageBytes(_ bytes: Span<UInt8>, on call: Call) {
    let began = measures ? SystemClock.monotonicNanoseconds() : 0
    defer { if measures { message.nanoseconds += SystemClock.monotonicNanoseconds() - began } }
    let stream = ExchangeStream(call, holding: replies)
    do throws(WireError) {
      try assembler.add(bytes) { phase, piece in bodyPiece(phase, piece, stream) }
    } catch {
      malformed(stream)
    }
    count(gathered: assembler.gatheredBytes, stream)
    // Pieces that are echoed while the verdict is held are held too.
    countReplies(stream)
  }

  /// What the assembler keeps of a message counts like a kept body.
  private func count(gathered: Int, _ stream: ExchangeStream) {
    guard !hasEnded, gathered > message.countedBytes else { return }
    guard stream.retain(bytes: gathered - message.countedBytes) else {
      return buffersFull(stream)
    }
    message.countedBytes = gathered
  }

  func messageEnded(on call: Call) {
    guard !hasEnded else { return }
    let began = measures ? SystemClock.monotonicNanoseconds() : 0
    let stream = ExchangeStream(call, holding: replies)
    stream.release(bytes: message.countedBytes)
    message.countedBytes = 0
    var assembler = ProcessingRequestAssembler()
    swap(&assembler, &self.assembler)
    do throws(WireError) {
      let bodyWasHandedOver = assembler.bodyPhase != nil
      try assembler.finish { request, bytes in
        handle(request, in: bytes, bodyWasHandedOver: bodyWasHandedOver, stream)
      }
      swap(&assembler, &self.assembler)
    } catch {
      malformed(stream)
    }
    countReplies(stream)
    measured(since: began)
  }

  func halfClosed(on call: Call) {
    // Where replies wait for the record, the end waits behind them.
    guard !hasEnded, !life.halfClosed() else { return }
    endStream(ExchangeStream(call))
  }

  /// Ends the stream: Envoy has closed its half.
  func endStream(_ stream: ExchangeStream) {
    guard !hasEnded else { return }
    hasEnded = true
    if let verdict {
      stream.complete(verdict)
    } else if machine.isObserved {
      stream.fail(GRPCFailure(.failedPrecondition, "observability_mode cannot enforce a policy"))
    } else {
      stream.fail(GRPCFailure(.aborted, "the stream ended before a verdict"))
    }
  }

  func ended(_ how: CallTermination, on call: Call) {
    hasEnded = true
    replies = nil
    dropBody(ExchangeStream(call))
    if let began = response.beganMs,
      loop.now().milliseconds - began >= ResponseBody.headersArriveMs
    {
      life.answerReachedClient()
    }
    loop.withdraw(life.takeTicket())
    settle(life.streamEnded())
    loop.metrics?.called(
      .process,
      CallStatus(how, call.end, isServed: verdict != nil || machine.isUnadmittedResponse))
  }

  // MARK: Messages

  private func handle(
    _ request: ProcessingRequest, in bytes: Span<UInt8>, bodyWasHandedOver: Bool,
    _ stream: ExchangeStream
  ) {
    guard !hasEnded else { return }
    if !machine.hasBegun { begin(request) }
    message.phase = request.phase
    guard let phase = request.phase else {
      return fail(stream, GRPCFailure(.unimplemented, "a message of an unknown kind"))
    }
    if machine.isObserved { return }
    let action = machine.received(Self.event(phase, request))
    perform(action, request, in: bytes, bodyWasHandedOver: bodyWasHandedOver, stream)
  }

  private func begin(_ request: ProcessingRequest) {
    machine.began(request.bodyModes, isObserved: request.observabilityMode)
    if request.observabilityMode {
      loop.log.report(
        .warning, .notEnforced,
        "ext_proc runs in observability_mode: nothing is enforced. "
          + "Take observability_mode out of Envoy's ext_proc filter.")
    }
  }

  private static func event(
    _ phase: ProcessingPhase, _ request: ProcessingRequest
  ) -> ExchangeMachine.Event {
    let endOfStream = request.endOfStream || request.endOfStreamWithoutMessage
    return switch phase {
    case .requestHeaders: .requestHeaders(endOfStream: endOfStream)
    case .requestBody: .requestBody(endOfStream: endOfStream)
    case .requestTrailers: .requestTrailers
    case .responseHeaders: .responseHeaders(endOfStream: endOfStream)
    case .responseBody: .responseBody(endOfStream: endOfStream)
    case .responseTrailers: .responseTrailers
    }
  }

  /// A piece of a body that is handed over while its message arrives.
  private func bodyPiece(
    _ phase: ProcessingPhase, _ piece: Span<UInt8>, _ stream: ExchangeStream
  ) {
    guard !hasEnded, !machine.isObserved else { return }
    if phase == .requestBody, machine.inspectsBody {
      scan(piece, keep: keepsBody, stream)
      if request.keptBytes > 0, !keepsBody { dropKept(stream) }
    } else if phase == .requestBody {
      if machine.echoesRequest { echo(phase, piece, endOfStream: false, stream) }
    } else {
      responsePiece(piece, stream)
    }
  }

  private func perform(
    _ action: ExchangeMachine.Action, _ request: ProcessingRequest, in bytes: Span<UInt8>,
    bodyWasHandedOver: Bool, _ stream: ExchangeStream
  ) {
    switch action {
    case .decideHead(let endOfStream):
      decideHead(request, in: bytes, endOfStream: endOfStream, stream)
    case .decideBody(let replyTo, let duplex):
      let body = bytes.extracting(request.body)
      if !bodyWasHandedOver { scan(body, keep: duplex, stream) }
      guard !hasEnded, !machine.hasVerdict else { return }
      decideBody(
        replyTo: replyTo, duplex: duplex, body: body, bodyIsHere: !bodyWasHandedOver && !duplex,
        hasTrailers: request.phase == .requestTrailers, stream)
      if request.phase == .requestTrailers, duplex, machine.hasAdmission {
        proceedTrailers(
          .requestTrailers, request, in: bytes, replies.map(stream.holding) ?? stream)
      }
    case .holdBody:
      if !bodyWasHandedOver { scan(bytes.extracting(request.body), keep: true, stream) }
      if !hasEnded, self.request.reader?.value?.isOverLimit == true {
        machine.refused()
        refuse(.tooLarge(limit: policy.snapshot.maxBodyBytes), stream)
      }
    case .refusePartialBody:
      machine.bodyDecided(admitted: false)
      refuse(
        Refusal(.requestTooLarge, "The request body is larger than the gateway buffers."), stream)
    case .proceed(let phase):
      switch phase {
      case .requestTrailers: proceedTrailers(phase, request, in: bytes, stream)
      case .responseTrailers:
        responseEndsWithTrailers(stream)
        proceedTrailers(phase, request, in: bytes, stream)
      case .responseBody:
        responseBody(
          bodyWasHandedOver ? bytes.extracting(0..<0) : bytes.extracting(request.body),
          endOfStream: request.endOfStream, stream)
      case .requestHeaders, .requestBody, .responseHeaders:
        ProcessingReplies.proceed(phase, &loop.writer)
        stream.reply(loop.writer)
      }
    case .echo(let phase, let endOfStream):
      let body = bodyWasHandedOver ? bytes.extracting(0..<0) : bytes.extracting(request.body)
      if phase == .responseBody {
        responseBody(body, endOfStream: endOfStream, stream)
      } else {
        echo(phase, body, endOfStream: endOfStream, stream)
      }
    case .beginResponse: beginResponse(request, in: bytes, stream)
    case .judgeUnadmittedResponse: judgeUnadmittedResponse(request, in: bytes, stream)
    case .ignore: break
    case .fail(let failure): fail(stream, failure)
    }
  }

  // MARK: Ends

  func fail(_ stream: ExchangeStream, _ failure: GRPCFailure) {
    guard !hasEnded else { return }
    hasEnded = true
    life.streamFailed()
    replies = nil
    stream.fail(failure)
  }

  /// The stream's, the connection's or the process's limit on kept bytes is reached.
  func buffersFull(_ stream: ExchangeStream) {
    fail(stream, GRPCFailure(.resourceExhausted, "the gateway's body buffers are full"))
  }

  /// The same while a body is read: the client is told, in JSON, to come again.
  func overloaded(_ stream: ExchangeStream) {
    loop.log.report(
      .warning, .buffersFull,
      "request bodies are refused: --max-stream-buffer-bytes, --max-connection-buffer-bytes or "
        + "--max-buffer-bytes is reached")
    machine.refused()
    // First, so that there is room for the answer.
    dropBody(stream)
    refuse(Refusal(.overloaded, "The gateway holds as much as it may; try again."), stream)
  }

  private func malformed(_ stream: ExchangeStream) {
    fail(stream, GRPCFailure(.invalidArgument, "malformed ProcessingRequest"))
  }

  /// Sends an ImmediateResponse; the exchange is decided.
  func refuse(_ refusal: Refusal, _ stream: ExchangeStream) {
    decision.refusal = refusal.code
    loop.deny(refusal, decision, under: policy, wasSettled: life.wasSettledBefore)
    ProcessingReplies.refuse(
      refusal, decision, policy.prepared, &loop.writer)
    verdict = stream.verdict(loop.writer)
    dropBody(stream)
  }

  /// The kept body goes back to the spare buffers.
  func dropBody(_ stream: ExchangeStream) {
    if let reader = request.reader {
      loop.giveBack(reader.value!.takeKept())
      request.reader = nil
      loop.readers.giveBack(reader)
    }
    releaseKept(stream)
  }

  /// Takes the kept body out to send it back. It is accounted once: what is kept becomes what waits
  /// to be sent, and the largest body that a policy may allow is more than half of a stream's limit.
  func takeKept(_ stream: ExchangeStream) -> [UInt8] {
    let kept = request.reader!.value!.takeKept()
    releaseKept(stream)
    return kept
  }

  /// What was kept of the body turned out not to be needed.
  private func dropKept(_ stream: ExchangeStream) {
    loop.giveBack(request.reader!.value!.takeKept())
    releaseKept(stream)
  }

  private func releaseKept(_ stream: ExchangeStream) {
    if request.keptBytes > 0 {
      stream.release(bytes: request.keptBytes)
      request.keptBytes = 0
    }
  }
}
