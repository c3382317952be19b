import Bytes

/// The state of one target's connection and attempts: what has happened goes in, what is to be done
/// next comes out. A value; times are milliseconds of the monotonic clock.
package struct TargetMachine: Sendable {
  /// Whether there is something to ship.
  package enum Work: Equatable, Sendable {
    case none
    /// A batch that is not full, and not old enough before that time.
    case waiting(untilMs: Int64)
    /// A batch that is to be shipped.
    case ready
  }

  /// What is to be done.
  package enum Action: Equatable, Sendable {
    /// Wait until that time, or until something happens; nil for no time.
    case wait(untilMs: Int64?)
    /// Begin to connect.
    case connect
    /// Ship the batch.
    case export
    /// Give the connection up, because it has timed out.
    case disconnect
    /// End the thread.
    case end
  }

  /// How the receiver has answered a batch; `OTLPAnswer` reads it from gRPC.
  package enum Answer: Equatable, Sendable {
    /// It has the batch.
    case delivered
    /// It has the batch, except so many records, which it rejects.
    case partial(rejected: Int, message: String)
    /// It refuses the batch for its content; why.
    case refused(String)
    /// It refuses the batch, perhaps because of its size.
    case tooLarge(String)
    /// It does not take the batch now; why, and how long it asks to wait.
    case retry(String, afterMs: Int64?)
  }

  /// What becomes of the attempt.
  package enum Outcome: Equatable, Sendable {
    /// It is over: on to the next batch, or to a part of this one.
    case done
    /// Ship the same batch again, after a wait; how long the receiver asks for.
    case again(afterMs: Int64?)
  }

  private enum Phase: Equatable, Sendable {
    /// There is no connection.
    case closed
    /// `byMs` is when it times out, here and below.
    case connecting(byMs: Int64)
    /// There is a connection, and nothing is being exported.
    case open
    /// A batch is being exported; nil for no timeout.
    case exporting(byMs: Int64?)
    /// Waiting after a failure; `isOpen` where the connection is still there.
    case backingOff(untilMs: Int64, isOpen: Bool)
    case ended
  }

  private var phase = Phase.closed
  private var backoff: Backoff
  private let timeoutMs: Int64
  /// nil where an export may take any time: a pipe may stay full for long.
  private let exportTimeoutMs: Int64?
  /// Whether the receiver has answered on this connection.
  private var hasProved = false
  /// Set when the process ends: by when this must end, and whether an attempt has failed since.
  private var stop: (byMs: Int64, hasFailed: Bool)?
  /// How many attempts have failed, and how many of them since one has not.
  package private(set) var failureCount: Int64 = 0
  private var failuresInARow = 0
  /// How many may fail in a row. With a bound it also ends when all is shipped; nil where it waits for
  /// more, and for the receiver, as long as it takes.
  private let failuresMax: Int?

  /// No connection yet.
  package init(
    timeout: Duration, exportsMayTakeForEver: Bool = false, failuresMax: Int? = nil,
    backoff: Backoff = Backoff()
  ) {
    self.failuresMax = failuresMax
    timeoutMs = timeout.wholeMilliseconds
    exportTimeoutMs = exportsMayTakeForEver ? nil : timeoutMs
    self.backoff = backoff
  }

  /// What to do now. `work` is asked for again whenever it may have changed.
  package mutating func next(nowMs: Int64, work: Work, random: UInt64) -> Action {
    if let stop, nowMs >= stop.byMs || stop.hasFailed || isDone(work) { phase = .ended }
    if let failuresMax, failuresInARow >= failuresMax || isDone(work) { phase = .ended }
    switch phase {
    case .ended: return .end
    case .closed:
      if let wait = wait(work) { return wait }
      phase = .connecting(byMs: nowMs + timeoutMs)
      hasProved = false
      return .connect
    case .connecting(let byMs):
      guard nowMs >= byMs else { return .wait(untilMs: earlier(byMs)) }
      failed(nowMs: nowMs, isOpen: false, random: random)
      return .disconnect
    case .open:
      if let wait = wait(work) { return wait }
      phase = .exporting(byMs: exportTimeoutMs.map { nowMs + $0 })
      return .export
    case .exporting(let byMs):
      guard let byMs, nowMs >= byMs else { return .wait(untilMs: earlier(byMs)) }
      // The connection may be half open: a receiver that was restarted would not answer on it any
      // more.
      failed(nowMs: nowMs, isOpen: false, random: random)
      return .disconnect
    case .backingOff(let untilMs, let isOpen):
      if nowMs < untilMs, stop == nil { return .wait(untilMs: untilMs) }
      phase = isOpen ? .open : .closed
      return next(nowMs: nowMs, work: work, random: random)
    }
  }

  private func isDone(_ work: Work) -> Bool {
    !isExporting && work == .none
  }

  /// The wait until there is something to ship; nil where there is. When the process ends, a batch
  /// is not held back to become larger.
  private func wait(_ work: Work) -> Action? {
    switch work {
    case .none: .wait(untilMs: stop?.byMs)
    case .waiting(let untilMs):
      stop == nil && failuresMax == nil ? .wait(untilMs: untilMs) : nil
    case .ready: nil
    }
  }

  /// The timeout, or the end of the process where that is earlier.
  private func earlier(_ byMs: Int64?) -> Int64? {
    guard let stop else { return byMs }
    return min(byMs ?? stop.byMs, stop.byMs)
  }

  /// The host's name was resolved, which may have taken a while: the timeout of connecting counts
  /// from here.
  package mutating func resolved(nowMs: Int64) {
    if case .connecting = phase { phase = .connecting(byMs: nowMs + timeoutMs) }
  }

  /// The connection is open.
  package mutating func connected() {
    if case .connecting = phase { phase = .open }
  }

  /// The receiver has taken some bytes: the timeout of the export begins again.
  package mutating func progressed(nowMs: Int64) {
    if case .exporting = phase { phase = .exporting(byMs: exportTimeoutMs.map { nowMs + $0 }) }
  }

  /// The connection is gone, or could not be made. Returns whether that counts as a failed attempt.
  /// It does not between exports, where one was answered on the connection before.
  package mutating func connectionLost(nowMs: Int64, random: UInt64) -> Bool {
    switch phase {
    case .ended, .closed: return false
    case .open where hasProved:
      phase = .closed
      return false
    case .backingOff(let untilMs, _):
      phase = .backingOff(untilMs: untilMs, isOpen: false)
      return false
    case .open, .connecting, .exporting:
      failed(nowMs: nowMs, isOpen: false, random: random)
      return true
    }
  }

  /// Whether an answer is waited for; one that comes too late means nothing.
  package var isExporting: Bool {
    if case .exporting = phase { true } else { false }
  }

  /// The receiver has answered the batch, and that is what becomes of it.
  package mutating func answered(_ outcome: Outcome, nowMs: Int64, random: UInt64) {
    guard isExporting else { return }
    hasProved = true
    switch outcome {
    case .done:
      phase = .open
      failuresInARow = 0
      backoff.reset()
    case .again(let afterMs):
      failed(nowMs: nowMs, isOpen: true, random: random, afterMs: afterMs)
    }
  }

  private mutating func failed(
    nowMs: Int64, isOpen: Bool, random: UInt64, afterMs: Int64? = nil
  ) {
    failureCount += 1
    failuresInARow += 1
    let own = backoff.next(random: random)
    let throttle = min(afterMs ?? 0, ShippingLimits.throttleMax.wholeMilliseconds)
    phase = .backingOff(untilMs: nowMs + max(own, throttle), isOpen: isOpen)
    stop?.hasFailed = true
  }

  /// The process ends. What there is is shipped at once, without waiting for a back-off, until an
  /// attempt fails or `byMs` is reached.
  package mutating func stopRequested(byMs: Int64) {
    if stop == nil { stop = (byMs, false) }
  }

  /// What it is doing, for the metrics and the page.
  package enum State: Equatable, Sendable {
    case connecting, shipping, idle, backingOff
  }

  /// What it is doing now.
  package var state: State {
    switch phase {
    case .closed, .open, .ended: .idle
    case .connecting: .connecting
    case .exporting: .shipping
    case .backingOff: .backingOff
    }
  }
}
