/// Bytes in and bytes out, and what frames every entry from outside.
extension ServerSession {
  /// An entry point begins: never from inside another one, that is, from a handler.
  func enter(_ now: MonotonicTime) {
    precondition(!isBusy, "a handler called back into its connection")
    isBusy = true
    self.now = max(self.now, now)
  }

  /// An entry point ends.
  func leave() {
    _ = endIfAbused()
    shutIfDone()
    if wantsWrite { timers.outputWaits(now) }
    isBusy = false
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
        let count = http2.nextOutput { output.append(span: $0) }
        if count <= 0 {
          if count < 0 { shut() }
          break
        }
      }
      processEvents(Span())
      // The resets that were just sent may have been one too many.
    } while endIfAbused()
    let isMore = wantsWrite
    if output.count > before { timers.outputMoved(now, more: isMore) }
    swap(&output, &buffer)
    return isMore
  }
}
