/// What nghttp2's callbacks do: they record events, to be acted on when nghttp2 has returned.
/// Nothing here calls a handler, `mem_recv` or `mem_send`.
extension ServerSession {
  /// The payload of the drain's PING, to tell its answer from the answers to other PINGs.
  static let drainPing: [UInt8] = [0xD7, 0x61, 0x69, 0x6E, 0x64, 0x72, 0x61, 0x69]

  /// A header block begins.
  func headersBegan(stream: Int32) {
    head = RequestHead()
    head.streamID = stream
    // A block that was refused half way left its path here, and no event that would drop it.
    if heads.isEmpty, !paths.isEmpty { paths.removeAll(keepingCapacity: true) }
    headBegan = now
    timers.headBegan(now)
  }

  /// A header field; false when the header list is over a limit: nghttp2 then drops the rest of it,
  /// and the stream is reset.
  @inline(__always)
  func header(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    guard head.count(nameBytes: name.count, valueBytes: value.count, limits: limits) else {
      http2.submitReset(head.streamID, HTTP2ErrorCode.enhanceYourCalm)
      headBegan = nil
      return false
    }
    head.note(name: name, value: value, path: &paths, pathBytesMax: limits.pathBytesMax)
    return true
  }

  /// The header block is complete: a request's, or trailers.
  func headersEnded(stream: Int32, isRequest: Bool, endsStream: Bool) {
    headBegan = nil
    if isRequest {
      guard admitStream(stream) else { return }
      let call = openCall(stream: stream)
      events.append(SessionEvent(.request, slot: call.slot, offset: heads.count))
      heads.append(head)
    }
    if endsStream { streamEnded(stream) }
  }

  /// A piece of DATA, which lies at `address` in the input.
  @inline(__always)
  func data(stream: Int32, at address: UInt, count: Int) {
    guard let call = call(of: stream) else {
      return discarded(count)
    }
    events.append(
      SessionEvent(.data, slot: call.slot, offset: Int(address - inputBase), count: count))
  }

  /// END_STREAM has come.
  func streamEnded(_ stream: Int32) {
    guard let call = call(of: stream) else { return }
    call.remoteEnded = true
    events.append(SessionEvent(.remoteEnd, slot: call.slot))
  }

  /// RST_STREAM has come.
  func resetReceived(_ stream: Int32, code: UInt32) {
    call(of: stream)?.peerReset = code
  }

  /// nghttp2 has closed the stream and forgets it.
  func streamClosed(_ stream: Int32) {
    if headBegan != nil, head.streamID == stream { headBegan = nil }
    if let call = call(of: stream) {
      call.isStreamGone = true
      events.append(SessionEvent(.closed, slot: call.slot))
    }
    lastStream = 0
    lastSlot = 0
  }

  /// Counts a frame that carries no work; one over the budget ends the connection.
  func controlFrameReceived() {
    if !controlFrames.spend(now: now) { isAbused = true }
  }

  /// We have reset a stream. With NO_ERROR the call had simply ended, with REFUSED_STREAM there was no
  /// room; any other code is for a fault of the peer's, which is counted.
  func resetSent(code: UInt32) {
    guard code != HTTP2ErrorCode.noError, code != HTTP2ErrorCode.refusedStream else { return }
    if !resets.spend(now: now) { isAbused = true }
  }

  /// SETTINGS have come: the peer's own, or its answer to ours.
  func settingsReceived(isAnswer: Bool) {
    timers.handshakeDone(now)
    if !isAnswer { controlFrameReceived() }
  }

  /// The answer to a PING: to the drain's own, or to none that we sent.
  func pingAnswered(isOurs: Bool) {
    guard isOurs else { return controlFrameReceived() }
    events.append(SessionEvent(.drainAcknowledged, slot: 0))
  }
}
