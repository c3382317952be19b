internal import Transport

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
