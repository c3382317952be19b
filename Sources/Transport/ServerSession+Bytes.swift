import Bytes

/// Bytes in and bytes out, and what is done at the begin and end of every call from outside.
extension ServerSession {
  /// A function of the connection begins; never inside another one, that is, from a handler. `now`
  /// is nil where the caller does not tell the time.
  func enter(_ now: MonotonicTime?) {
    precondition(!isBusy, "a handler called back into its connection")
    isBusy = true
    guard let now else { return }
    self.now = max(self.now, now)
    isClockFresh = true
    timers.stamp(self.now)
  }

  /// The time for a call's `outputMovedAt`; `.never` where it was not told: the next check of the
  /// timers then sets it.
  var movedNow: MonotonicTime { isClockFresh ? now : .never }

  /// A function of the connection ends.
  func leave() {
    _ = endIfAbused()
    shutIfDone()
    if wantsWrite { timers.outputWaits(isClockFresh ? now : nil) }
    isBusy = false
    isClockFresh = false
  }

  /// Ends the connection when a glitch budget is spent; true when this call has ended it.
  private func endIfAbused() -> Bool {
    guard isAbused, !isInputClosed else { return false }
    terminate(HTTP2ErrorCode.enhanceYourCalm)
    return true
  }

  /// Whether there is output, or an event that may make some.
  var wantsWrite: Bool { !isShut && (!events.isEmpty || http2.wantsWrite) }

  /// Has nghttp2 read the bytes, then acts on the events.
  func receive(_ bytes: Span<UInt8>) {
    inputBase = unsafe bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    let read = http2.receive(bytes)
    processEvents(bytes)
    if !endIfAbused(), read < 0 { terminate(HTTP2ErrorCode.protocolError) }
  }

  /// Fills the buffer with output; returns whether there is more.
  func fillOutput(_ buffer: inout [UInt8], target: Int) -> Bool {
    wantsWriteAnswered()
    guard !isShut else { return false }
    swap(&output, &buffer)
    outputTarget = target
    let before = output.count
    repeat {
      processEvents(Span())
      while output.count < target {
        // DATA frames are appended to `output` by `sendBody`, in their place between these pieces.
        let count = http2.nextOutput { output.append($0) }
        if count <= 0 {
          if count < 0 { shut() }
          break
        }
      }
      processEvents(Span())
      // The resets that were just sent may have spent the budget; GOAWAY then goes into the buffer
      // too.
    } while endIfAbused()
    let isMore = wantsWrite
    if output.count > before { timers.outputMoved(isClockFresh ? now : nil, more: isMore) }
    swap(&output, &buffer)
    return isMore
  }
}
