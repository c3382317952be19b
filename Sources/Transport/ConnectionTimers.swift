import Bytes

/// When a connection must be looked at again. A value: times in, the next time out; what is due is
/// asked for one by one.
struct ConnectionTimers {
  /// Timers are looked at no more often than this, so that many deadlines cost one look.
  static let granularityNanoseconds: Int64 = 1_000_000

  /// Where a graceful drain is.
  enum Drain: Equatable {
    case none
    /// GOAWAY with the highest id and the PING are out, or about to be.
    case pinged(until: MonotonicTime)
    case final
  }

  // Nanoseconds: Duration's arithmetic is 128 bits wide.
  private let handshakeTimeout: Int64
  private let idleTimeout: Int64
  private let writeStallTimeout: Int64
  private let drainPingTimeout: Int64
  /// Nothing is due before.
  private(set) var next: MonotonicTime
  private(set) var drain = Drain.none
  private var handshakeBy: MonotonicTime
  private var headBy = MonotonicTime.never
  private var idleBy = MonotonicTime.never
  private var outputBy = MonotonicTime.never
  /// What began when the time was not known: it begins when the time is told next.
  private var idleIsUnstamped = false
  private var outputIsUnstamped = false

  /// A connection that was just accepted.
  init(limits: TransportLimits, now: MonotonicTime) {
    handshakeTimeout = limits.handshakeTimeout.wholeNanoseconds
    idleTimeout = limits.idleTimeout.wholeNanoseconds
    writeStallTimeout = limits.writeStallTimeout.wholeNanoseconds
    drainPingTimeout = limits.drainPingTimeout.wholeNanoseconds
    handshakeBy = now.advanced(byNanoseconds: handshakeTimeout)
    next = handshakeBy
  }

  // MARK: what happened

  mutating func handshakeDone(_ now: MonotonicTime) {
    guard handshakeBy != .never else { return }
    handshakeBy = .never
    becameIdle(now)
  }

  /// A header block began; `headEnded` is not told, the session knows whether one is open.
  mutating func headBegan(_ now: MonotonicTime) {
    headBy = now.advanced(byNanoseconds: handshakeTimeout)
    next = min(next, headBy)
  }

  /// The time is known again: `fillOutput` and the loop's mailbox come without one.
  mutating func stamp(_ now: MonotonicTime) {
    if idleIsUnstamped { becameIdle(now) }
    if outputIsUnstamped {
      outputIsUnstamped = false
      outputWaits(now)
    }
  }

  /// No stream is open any more; nil when the time is not known.
  mutating func becameIdle(_ now: MonotonicTime?) {
    idleIsUnstamped = now == nil
    guard let now else {
      idleBy = .never
      return
    }
    idleBy = now.advanced(byNanoseconds: idleTimeout)
    next = min(next, idleBy)
  }

  mutating func deadline(_ at: MonotonicTime) { next = min(next, at) }

  /// There is output to write; nil when the time is not known.
  mutating func outputWaits(_ now: MonotonicTime?) {
    guard outputBy == .never, !outputIsUnstamped else { return }
    guard let now else {
      outputIsUnstamped = true
      return
    }
    outputBy = now.advanced(byNanoseconds: writeStallTimeout)
    next = min(next, outputBy)
  }

  /// Output went out; `more` waits.
  mutating func outputMoved(_ now: MonotonicTime?, more: Bool) {
    outputBy = .never
    outputIsUnstamped = false
    if more { outputWaits(now) }
  }

  mutating func drainBegan(_ now: MonotonicTime) {
    let until = now.advanced(byNanoseconds: drainPingTimeout)
    drain = .pinged(until: until)
    next = min(next, until)
  }

  mutating func drainFinal() { drain = .final }

  // MARK: what is due

  func handshakeIsLate(_ now: MonotonicTime) -> Bool { now >= handshakeBy }
  func headIsLate(_ now: MonotonicTime) -> Bool { now >= headBy }
  func idleIsOver(_ now: MonotonicTime) -> Bool { now >= idleBy }
  func outputIsStalled(_ now: MonotonicTime) -> Bool { now >= outputBy }

  func drainPingIsLate(_ now: MonotonicTime) -> Bool {
    if case .pinged(let until) = drain { now >= until } else { false }
  }

  /// Sets the next look from what is still to come; `calls` is the earliest time of any call.
  mutating func plan(_ now: MonotonicTime, calls: MonotonicTime, isIdle: Bool, headIsOpen: Bool) {
    if !headIsOpen { headBy = .never }
    if !isIdle { idleBy = .never }
    var earliest = min(min(handshakeBy, headBy), min(calls, min(idleBy, outputBy)))
    if case .pinged(let until) = drain { earliest = min(earliest, until) }
    next = max(earliest, now.advanced(byNanoseconds: Self.granularityNanoseconds))
  }
}
