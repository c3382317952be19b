import Bytes
import Transport

/// One accepted socket and the HTTP/2 connection on it. Belongs to its loop's thread.
final class Connection {
  let socket: Descriptor
  let registration: Poller.Registration
  let http: ServerConnection
  var interest: Poller.Interest = .read
  /// What the full socket did not take; empty while it takes everything.
  var unsent = UnsentOutput()
  /// When the socket last took anything, while it is full.
  var stalledSince: MonotonicTime?
  /// The HTTP/2 connection's next deadline, as of its last tick.
  var nextTick: MonotonicTime?
  /// Our side is over; the peer's end is awaited until then, so that our last bytes are not lost to a reset.
  var lingersUntil: MonotonicTime?
  /// Whether more output waits in `http` for its next turn, with the socket not known to be full.
  var yieldedWrite = false

  init(socket: Descriptor, registration: Poller.Registration, http: ServerConnection) {
    self.socket = socket
    self.registration = registration
    self.http = http
  }

  /// The first moment at which something must be done about it unasked.
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
  /// What a flush came to.
  enum Flushed {
    /// Everything is written.
    case done
    /// The socket is full, or others have their turn first: more when it is writable.
    case waiting
    /// The socket is broken.
    case broken
  }

  /// Writes what there is, as far as the socket takes it. `output` is the loop's buffer, whose contents mean nothing.
  func flush(through output: inout [UInt8], limits: LoopLimits, now: MonotonicTime) -> Flushed {
    guard sendUnsent(now) else { return .broken }
    if unsent.isEmpty, !sendFresh(&output, limits, now) { return .broken }
    if !unsent.isEmpty { gatherWhileStalled(limits) }
    return unsent.isEmpty && !yieldedWrite ? .done : .waiting
  }

  /// What is to be waited for now: not for input while too much output waits, for room only where it is short.
  func wantedInterest(limits: LoopLimits) -> Poller.Interest {
    var interest: Poller.Interest = []
    if unsent.count < limits.stalledOutputBytesMax { interest.insert(.read) }
    if !unsent.isEmpty || yieldedWrite { interest.insert(.write) }
    return interest
  }

  /// False: the socket is broken.
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

  /// False: the socket is broken.
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

  /// The socket is full: output gathers here, where it can be counted.
  private func gatherWhileStalled(_ limits: LoopLimits) {
    let target = limits.stalledOutputBytesMax
    guard unsent.count < target, http.wantsWrite else { return }
    unsent.gather { bytes in
      _ = http.fillOutput(&bytes, target: target)
    }
  }
}
