import Bytes

/// What is done when a deadline passes: timeouts of calls and peers, and the steps of the drain.
extension ServerSession {
  /// Acts on everything that is due and sets the next deadline.
  func runTimers() {
    if timers.handshakeIsLate(now) { terminate(HTTP2ErrorCode.protocolError) }
    if headBegan != nil, timers.headIsLate(now) { terminate(HTTP2ErrorCode.protocolError) }
    if timers.drainPingIsLate(now) { finishDrain() }
    if openCalls == 0, timers.drain == .none, timers.idleIsOver(now) { startDrain() }
    if timers.outputIsStalled(now) {
      guard !http2.wantsWrite else { return shut() }
      timers.outputMoved(now, more: false)
    }
    var earliest = MonotonicTime.never
    for slot in calls.indices {
      guard let call = calls[slot] else { continue }
      earliest = min(earliest, look(at: call))
    }
    timers.plan(
      now, calls: earliest, isIdle: openCalls == 0 && timers.drain == .none,
      headIsOpen: headBegan != nil)
  }

  /// Acts on what is due for one call; returns its next deadline.
  private func look(at call: Call) -> MonotonicTime {
    guard !call.isStreamGone else { return .never }
    if now >= call.deadline {
      call.deadline = .never
      if case .open = call.phase {
        fail(call, .deadlineExceeded, .deadlineExceeded)
      } else {
        // The call was answered, and the client has not read the answer in time.
        abandon(call, .deadlineExceeded)
      }
    }
    if now >= call.firstMessageBy {
      call.firstMessageBy = .never
      fail(call, .noFirstMessage, .deadlineExceeded)
    }
    let next = min(call.deadline, call.firstMessageBy)
    guard call.unsent > 0 else { return next }
    if call.outputMovedAt == .never { call.outputMovedAt = now }
    let stalledBy = call.outputMovedAt.advanced(by: limits.writeStallTimeout)
    if now >= stalledBy {
      abandon(call, .failed)
      return next
    }
    return min(next, stalledBy)
  }

  /// Resets a stream whose peer does not read.
  private func abandon(_ call: Call, _ how: CallTermination) {
    call.phase = .closed
    dropOutput(call)
    http2.submitReset(call.streamID, HTTP2ErrorCode.cancel)
    conclude(call, how)
  }

  /// Step one of the drain: GOAWAY with the highest stream id, and a PING whose answer says that
  /// the peer has read it.
  func startDrain() {
    guard timers.drain == .none, !isInputClosed else { return }
    timers.drainBegan(now)
    http2.submitShutdownNotice()
    http2.submitPing(Self.drainPing)
  }

  /// Step two: GOAWAY with the last stream that was processed. The streams up to it go on.
  func finishDrain() {
    guard case .pinged = timers.drain, !isInputClosed else { return }
    timers.drainFinal()
    http2.submitFinalGoaway()
  }
}
