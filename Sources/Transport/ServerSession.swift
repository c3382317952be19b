import Bytes
import CNghttp2

/// nghttp2's session of a `ServerConnection`, and its calls: nghttp2's callbacks record events
/// here, and the events are acted on when nghttp2 has returned, while the input is still there.
///
/// Each call has a slot, its place in `calls`. Callbacks take slots and the processing of events
/// frees them. The two never run at the same time, so all recorded events of a slot belong to one
/// call.
final class ServerSession {
  let http2: HTTP2Session
  let limits: TransportLimits
  let fields = ResponseFields()
  private let router: any CallRouter
  /// The time that was told last.
  var now: MonotonicTime
  /// Whether the function that runs now was told the time.
  var isClockFresh = true
  /// See `ServerConnection.onWantsWrite`.
  var onWantsWrite: (() -> Void)?

  /// Calls by slot; slot 0 stays empty.
  @safe @exclusivity(unchecked) var calls: [Call?] = [nil]
  @safe @exclusivity(unchecked) var freeSlots: [Int32] = []
  /// How many of `calls` are not nil.
  var openCalls = 0
  /// Output buffers of calls that are gone, for new ones.
  @safe @exclusivity(unchecked) private var spareOutputs: [[UInt8]] = []

  /// What the callbacks recorded and was not acted on yet.
  @safe @exclusivity(unchecked) var events: [SessionEvent] = []
  /// The heads of the requests among `events`.
  @safe @exclusivity(unchecked) var heads: [RequestHead] = []
  /// The paths that `heads` point into.
  @safe @exclusivity(unchecked) var paths: [UInt8] = []
  /// The header block being received.
  @safe @exclusivity(unchecked) var head = RequestHead()
  /// When it began; nil where no header block is being received.
  var headBegan: MonotonicTime?
  /// The address of the bytes that nghttp2 reads now, to turn its pointers into offsets.
  var inputBase: UInt = 0
  /// The stream that was looked up last, because callbacks come in runs about one stream.
  var lastStream: Int32 = 0
  /// Its slot.
  var lastSlot: Int32 = 0

  @safe @exclusivity(unchecked) private var lease: BufferLease
  /// See `AbuseLimits.resets`.
  @safe @exclusivity(unchecked) var resets: GlitchBudget
  /// See `AbuseLimits.controlFrames`.
  @safe @exclusivity(unchecked) var controlFrames: GlitchBudget
  /// How many streams were refused, for want of room, since that was last asked; the connection
  /// itself counts as one.
  var refusedCount = 0
  /// One of the two is spent: the connection is to be ended.
  var isAbused = false

  /// The buffer that `fillOutput` is filling.
  @safe @exclusivity(unchecked) var output: [UInt8] = []
  /// How many bytes `fillOutput` fills it with.
  var outputTarget = 0
  /// The bytes of the connection's window that are returned after the events.
  private var connectionConsumed = 0
  /// How large the buffers of events are kept for the next run, and the table of calls for the next
  /// calls: a burst must not leave each connection with the memory that it took.
  private static let eventsKept = 4096
  private static let headsKept = 256
  private static let pathBytesKept = 16 << 10
  private static let slotsKept = 1024
  /// A stream's window is returned when so many bytes of it have come together.
  let returnStepBytes: Int
  private let firstMessageNanoseconds: Int64

  /// One of the connection's functions is running.
  var isBusy = false
  /// `onWantsWrite` was called and `fillOutput` has not been since.
  private var wantsWriteTold = false
  /// No more input is read: the session has failed, or was ended for abuse.
  var isInputClosed = false
  /// The connection is over, and every call's handler was told.
  var isShut = false
  @safe @exclusivity(unchecked) var timers: ConnectionTimers

  init(
    router: any CallRouter, limits: TransportLimits, budget: BufferBudget, now: MonotonicTime
  ) {
    self.router = router
    self.limits = limits
    self.now = now
    lease = BufferLease(
      budget: budget, limit: limits.connectionBufferBytesMax + limits.connectionBytes)
    let hasRoom = lease.takeBase(limits.connectionBytes)
    resets = GlitchBudget(limits.abuse.resets, now: now)
    controlFrames = GlitchBudget(limits.abuse.controlFrames, now: now)
    timers = ConnectionTimers(limits: limits, now: now)
    firstMessageNanoseconds = limits.firstMessageTimeout.wholeNanoseconds
    returnStepBytes = max(1, limits.streamWindowBytes / 4)
    http2 = unsafe HTTP2Session(
      role: .server, callbacks: ServerCallbacks.table,
      settings: [
        (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.id, limits.concurrentStreamsMax),
        (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.id, limits.streamWindowBytes),
        (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.id, limits.headerListBytesMax),
      ], windowBytes: limits.connectionWindowBytes)
    http2.attach(self)
    if !hasRoom { refuseConnection() }
  }

  /// There is no room for the connection: GOAWAY, and nothing is read.
  private func refuseConnection() {
    refusedCount += 1
    terminate(HTTP2ErrorCode.enhanceYourCalm)
  }

  // MARK: accounting

  /// Accounts for bytes that are kept for a call; false, and nothing accounted, where that is over
  /// a limit.
  func account(_ call: Call, _ bytes: Int) -> Bool {
    guard call.buffered + bytes <= limits.streamBufferBytesMax, lease.take(bytes) else {
      return false
    }
    call.buffered += bytes
    return true
  }

  /// Accounts for a stream; false, and nothing accounted, where that is over a limit: it is refused.
  /// From a callback.
  func admitStream(_ stream: Int32) -> Bool {
    if lease.take(limits.streamBytes) { return true }
    refusedCount += 1
    http2.submitReset(stream, HTTP2ErrorCode.refusedStream)
    return false
  }

  /// Takes back what `account` has accounted for.
  func unaccount(_ call: Call, _ bytes: Int) {
    call.buffered -= bytes
    lease.giveBack(bytes)
  }

  // MARK: a call's begin and end

  /// Makes the call for a request whose header block is complete. From a callback.
  func openCall(stream: Int32) -> Call {
    let slot: Int32
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = Int32(calls.count)
      calls.append(nil)
    }
    let call = Call(
      session: self, streamID: stream, slot: slot, output: spareOutputs.popLast() ?? [])
    calls[Int(slot)] = call
    openCalls += 1
    http2.setSlot(slot, of: stream)
    lastStream = stream
    lastSlot = slot
    return call
  }

  /// The stream's call, if it has one.
  func call(of stream: Int32) -> Call? {
    if stream != lastStream {
      lastStream = stream
      lastSlot = http2.slot(of: stream)
    }
    return calls[Int(lastSlot)]
  }

  /// Tells the call's handler that the call is over, and drops the handler.
  func conclude(_ call: Call, _ how: CallTermination) {
    guard let handler = call.handler else { return }
    call.handler = nil
    let retained = call.retained
    call.retained = 0
    unaccount(call, retained)
    handler.ended(how, on: call)
  }

  /// The stream is gone: forgets the call and frees its slot.
  func closeCall(_ call: Call) {
    call.phase = .closed
    call.isStreamGone = true
    unaccount(call, call.buffered)
    lease.giveBack(limits.streamBytes)
    if spareOutputs.count < 64, call.output.capacity > 0, call.output.capacity <= 16 << 10 {
      var spare: [UInt8] = []
      swap(&spare, &call.output)
      spare.removeAll(keepingCapacity: true)
      spareOutputs.append(spare)
    } else {
      call.output = []
    }
    call.outputSent = 0
    call.session = nil
    calls[Int(call.slot)] = nil
    freeSlots.append(call.slot)
    openCalls -= 1
    if openCalls == 0 { timers.becameIdle(isClockFresh ? now : nil) }
  }

  /// Ends everything: tells the handler of each open call.
  func shut() {
    guard !isShut else { return }
    isShut = true
    isInputClosed = true
    for slot in calls.indices {
      guard let call = calls[slot] else { continue }
      call.isStreamGone = true
      conclude(call, call.trailersSent ? .finished : .connectionLost)
      closeCall(call)
    }
    events.removeAll()
    lease.giveBackBase()
  }

  /// Shuts the session when it can neither read nor write any more.
  func shutIfDone() {
    guard !isShut, events.isEmpty, !http2.wantsRead, !http2.wantsWrite else { return }
    shut()
  }

  /// Ends the connection because of abuse or a broken session: GOAWAY is sent, and nothing after
  /// it.
  func terminate(_ code: UInt32) {
    guard !isInputClosed else { return }
    isInputClosed = true
    http2.terminate(code)
  }

  // MARK: output that waits

  /// Calls `onWantsWrite`, once. Not while one of the connection's functions runs: the loop flushes
  /// after that anyway.
  func outputWaits() {
    timers.outputWaits(isClockFresh ? now : nil)
    guard !isBusy, !wantsWriteTold else { return }
    wantsWriteTold = true
    onWantsWrite?()
  }

  /// `fillOutput` was called.
  func wantsWriteAnswered() { wantsWriteTold = false }

  /// DATA came for a stream without a call: the connection's window is returned all the same.
  func discarded(_ bytes: Int) { connectionConsumed += bytes }

  // MARK: events

  /// Acts on the events; their offsets count in `bytes`.
  func processEvents(_ bytes: Span<UInt8>) {
    if !events.isEmpty { actOnEvents(bytes) }
    if connectionConsumed > 0 {
      http2.consumeConnection(connectionConsumed)
      connectionConsumed = 0
    }
  }

  private func actOnEvents(_ bytes: Span<UInt8>) {
    var index = 0
    while index < events.count {
      let event = events[index]
      index += 1
      // No call: an earlier event of this run has closed it, or the event is about the connection.
      guard let call = calls[Int(event.slot)] else {
        if event.kind == .drainAcknowledged { finishDrain() }
        continue
      }
      switch event.kind {
      case .request: begin(call, heads[event.offset])
      case .data:
        deliver(bytes.extracting(event.offset..<event.offset + event.count), to: call)
      case .remoteEnd: remoteEnded(call)
      case .overflow:
        http2.submitReset(call.streamID, HTTP2ErrorCode.enhanceYourCalm)
        conclude(call, .failed)
      case .closed: closed(call)
      case .drainAcknowledged: break
      }
    }
    events.removeAll(keepingCapacity: events.capacity <= Self.eventsKept)
    if !heads.isEmpty { heads.removeAll(keepingCapacity: heads.capacity <= Self.headsKept) }
    if !paths.isEmpty { dropPaths() }
    if openCalls == 0, calls.capacity > Self.slotsKept { dropSlots() }
  }

  /// Forgets the table of calls, which is empty.
  private func dropSlots() {
    calls = [nil]
    freeSlots = []
    lastStream = 0
    lastSlot = 0
  }

  /// Forgets the paths of requests that were begun, but keeps the path of a header block that is
  /// not complete yet. This is done after every read, also inside a header block: a peer could send
  /// its bytes so that every read ends inside one, and the paths would grow without limit.
  private func dropPaths() {
    guard headBegan != nil else {
      return paths.removeAll(keepingCapacity: paths.capacity <= Self.pathBytesKept)
    }
    paths.removeSubrange((head.pathStart + head.pathCount)...)
    paths.removeSubrange(..<head.pathStart)
    head.pathStart = 0
  }

  /// A request's header block is complete: refuses it or finds its handler.
  private func begin(_ call: Call, _ head: RequestHead) {
    // It was reset in the same bytes: no work for it.
    guard !call.isStreamGone else { return }
    controlFrames.earn(limits.abuse.controlFramesEarned)
    guard head.contentType == .grpc else {
      return refuse(call, .unsupportedMediaType, withoutBody: head.method == .head)
    }
    guard head.method == .post else {
      return refuse(call, .methodNotAllowed, withoutBody: head.method == .head)
    }
    switch head.timeout {
    case .absent: break
    case .malformed: return finish(call, .failed(.malformedTimeout))
    case .nanoseconds(let nanoseconds):
      call.deadline = now.advanced(byNanoseconds: nanoseconds)
      timers.deadline(call.deadline)
    }
    call.encoding = head.encoding
    let paths = self.paths
    let path = paths.span.extracting(head.pathStart..<head.pathStart + head.pathCount)
    guard let handler = router.handler(path: path) else {
      return finish(call, .failed(.unknownMethod))
    }
    call.handler = handler
    call.firstMessageBy = now.advanced(byNanoseconds: firstMessageNanoseconds)
    timers.deadline(call.firstMessageBy)
  }

  /// Gives the messages in a chunk of DATA to the handler, and returns the window.
  private func deliver(_ bytes: Span<UInt8>, to call: Call) {
    connectionConsumed += bytes.count
    call.unreturned += bytes.count
    var offset = 0
    delivery: while let handler = call.handler, case .open = call.phase {
      switch call.deframer.next(in: bytes, from: &offset) {
      case .needsMore: break delivery
      case .message(let range):
        call.firstMessageBy = .never
        handler.message(bytes.extracting(range), on: call)
      case .started(let size):
        call.firstMessageBy = .never
        handler.messageStarted(size: size, on: call)
      case .bytes(let range): handler.messageBytes(bytes.extracting(range), on: call)
      case .ended: handler.messageEnded(on: call)
      case .refused(let fault): fail(call, failure(of: fault, call), .failed)
      }
    }
    if call.unreturned >= returnStepBytes { returnWindow(call) }
  }

  private func failure(of fault: MessageDeframer.Fault, _ call: Call) -> GRPCFailure {
    switch fault {
    case .tooLarge(let limit, let actual):
      return .messageTooLarge(limit: limit, actual: actual)
    case .reservedFlag: return .reservedFlag
    case .compressed:
      guard call.encoding == .other else { return .compressedWithoutEncoding }
      call.advertisesEncodings = true
      return .unsupportedEncoding
    }
  }

  /// Returns the stream's window, unless too much output waits: a peer that does not read may not
  /// send.
  func returnWindow(_ call: Call) {
    guard call.unreturned > 0, !call.isStreamGone, !call.remoteEnded,
      call.unsent <= limits.outputHighWaterBytes
    else { return }
    http2.consumeStream(call.streamID, call.unreturned)
    call.unreturned = 0
  }

  /// END_STREAM has come: at a message's end the handler is told, within a message the call fails.
  private func remoteEnded(_ call: Call) {
    guard let handler = call.handler, case .open = call.phase else { return }
    guard call.deframer.isAtBoundary else { return fail(call, .cutMessage, .failed) }
    handler.halfClosed(on: call)
  }

  /// nghttp2 has closed the stream.
  private func closed(_ call: Call) {
    let how: CallTermination =
      if call.trailersSent { .finished } else if let code = call.peerReset { .reset(code) } else {
        .failed
      }
    if call.peerReset != nil, !call.trailersSent, case .none = call.response,
      !resets.spend(now: now)
    {
      isAbused = true
    }
    conclude(call, how)
    closeCall(call)
  }
}
