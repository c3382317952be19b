import Bytes

/// One HTTP/2 server connection without its socket: bytes in, handler calls, bytes out.
///
/// Used from one thread. Handlers are called from inside `receive`, `fillOutput`, `tick` and
/// `connectionLost`, which they must not call themselves; everything on `Call` they may. A loop
/// that answers calls from its mailbox learns from `onWantsWrite` which connections to flush.
/// Dropping a connection ends its calls with `.connectionLost`.
package final class ServerConnection {
  /// Input is given to nghttp2 in pieces of this size, which bounds what callbacks record.
  private static let inputStepBytes = 256 << 10

  private let session: ServerSession

  /// A connection that was just accepted.
  package init(
    router: any CallRouter, limits: TransportLimits, budget: BufferBudget, now: MonotonicTime
  ) {
    session = ServerSession(router: router, limits: limits, budget: budget, now: now)
  }

  deinit { session.shut() }

  /// Called once when output comes to wait while none of the connection's own methods runs, and
  /// not again before the next `fillOutput`: put the connection on the list to flush.
  package var onWantsWrite: (() -> Void)? {
    get { session.onWantsWrite }
    set { session.onWantsWrite = newValue }
  }

  /// Bytes from the socket. Handlers are called from inside. Never throws: a faulty peer is
  /// answered (GOAWAY) and `isClosed` turns true.
  package func receive(_ bytes: Span<UInt8>, now: MonotonicTime) {
    session.enter(now)
    // A call's overflow from the mailbox has no bytes to point into.
    session.processEvents(Span())
    var rest = bytes
    while !rest.isEmpty, !session.isInputClosed {
      let step = rest.extracting(first: Self.inputStepBytes)
      rest = rest.extracting(droppingFirst: step.count)
      session.receive(step)
    }
    session.leave()
  }

  /// Appends what is to be written, until `buffer` holds about `target` bytes (one DATA frame
  /// more at most) or nothing is left. Returns whether more is pending.
  package func fillOutput(_ buffer: inout [UInt8], target: Int) -> Bool {
    session.enter(nil)
    let isMore = session.fillOutput(&buffer, target: target)
    session.leave()
    return isMore
  }

  /// Whether anything waits to be written (a handler may have answered from the loop's mailbox).
  package var wantsWrite: Bool { session.wantsWrite }

  /// Nothing more to read or write: close the socket once output is flushed.
  package var isClosed: Bool { session.isShut }

  /// Deadlines that have passed are acted on; the next one, nil where there is none. Cheap when
  /// nothing is due.
  package func tick(now: MonotonicTime) -> MonotonicTime? {
    guard !session.isShut else { return nil }
    session.enter(now)
    if now >= session.timers.next { session.runTimers() }
    session.leave()
    guard !session.isShut, session.timers.next != .never else { return nil }
    return session.timers.next
  }

  /// Graceful drain, step one: GOAWAY with the maximum id and a PING. Step two (GOAWAY with the
  /// last id) follows by itself on the PING's answer, or at the latest after `drainPingTimeout`.
  /// When the last stream is done, `isClosed` turns true.
  package func beginDrain(now: MonotonicTime) {
    session.enter(now)
    session.startDrain()
    session.leave()
  }

  /// The socket is gone: every open call's handler hears `.connectionLost`.
  package func connectionLost() {
    session.enter(nil)
    session.shut()
    session.leave()
  }

  /// Streams that are not closed yet.
  package var openCalls: Int { session.openCalls }
}
