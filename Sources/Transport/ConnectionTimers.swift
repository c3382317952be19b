import Bytes

/// The deadlines of one connection, and when the first of them is: times go in, `next` comes out. A
/// value, without a clock; each deadline is asked for by itself.
struct ConnectionTimers {
  /// Deadlines are checked no more often than this, so that many of them cost one check.
  static let granularityNanoseconds: Int64 = 1_000_000

  /// How far a graceful drain is.
  enum Drain: Equatable {
    case none
    /// GOAWAY with the highest stream id and the PING are sent, or about to be.
    case pinged(until: MonotonicTime)
    /// GOAWAY with the last stream id is sent.
    case final
  }

  // Nanoseconds: Duration's arithmetic is 128 bits wide.
  private let handshakeTimeout: Int64
  private let idleTimeout: Int64
  private let writeStallTimeout: Int64
  private let drainPingTimeout: Int64
  /// Nothing is due before this time.
  private(set) var next: MonotonicTime
  private(set) var drain = Drain.none
  private var handshakeBy: MonotonicTime
  private var headBy = MonotonicTime.never
  private var idleBy = MonotonicTime.never
  private var outputBy = MonotonicTime.never
  // What began in a call that was not told the time; it counts from the next time that is told.
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

  /// The peer's SETTINGS have come.
  mutating func handshakeDone(_ now: MonotonicTime) {
    guard handshakeBy != .never else { return }
    handshakeBy = .never
    becameIdle(now)
  }

  /// A header block began. Its end is not told: `plan` asks whether one is open.
  mutating func headBegan(_ now: MonotonicTime) {
    headBy = now.advanced(byNanoseconds: handshakeTimeout)
    next = min(next, headBy)
  }

  /// The time is told again. `fillOutput`, and answers from a message of the loop's mailbox, come
  /// without it.
  mutating func stamp(_ now: MonotonicTime) {
    if idleIsUnstamped { becameIdle(now) }
    if outputIsUnstamped {
      outputIsUnstamped = false
      outputWaits(now)
    }
  }

  /// No stream is open any more; `now` is nil when the time was not told.
  mutating func becameIdle(_ now: MonotonicTime?) {
    idleIsUnstamped = now == nil
    guard let now else {
      idleBy = .never
      return
    }
    idleBy = now.advanced(byNanoseconds: idleTimeout)
    next = min(next, idleBy)
  }

  /// A call has a deadline.
  mutating func deadline(_ at: MonotonicTime) { next = min(next, at) }

  /// There is output to write; `now` is nil when the time was not told.
  mutating func outputWaits(_ now: MonotonicTime?) {
    guard outputBy == .never, !outputIsUnstamped else { return }
    guard let now else {
      outputIsUnstamped = true
      return
    }
    outputBy = now.advanced(byNanoseconds: writeStallTimeout)
    next = min(next, outputBy)
  }

  /// Some output was written; `more` says whether there is more.
  mutating func outputMoved(_ now: MonotonicTime?, more: Bool) {
    outputBy = .never
    outputIsUnstamped = false
    if more { outputWaits(now) }
  }

  /// The first step of the drain.
  mutating func drainBegan(_ now: MonotonicTime) {
    let until = now.advanced(byNanoseconds: drainPingTimeout)
    drain = .pinged(until: until)
    next = min(next, until)
  }

  /// The second step of the drain.
  mutating func drainFinal() { drain = .final }

  // MARK: what is due

  func handshakeIsLate(_ now: MonotonicTime) -> Bool { now >= handshakeBy }
  func headIsLate(_ now: MonotonicTime) -> Bool { now >= headBy }
  func idleIsOver(_ now: MonotonicTime) -> Bool { now >= idleBy }
  func outputIsStalled(_ now: MonotonicTime) -> Bool { now >= outputBy }

  func drainPingIsLate(_ now: MonotonicTime) -> Bool {
    if case .pinged(let until) = drain { now >= until } else { false }
  }

  /// Sets `next` from the deadlines that are left. `calls` is the earliest deadline of any call.
  mutating func plan(_ now: MonotonicTime, calls: MonotonicTime, isIdle: Bool, headIsOpen: Bool) {
    if !headIsOpen { headBy = .never }
    if !isIdle { idleBy = .never }
    var earliest = min(min(handshakeBy, headBy), min(calls, min(idleBy, outputBy)))
    if case .pinged(let until) = drain { earliest = min(earliest, until) }
    next = max(earliest, now.advanced(byNanoseconds: Self.granularityNanoseconds))
  }
}
