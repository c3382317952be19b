import Bytes

/// One HTTP/2 server connection without its socket: bytes in, handlers called, bytes out.
///
/// On its loop's thread. Handlers are called from inside `receive`, `fillOutput`, `tick` and
/// `connectionLost`; they must not call these themselves, but may call everything on `Call`. Where
/// a call is answered at another time, as by a message in the loop's mailbox, `onWantsWrite` says
/// which connection is to be flushed. Dropping the last reference to a connection ends its calls
/// with `.connectionLost`.
package final class ServerConnection {
  /// Input is given to nghttp2 in pieces of this size, which bounds the events that one piece
  /// makes.
  private static let inputStepBytes = 256 << 10

  private let session: ServerSession

  /// A connection that was just accepted.
  package init(
    router: any CallRouter, limits: TransportLimits, budget: BufferBudget, now: MonotonicTime
  ) {
    session = ServerSession(router: router, limits: limits, budget: budget, now: now)
  }

  deinit { session.shut() }

  /// Called when output begins to wait while none of the connection's own functions runs, and then
  /// not again before the next `fillOutput`. The loop must flush the connection.
  package var onWantsWrite: (() -> Void)? {
    get { session.onWantsWrite }
    set { session.onWantsWrite = newValue }
  }

  /// Takes bytes from the socket and calls handlers. A peer that breaks the protocol is answered
  /// with GOAWAY, and `isClosed` becomes true.
  package func receive(_ bytes: Span<UInt8>, now: MonotonicTime) {
    session.enter(now)
    // First what was recorded between two calls (a call's overflow): it points into no bytes.
    session.processEvents(Span())
    var rest = bytes
    while !rest.isEmpty, !session.isInputClosed {
      let step = rest.extracting(first: Self.inputStepBytes)
      rest = rest.extracting(droppingFirst: step.count)
      session.receive(step)
    }
    session.leave()
  }

  /// Appends output until `buffer` holds `target` bytes (at most one DATA frame more) or no output
  /// is left. Returns whether there is more.
  package func fillOutput(_ buffer: inout [UInt8], target: Int) -> Bool {
    session.enter(nil)
    let isMore = session.fillOutput(&buffer, target: target)
    session.leave()
    return isMore
  }

  /// Whether there is output to write.
  package var wantsWrite: Bool { session.wantsWrite }

  /// Whether there is nothing more to read or write: the socket is to be closed once all output is
  /// flushed.
  package var isClosed: Bool { session.isShut }

  /// Acts on the deadlines that have passed and returns the next one; nil where there is none.
  /// Cheap when nothing is due.
  package func tick(now: MonotonicTime) -> MonotonicTime? {
    guard !session.isShut else { return nil }
    session.enter(now)
    if now >= session.timers.next { session.runTimers() }
    session.leave()
    guard !session.isShut, session.timers.next != .never else { return nil }
    return session.timers.next
  }

  /// Begins a graceful drain: GOAWAY with the highest stream id, and a PING. The second GOAWAY,
  /// with the last stream's id, follows by itself when the PING is answered, at the latest after
  /// `drainPingTimeout`. When the last stream is done, `isClosed` becomes true.
  package func beginDrain(now: MonotonicTime) {
    session.enter(now)
    session.startDrain()
    session.leave()
  }

  /// The socket is gone: every open call ends with `.connectionLost`.
  package func connectionLost() {
    session.enter(nil)
    session.shut()
    session.leave()
  }

  /// How many streams, or the connection itself, were refused for want of room since this was last
  /// called.
  package func takeRefusedCount() -> Int {
    defer { session.refusedCount = 0 }
    return session.refusedCount
  }

  /// How many calls' streams are not closed yet.
  var openCalls: Int { session.openCalls }
}
