import Bytes
import Transport

/// One accepted socket and the HTTP/2 connection on it.
///
/// On its worker's thread.
final class Connection {
  let socket: Descriptor
  let registration: Poller.Registration
  let http: ServerConnection
  /// What epoll watches it for now.
  var interest: Poller.Interest = .read
  /// Output that a full socket did not take.
  var unsent = UnsentOutput()
  /// While the socket is full: when it last took anything.
  var stalledSince: MonotonicTime?
  /// The HTTP/2 connection's next deadline, as its last tick returned it.
  var nextTick: MonotonicTime?
  /// Set when our last byte is written: until then the peer's close is waited for. Closing at once
  /// would reset the connection where input is unread, and the peer would lose our last bytes.
  var lingersUntil: MonotonicTime?
  /// Whether more output waits in `http` because other connections have their turn first, and not
  /// because the socket is full.
  var yieldedWrite = false

  init(socket: Descriptor, registration: Poller.Registration, http: ServerConnection) {
    self.socket = socket
    self.registration = registration
    self.http = http
  }

  /// The first of its deadlines; nil where it has none.
  func nextDeadline(limits: LoopLimits) -> MonotonicTime? {
    var next = lingersUntil ?? nextTick
    if let stalledSince {
      let cut = stalledSince + limits.writeStallTimeout
      next = next.map { min($0, cut) } ?? cut
    }
    return next
  }
}

// MARK: - Writing

extension Connection {
  /// How a flush ended.
  enum Flushed {
    /// Everything is written.
    case done
    /// The socket is full, or other connections have their turn first: to be flushed again when
    /// epoll reports it writable.
    case waiting
    /// The socket is broken.
    case broken
  }

  /// Writes the output there is, as far as the socket takes it. `output` is the loop's buffer, used
  /// for its memory only.
  func flush(through output: inout [UInt8], limits: LoopLimits, now: MonotonicTime) -> Flushed {
    guard sendUnsent(now) else { return .broken }
    if unsent.isEmpty, !sendFresh(&output, limits, now) { return .broken }
    if !unsent.isEmpty { gatherWhileStalled(limits) }
    return unsent.isEmpty && !yieldedWrite ? .done : .waiting
  }

  /// What epoll is to watch for now: not for input while too much output waits, and for room to
  /// write only while there is something to write.
  func wantedInterest(limits: LoopLimits) -> Poller.Interest {
    var interest: Poller.Interest = []
    if unsent.count < limits.stalledOutputBytesMax { interest.insert(.read) }
    if !unsent.isEmpty || yieldedWrite { interest.insert(.write) }
    return interest
  }

  /// Sends what the socket did not take before; false where the socket is broken.
  private func sendUnsent(_ now: MonotonicTime) -> Bool {
    guard !unsent.isEmpty else { return true }
    switch Kernel.send(socket, unsent.bytes, from: unsent.start) {
    case .bytes(let count):
      unsent.sent(count)
      stalledSince = unsent.isEmpty ? nil : now
      return true
    case .wouldBlock:
      return true
    case .failed:
      return false
    }
  }

  /// Sends output of the HTTP/2 connection; false where the socket is broken.
  private func sendFresh(
    _ output: inout [UInt8], _ limits: LoopLimits, _ now: MonotonicTime
  ) -> Bool {
    var written = 0
    yieldedWrite = false
    while true {
      output.removeAll(keepingCapacity: true)
      let more = http.fillOutput(&output, target: limits.outputBytes)
      if output.isEmpty { return true }
      var sent = 0
      switch Kernel.send(socket, output) {
      case .bytes(let count): sent = count
      case .wouldBlock: break
      case .failed: return false
      }
      written += sent
      if sent < output.count {
        unsent.keep(output, from: sent)
        stalledSince = now
        return true
      }
      if !more { return true }
      if written >= limits.writeBurstBytes {
        yieldedWrite = true
        return true
      }
    }
  }

  /// While the socket is full, moves output from the HTTP/2 connection to `unsent`, where it is
  /// counted.
  private func gatherWhileStalled(_ limits: LoopLimits) {
    let target = limits.stalledOutputBytesMax
    guard unsent.count < target, http.wantsWrite else { return }
    unsent.gather { bytes in
      _ = http.fillOutput(&bytes, target: target)
    }
  }
}
