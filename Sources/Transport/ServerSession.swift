import Bytes
import CNghttp2

/// The inside of a `ServerConnection`: nghttp2's callbacks record events here, and the events are
/// acted on after nghttp2 has returned, while the input is still there.
///
/// Slots are taken by callbacks and freed by event processing, never both at once, so a slot's
/// events are all of one call.
final class ServerSession {
  let http2: HTTP2Session
  let limits: TransportLimits
  let fields = ResponseFields()
  private let router: any CallRouter
  /// The time as it was told last.
  var now: MonotonicTime
  /// Whether `now` was told by the entry point that is running.
  var isClockFresh = true
  /// Told once when output comes to wait from outside `receive`, `fillOutput` and `tick`.
  var onWantsWrite: (() -> Void)?

  /// Calls by slot; slot 0 stays empty.
  @safe @exclusivity(unchecked) var calls: [Call?] = [nil]
  @safe @exclusivity(unchecked) var freeSlots: [Int32] = []
  var openCalls = 0
  /// Buffers of calls that are gone.
  @safe @exclusivity(unchecked) private var spareOutputs: [[UInt8]] = []

  /// What the callbacks recorded and nobody acted on yet.
  @safe @exclusivity(unchecked) var events: [SessionEvent] = []
  @safe @exclusivity(unchecked) var heads: [RequestHead] = []
  /// The paths that `heads` point into.
  @safe @exclusivity(unchecked) var paths: [UInt8] = []
  /// The header block being received.
  @safe @exclusivity(unchecked) var head = RequestHead()
  var headBegan: MonotonicTime?
  /// Where the bytes under nghttp2 begin, to turn its pointers into offsets.
  var inputBase: UInt = 0
  /// The stream looked up last: callbacks come in runs of one stream.
  var lastStream: Int32 = 0
  var lastSlot: Int32 = 0

  @safe @exclusivity(unchecked) private var lease: BufferLease
  @safe @exclusivity(unchecked) var resets: GlitchBudget
  @safe @exclusivity(unchecked) var noise: GlitchBudget
  /// A budget is spent: the connection is to be ended.
  var isAbused = false

  /// The buffer `fillOutput` is filling, and where it stops.
  @safe @exclusivity(unchecked) var output: [UInt8] = []
  var outputTarget = 0
  /// Connection window to return when the events are done.
  private var connectionConsumed = 0
  /// Room for events that is kept from one run to the next.
  private static let eventsKept = 4096
  let returnStepBytes: Int

  /// Inside one of the entry points: their ends see to what is left to do.
  var isBusy = false
  private var wantsWriteTold = false
  /// No more input is taken: the session failed or was ended for abuse.
  var isInputClosed = false
  /// Everything is over; every call's handler was told.
  var isShut = false
  @safe @exclusivity(unchecked) var timers: ConnectionTimers

  init(
    router: any CallRouter, limits: TransportLimits, budget: BufferBudget, now: MonotonicTime
  ) {
    self.router = router
    self.limits = limits
    self.now = now
    lease = BufferLease(budget: budget, limit: limits.connectionBufferBytesMax)
    resets = GlitchBudget(limits.abuse.resets, now: now)
    noise = GlitchBudget(limits.abuse.noise, now: now)
    timers = ConnectionTimers(limits: limits, now: now)
    returnStepBytes = max(1, limits.streamWindowBytes / 4)
    http2 = unsafe HTTP2Session(
      role: .server, callbacks: ServerCallbacks.table,
      settings: [
        (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.id, limits.concurrentStreamsMax),
        (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.id, limits.streamWindowBytes),
        (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.id, limits.headerListBytesMax),
      ], windowBytes: limits.connectionWindowBytes)
    http2.attach(self)
  }

  // MARK: accounting

  /// Accounts bytes to a call; false, and nothing accounted, over a limit.
  func account(_ call: Call, _ bytes: Int) -> Bool {
    guard call.buffered + bytes <= limits.streamBufferBytesMax, lease.take(bytes) else {
      return false
    }
    call.buffered += bytes
    return true
  }

  func unaccount(_ call: Call, _ bytes: Int) {
    call.buffered -= bytes
    lease.giveBack(bytes)
  }

  // MARK: calls' lives

  /// A call for a request whose header block is complete. From a callback.
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

  /// Tells the handler that the call is over, and forgets it.
  func conclude(_ call: Call, _ how: CallTermination) {
    guard let handler = call.handler else { return }
    call.handler = nil
    let retained = call.retained
    call.retained = 0
    unaccount(call, retained)
    handler.ended(how, on: call)
  }

  /// The stream is gone: the slot is free again.
  func closeCall(_ call: Call) {
    call.phase = .closed
    call.isStreamGone = true
    unaccount(call, call.buffered)
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

  /// Everything is over: each open call's handler hears of it.
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
  }

  /// The session can do nothing more: shuts it.
  func shutIfDone() {
    guard !isShut, events.isEmpty, !http2.wantsRead, !http2.wantsWrite else { return }
    shut()
  }

  /// Ends the connection for abuse or a broken session: GOAWAY, then nothing.
  func terminate(_ code: UInt32) {
    guard !isInputClosed else { return }
    isInputClosed = true
    http2.terminate(code)
  }

  // MARK: output that waits

  /// Says once that there is something to write, unless an entry point is about to see anyway.
  func outputWaits() {
    timers.outputWaits(isClockFresh ? now : nil)
    guard !isBusy, !wantsWriteTold else { return }
    wantsWriteTold = true
    onWantsWrite?()
  }

  func wantsWriteAnswered() { wantsWriteTold = false }

  /// DATA of a stream without a call: the connection's window goes back all the same.
  func discarded(_ bytes: Int) { connectionConsumed += bytes }

  // MARK: events

  /// Acts on what was recorded; `bytes` is what the events' offsets count in.
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
      // A call may be gone: events of one that was closed within this run.
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
    if !heads.isEmpty { heads.removeAll(keepingCapacity: true) }
    if !paths.isEmpty { dropPaths() }
  }

  /// Forgets the paths of requests that were begun. A header block of which only a part has come
  /// keeps its own: a peer could cut every read inside one, and nothing would ever be forgotten.
  private func dropPaths() {
    guard headBegan != nil else { return paths.removeAll(keepingCapacity: true) }
    paths.removeSubrange((head.pathStart + head.pathCount)...)
    paths.removeSubrange(..<head.pathStart)
    head.pathStart = 0
  }

  /// A request is complete: refuses it or gives it its handler.
  private func begin(_ call: Call, _ head: RequestHead) {
    // Reset in the same breath: no work for it.
    guard !call.isStreamGone else { return }
    noise.earn(limits.abuse.noisePerProgress)
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
  }

  /// Hands a chunk's messages to the handler, and returns the window.
  private func deliver(_ bytes: Span<UInt8>, to call: Call) {
    connectionConsumed += bytes.count
    call.unreturned += bytes.count
    var offset = 0
    delivery: while let handler = call.handler, case .open = call.phase {
      switch call.deframer.next(in: bytes, from: &offset) {
      case .needsMore: break delivery
      case .message(let range): handler.message(bytes.extracting(range), on: call)
      case .started(let size): handler.messageStarted(size: size, on: call)
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

  /// Returns what the stream has consumed, unless its own output is not being read.
  func returnWindow(_ call: Call) {
    guard call.unreturned > 0, !call.isStreamGone, !call.remoteEnded,
      call.unsent <= limits.outputHighWaterBytes
    else { return }
    http2.consumeStream(call.streamID, call.unreturned)
    call.unreturned = 0
  }

  /// END_STREAM: at a message boundary the handler hears of it, within one the call fails.
  private func remoteEnded(_ call: Call) {
    guard let handler = call.handler, case .open = call.phase else { return }
    guard call.deframer.isAtBoundary else { return fail(call, .cutMessage, .failed) }
    handler.halfClosed(on: call)
  }

  /// nghttp2 has let the stream go.
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
