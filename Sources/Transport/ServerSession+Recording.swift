/// What nghttp2's callbacks record. Nothing here calls a handler, `mem_recv` or `mem_send`.
extension ServerSession {
  /// The payload of the drain's PING; the client library's own pings have others.
  static let drainPing: [UInt8] = [0xD7, 0x61, 0x69, 0x6E, 0x64, 0x72, 0x61, 0x69]

  func headersBegan(stream: Int32) {
    head = RequestHead()
    head.streamID = stream
    // Of a block that was refused on its way no event tells.
    if heads.isEmpty, !paths.isEmpty { paths.removeAll(keepingCapacity: true) }
    headBegan = now
    timers.headBegan(now)
  }

  /// False when the header list is over a limit: nghttp2 then drops the rest and resets.
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

  func headersEnded(stream: Int32, isRequest: Bool, endsStream: Bool) {
    headBegan = nil
    if isRequest {
      let call = openCall(stream: stream)
      events.append(SessionEvent(.request, slot: call.slot, offset: heads.count))
      heads.append(head)
    }
    if endsStream { streamEnded(stream) }
  }

  @inline(__always)
  func data(stream: Int32, at address: UInt, count: Int) {
    guard let call = call(of: stream) else {
      return discarded(count)
    }
    events.append(
      SessionEvent(.data, slot: call.slot, offset: Int(address - inputBase), count: count))
  }

  func streamEnded(_ stream: Int32) {
    guard let call = call(of: stream) else { return }
    call.remoteEnded = true
    events.append(SessionEvent(.remoteEnd, slot: call.slot))
  }

  func resetReceived(_ stream: Int32, code: UInt32) {
    call(of: stream)?.peerReset = code
  }

  func streamClosed(_ stream: Int32) {
    if headBegan != nil, head.streamID == stream { headBegan = nil }
    if let call = call(of: stream) {
      call.isStreamGone = true
      events.append(SessionEvent(.closed, slot: call.slot))
    }
    lastStream = 0
    lastSlot = 0
  }

  /// Frames that are cheap to send and do nothing by themselves.
  func noisyFrame() {
    if !noise.spend(now: now) { isAbused = true }
  }

  /// We reset a stream: for a fault of the peer's, unless the call had simply ended.
  func resetSent(code: UInt32) {
    guard code != HTTP2ErrorCode.noError else { return }
    if !resets.spend(now: now) { isAbused = true }
  }

  func settingsReceived(isAnswer: Bool) {
    timers.handshakeDone(now)
    if !isAnswer { noisyFrame() }
  }

  func pingAnswered(isOurs: Bool) {
    if isOurs { events.append(SessionEvent(.drainAcknowledged, slot: 0)) } else { noisyFrame() }
  }
}
