import Bytes

/// Bytes in and bytes out, and what frames every entry from outside.
extension ServerSession {
  /// An entry point begins: never from inside another one, that is, from a handler.
  /// `now` is nil where the caller does not tell the time.
  func enter(_ now: MonotonicTime?) {
    precondition(!isBusy, "a handler called back into its connection")
    isBusy = true
    guard let now else { return }
    self.now = max(self.now, now)
    isClockFresh = true
    timers.stamp(self.now)
  }

  /// The time as far as it is known; `never` means: from the next look at the call on.
  var movedNow: MonotonicTime { isClockFresh ? now : .never }

  /// An entry point ends.
  func leave() {
    _ = endIfAbused()
    shutIfDone()
    if wantsWrite { timers.outputWaits(isClockFresh ? now : nil) }
    isBusy = false
    isClockFresh = false
  }

  /// Ends the connection once a budget is spent; true when it was ended just now.
  private func endIfAbused() -> Bool {
    guard isAbused, !isInputClosed else { return false }
    terminate(HTTP2ErrorCode.enhanceYourCalm)
    return true
  }

  var wantsWrite: Bool { !isShut && (!events.isEmpty || http2.wantsWrite) }

  /// Feeds nghttp2, then acts on what it recorded.
  func receive(_ bytes: Span<UInt8>) {
    inputBase = unsafe bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    let read = http2.receive(bytes)
    processEvents(bytes)
    if !endIfAbused(), read < 0 { terminate(HTTP2ErrorCode.protocolError) }
  }

  /// Fills the buffer; whether more is pending.
  func fillOutput(_ buffer: inout [UInt8], target: Int) -> Bool {
    wantsWriteAnswered()
    guard !isShut else { return false }
    swap(&output, &buffer)
    outputTarget = target
    let before = output.count
    repeat {
      processEvents(Span())
      while output.count < target {
        // Body frames reach `output` through `sendBody`, in their place between these pieces.
        let count = http2.nextOutput { output.append($0) }
        if count <= 0 {
          if count < 0 { shut() }
          break
        }
      }
      processEvents(Span())
      // The resets that were just sent may have been one too many.
    } while endIfAbused()
    let isMore = wantsWrite
    if output.count > before { timers.outputMoved(isClockFresh ? now : nil, more: isMore) }
    swap(&output, &buffer)
    return isMore
  }
}
