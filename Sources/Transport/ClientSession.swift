import CNghttp2

/// The inside of a `ClientConnection`. Its callbacks act at once: nothing they do calls outside.
final class ClientSession {
  let http2: HTTP2Session
  private let messageBytesMax: Int
  /// Calls by slot; slot 0 stays empty.
  private var calls: [ClientCall?] = [nil]
  private var freeSlots: [Int] = []
  private(set) var hasFailed = false
  private(set) var isGoingAway = false

  init(limits: TransportLimits) {
    messageBytesMax = limits.messageBytesMax
    http2 = unsafe HTTP2Session(
      role: .client, callbacks: ClientCallbacks.table,
      settings: [
        (NGHTTP2_SETTINGS_ENABLE_PUSH.id, 0),
        (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.id, limits.streamWindowBytes),
      ], windowBytes: limits.connectionWindowBytes)
    http2.attach(self)
  }

  func open(_ fields: FieldBlock) -> ClientCall {
    let call = ClientCall(session: self, messageBytesMax: messageBytesMax)
    let free = freeSlots.popLast() ?? calls.count
    if free == calls.count { calls.append(call) } else { calls[free] = call }
    call.streamID = unsafe http2.submitRequest(
      fields, slot: Int32(free), supply: ClientCallbacks.supply)
    if call.streamID < 0 {
      forget(free)
      call.lost()
    }
    return call
  }

  func receive(_ bytes: Span<UInt8>) {
    guard !hasFailed else { return }
    if http2.receive(bytes) < 0 { lost() }
  }

  func lost() {
    for call in calls { call?.lost() }
    calls = [nil]
    freeSlots = []
    hasFailed = true
  }

  private func forget(_ slot: Int) {
    calls[slot] = nil
    freeSlots.append(slot)
  }

  func consume(_ call: ClientCall) {
    guard call.unconsumed > 0, call.isReading else { return }
    http2.consumeConnection(call.unconsumed)
    if !call.reply.isDone { http2.consumeStream(call.streamID, call.unconsumed) }
    call.unconsumed = 0
  }

  // MARK: from the callbacks

  func call(slot: Int32) -> ClientCall? {
    Int(slot) < calls.count ? calls[Int(slot)] : nil
  }

  func call(of stream: Int32) -> ClientCall? { call(slot: http2.slot(of: stream)) }

  func data(_ stream: Int32, _ bytes: Span<UInt8>) {
    guard let call = call(of: stream) else { return http2.consumeConnection(bytes.count) }
    if !call.data(bytes) { http2.submitReset(stream, HTTP2ErrorCode.protocolError) }
    call.unconsumed += bytes.count
    consume(call)
  }

  func closed(_ stream: Int32, _ code: UInt32) {
    let slot = Int(http2.slot(of: stream))
    guard let call = call(slot: Int32(slot)) else { return }
    call.closed(code)
    forget(slot)
  }

  func goneAway() { isGoingAway = true }
}
