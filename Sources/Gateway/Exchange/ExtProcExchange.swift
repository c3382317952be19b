import Bytes
import EnvoyAPI
import Inference
import Ledger
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
final class ExtProcExchange: CallHandler, WaitsForRecord {
  let loop: GatewayLoop
  /// The policy the exchange began with; a reload does not change it.
  let policy: CompiledPolicy
  @safe @exclusivity(unchecked) var machine = ExchangeMachine()
  @safe @exclusivity(unchecked) private var assembler = ProcessingRequestAssembler()
  /// Bytes accounted for what the assembler keeps.
  private var gatheredAccounted = 0
  private var isFirst = true
  /// `observability_mode`: Envoy waits for no reply and heeds none.
  private var observes = false
  private(set) var hasEnded = false
  /// Once there is one the stream may end OK.
  @safe @exclusivity(unchecked) var verdict: Verdict?
  @safe @exclusivity(unchecked) private(set) var modes: ProcessingRequest.BodyModes?

  @safe @exclusivity(unchecked) var decision = DecisionRecord(requestID: [])
  var isAnthropic = false
  var isGRPC = false
  @safe @exclusivity(unchecked) var inspection: HeadDecision.Inspection?
  @safe @exclusivity(unchecked) var reader: BodyReader?
  /// Full duplex: what the reply to the headers, sent after the body, takes out.
  @safe @exclusivity(unchecked) var removals: [UInt8] = []
  /// The size of the message that arrives in pieces: about that of the body in it.
  var messageBytes = 0
  /// What we worked on the message that arrives in pieces, so far.
  private var messageNanoseconds: Int64 = 0
  /// What the last whole message was.
  @safe @exclusivity(unchecked) private var phase: ProcessingPhase?
  /// Whether the body may have to be sent back, once its model is known.
  var mayRename: Bool?
  /// Bytes accounted for the kept body.
  var retained = 0

  /// What records say of the request.
  @safe @exclusivity(unchecked) var traits: RequestTraits?
  /// From the admission to its settlement.
  @safe @exclusivity(unchecked) var account: Account?
  /// Replies that wait for the admission's record, and the call that they wait for.
  @safe @exclusivity(unchecked) var held: HeldReplies?
  var waitingCall: Call?
  var heldAccounted = 0
  /// Whether the admission is on record is not known yet.
  var awaitsRecord = false
  /// The filter before this one let the request through, and settled it (`enforce_at: "ext_authz"`).
  var wasSettledBefore = false
  /// What was settled meanwhile: on record, and counted, if the admission is.
  @safe @exclusivity(unchecked) var settledUnrecorded: Ledger.Completion?
  /// The other side has said all, and its answer still waits for the record.
  var isHalfClosed = false
  /// A response body's message, where its replacement must be known whole.
  @safe @exclusivity(unchecked) var gatheredResponse: [UInt8] = []
  var gatheredResponseAccounted = 0
  /// What was settled and not yet said in a reply's metadata.
  @safe @exclusivity(unchecked) var settled: Ledger.Completion?

  init(_ loop: GatewayLoop) {
    self.loop = loop
    policy = loop.policy
  }

  // MARK: CallHandler

  func message(_ bytes: Span<UInt8>, on call: Call) {
    let began = measures ? SystemClock.monotonicNanoseconds() : 0
    let stream = ExchangeStream(call, holding: held)
    do throws(WireError) {
      handle(try ProcessingRequest(bytes), in: bytes, bodyWasHandedOver: false, stream)
    } catch {
      malformed(stream)
    }
    keepWaiting(call)
    measured(since: began)
  }

  private var measures: Bool { loop.metrics != nil }

  /// A message was worked on.
  private func measured(since began: Int64) {
    guard let metrics = loop.metrics else { return }
    if let stage = phase?.stage {
      metrics.worked(SystemClock.monotonicNanoseconds() - began + messageNanoseconds, stage)
    }
    phase = nil
    messageNanoseconds = 0
  }

  /// Replies are held: the call is remembered for when they may go, and counted against its limit.
  private func keepWaiting(_ call: Call) {
    guard held != nil, !hasEnded else { return }
    waitingCall = call
    accountHeld(ExchangeStream(call))
  }

  func messageStarted(size: Int, on call: Call) {
    assembler.start(size: size)
    messageBytes = size
  }

  func messageBytes(_ bytes: Span<UInt8>, on call: Call) {
    let began = measures ? SystemClock.monotonicNanoseconds() : 0
    defer { if measures { messageNanoseconds += SystemClock.monotonicNanoseconds() - began } }
    let stream = ExchangeStream(call, holding: held)
    do throws(WireError) {
      try assembler.add(bytes) { phase, piece in bodyPiece(phase, piece, stream) }
    } catch {
      malformed(stream)
    }
    account(gathered: assembler.gatheredBytes, stream)
    // Pieces that are echoed while the verdict is held are held too.
    if held != nil, !hasEnded { accountHeld(stream) }
  }

  /// What the assembler keeps of a message counts like a kept body.
  private func account(gathered: Int, _ stream: ExchangeStream) {
    guard !hasEnded, gathered > gatheredAccounted else { return }
    guard stream.retain(bytes: gathered - gatheredAccounted) else { return buffersFull(stream) }
    gatheredAccounted = gathered
  }

  func messageEnded(on call: Call) {
    guard !hasEnded else { return }
    let began = measures ? SystemClock.monotonicNanoseconds() : 0
    let stream = ExchangeStream(call, holding: held)
    stream.release(bytes: gatheredAccounted)
    gatheredAccounted = 0
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
    keepWaiting(call)
    measured(since: began)
  }

  func halfClosed(on call: Call) {
    guard !hasEnded else { return }
    guard held == nil else {
      // All has been asked; what is answered depends on the record still.
      isHalfClosed = true
      return
    }
    hasEnded = true
    let stream = ExchangeStream(call)
    if let verdict {
      stream.complete(verdict)
    } else if observes {
      stream.fail(GRPCFailure(.failedPrecondition, "observability_mode cannot enforce a policy"))
    } else {
      stream.fail(GRPCFailure(.aborted, "the stream ended before a verdict"))
    }
  }

  func ended(_ how: CallTermination, on call: Call) {
    hasEnded = true
    held = nil
    waitingCall = nil
    dropBody(ExchangeStream(call))
    settle()
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
    if isFirst { begin(request) }
    self.phase = request.phase
    guard let phase = request.phase else {
      return fail(stream, GRPCFailure(.unimplemented, "a message of an unknown kind"))
    }
    if observes { return }
    let action = machine.received(Self.event(phase, request))
    perform(action, request, in: bytes, bodyWasHandedOver: bodyWasHandedOver, stream)
  }

  private func begin(_ request: ProcessingRequest) {
    isFirst = false
    modes = request.bodyModes
    if let modes { machine.configure(modes) }
    if request.observabilityMode {
      observes = true
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
    guard !hasEnded, !observes else { return }
    if phase == .requestBody, machine.inspectsBody {
      scan(piece, keep: keepsBody, stream)
      if retained > 0, !keepsBody { dropKept(stream) }
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
      guard !hasEnded, verdict == nil else { return }
      decideBody(
        replyTo: replyTo, duplex: duplex, body: body, bodyIsHere: !bodyWasHandedOver && !duplex,
        hasTrailers: request.phase == .requestTrailers, stream)
      if request.phase == .requestTrailers, duplex, machine.hasAdmission {
        proceedTrailers(
          .requestTrailers, request, in: bytes, held.map(stream.holding) ?? stream)
      }
    case .holdBody:
      if !bodyWasHandedOver { scan(bytes.extracting(request.body), keep: true, stream) }
      if !hasEnded, reader?.isOverLimit == true {
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
      } else if !body.isEmpty || endOfStream {
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
    recordRefusal(refusal)
    ProcessingReplies.refuse(
      refusal, anthropic: isAnthropic, isGRPC: isGRPC, decision, policy.prepared, &loop.writer)
    verdict = stream.verdict(loop.writer)
    dropBody(stream)
  }

  /// The kept body goes back to the spare buffers.
  func dropBody(_ stream: ExchangeStream) {
    if reader != nil {
      // In place: a copy of the reader would be larger than most bodies.
      loop.giveBack(reader!.takeKept())
      reader = nil
    }
    releaseKept(stream)
  }

  /// Takes the kept body out to send it back. It is accounted once: what is kept becomes what waits
  /// to be sent, and the largest body that a policy may allow is more than half of a stream's limit.
  func takeKept(_ stream: ExchangeStream) -> [UInt8] {
    let kept = reader!.takeKept()
    releaseKept(stream)
    return kept
  }

  /// What was kept of the body turned out not to be needed.
  private func dropKept(_ stream: ExchangeStream) {
    loop.giveBack(reader!.takeKept())
    releaseKept(stream)
  }

  private func releaseKept(_ stream: ExchangeStream) {
    if retained > 0 {
      stream.release(bytes: retained)
      retained = 0
    }
  }
}
