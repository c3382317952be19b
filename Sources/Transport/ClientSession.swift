import CNghttp2

/// nghttp2's session of a `ClientConnection`, and its calls. The callbacks act at once, because
/// nothing that they do calls code outside this target.
final class ClientSession {
  let http2: HTTP2Session
  private let messageBytesMax: Int
  /// Calls by slot; slot 0 stays empty.
  private var calls: [ClientCall?] = [nil]
  private var freeSlots: [Int] = []
  /// The session cannot go on, or its socket is gone.
  private(set) var hasFailed = false
  /// GOAWAY has come.
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

  /// Begins a call with those request headers. Where the session takes no more streams, the call is
  /// done at once, without an answer.
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

  /// Bytes from the socket.
  func receive(_ bytes: Span<UInt8>) {
    guard !hasFailed else { return }
    if http2.receive(bytes) < 0 { lost() }
  }

  /// Ends every call without an answer.
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

  // MARK: from the callbacks

  func call(slot: Int32) -> ClientCall? {
    Int(slot) < calls.count ? calls[Int(slot)] : nil
  }

  func call(of stream: Int32) -> ClientCall? { call(slot: http2.slot(of: stream)) }

  func data(_ stream: Int32, _ bytes: Span<UInt8>) {
    guard let call = call(of: stream) else { return http2.consumeConnection(bytes.count) }
    if !call.data(bytes) { http2.submitReset(stream, HTTP2ErrorCode.protocolError) }
    http2.consumeConnection(bytes.count)
    http2.consumeStream(stream, bytes.count)
  }

  func closed(_ stream: Int32, _ code: UInt32) {
    let slot = Int(http2.slot(of: stream))
    guard let call = call(slot: Int32(slot)) else { return }
    call.closed(code)
    forget(slot)
  }

  func goneAway() { isGoingAway = true }
}
