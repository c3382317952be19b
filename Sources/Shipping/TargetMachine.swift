import Bytes

/// One target's connection and its attempts, as a value: what happened goes in, what is to be done
/// next comes out. Times are the monotonic clock's milliseconds.
package struct TargetMachine: Sendable {
  /// Whether there is something to ship.
  package enum Work: Equatable, Sendable {
    case none
    /// A batch that is not full and not old enough until then.
    case waiting(untilMs: Int64)
    case ready
  }

  package enum Action: Equatable, Sendable {
    /// Nothing before that time (nil: before something happens).
    case wait(untilMs: Int64?)
    case connect
    /// Ship the batch.
    case export
    /// Give the connection up, and ask again.
    case disconnect
    /// Everything is over.
    case end
  }

  /// What the receiver made of a batch; `OTLPAnswer` reads it from gRPC.
  package enum Answer: Equatable, Sendable {
    case delivered
    /// It has the batch except so many records, which it will never take.
    case partial(rejected: Int, message: String)
    /// It will never take the batch.
    case refused(String)
    /// It will never take the batch, and perhaps because of its size.
    case tooLarge(String)
    /// Not now; not before so long, where it says.
    case retry(String, afterMs: Int64?)
  }

  /// What becomes of the batch.
  package enum Outcome: Equatable, Sendable {
    /// On to the next one.
    case done
    /// Ship it again.
    case again
  }

  private enum Phase: Equatable, Sendable {
    case closed
    case connecting(byMs: Int64)
    case open
    case exporting(byMs: Int64?)
    case backingOff(untilMs: Int64, isOpen: Bool)
    case ended
  }

  private var phase = Phase.closed
  private var backoff: Backoff
  private let timeoutMs: Int64
  /// nil: an export takes as long as it takes (a pipe that is full is nobody's fault).
  private let exportTimeoutMs: Int64?
  /// Whether this connection has had an answer.
  private var hasProved = false
  /// The process ends: by when, and whether an attempt has failed since.
  private var stop: (byMs: Int64, hasFailed: Bool)?
  /// Attempts that failed.
  package private(set) var failureCount: Int64 = 0

  package init(timeout: Duration, exportsMayTakeForEver: Bool = false, backoff: Backoff = Backoff())
  {
    timeoutMs = timeout.wholeMilliseconds
    exportTimeoutMs = exportsMayTakeForEver ? nil : timeoutMs
    self.backoff = backoff
  }

  /// What to do now. `work` is asked for again whenever it may have changed.
  package mutating func next(nowMs: Int64, work: Work, random: UInt64) -> Action {
    if let stop, phase != .ended, nowMs >= stop.byMs || stop.hasFailed || isDone(work) {
      phase = .ended
    }
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
      // Half open, perhaps: whoever is there does not answer here any more.
      failed(nowMs: nowMs, isOpen: false, random: random)
      return .disconnect
    case .backingOff(let untilMs, let isOpen):
      if nowMs < untilMs, stop == nil { return .wait(untilMs: untilMs) }
      phase = isOpen ? .open : .closed
      return next(nowMs: nowMs, work: work, random: random)
    }
  }

  private func isDone(_ work: Work) -> Bool {
    if case .exporting = phase { return false }
    return work == .none
  }

  /// Until there is something to ship; nil when there is. At the end nothing waits to be more.
  private func wait(_ work: Work) -> Action? {
    switch work {
    case .none: .wait(untilMs: stop?.byMs)
    case .waiting(let untilMs): stop == nil ? .wait(untilMs: untilMs) : nil
    case .ready: nil
    }
  }

  private func earlier(_ byMs: Int64?) -> Int64? {
    guard let stop else { return byMs }
    return min(byMs ?? stop.byMs, stop.byMs)
  }

  /// The host's addresses are known, for which name servers may have taken a while: connecting has its
  /// time from here on.
  package mutating func resolved(nowMs: Int64) {
    if case .connecting = phase { phase = .connecting(byMs: nowMs + timeoutMs) }
  }

  /// The connection is there.
  package mutating func connected() {
    if case .connecting = phase { phase = .open }
  }

  /// The receiver takes bytes.
  package mutating func progressed(nowMs: Int64) {
    if case .exporting = phase { phase = .exporting(byMs: exportTimeoutMs.map { nowMs + $0 }) }
  }

  /// The connection is gone, or could not be made. Between exports that is in order, where it was
  /// good for one before. Returns whether an attempt has failed.
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

  /// The receiver's answer to the batch.
  package mutating func answered(_ answer: Answer, nowMs: Int64, random: UInt64) -> Outcome {
    guard case .exporting = phase else { return .again }
    hasProved = true
    switch answer {
    case .delivered, .partial, .refused, .tooLarge:
      phase = .open
      backoff.reset()
      return .done
    case .retry(_, let afterMs):
      failed(nowMs: nowMs, isOpen: true, random: random, afterMs: afterMs)
      return .again
    }
  }

  private mutating func failed(
    nowMs: Int64, isOpen: Bool, random: UInt64, afterMs: Int64? = nil
  ) {
    failureCount += 1
    let own = backoff.next(random: random)
    let throttle = min(afterMs ?? 0, ShippingLimits.throttleMax.wholeMilliseconds)
    phase = .backingOff(untilMs: nowMs + max(own, throttle), isOpen: isOpen)
    stop?.hasFailed = true
  }

  /// The process ends: what is there is tried at once, whatever the back-off says, until the first
  /// failure or `byMs`.
  package mutating func stopRequested(byMs: Int64) {
    if stop == nil { stop = (byMs, false) }
  }

  /// What it is doing, for people.
  package enum State: Equatable, Sendable {
    case connecting, shipping, idle, backingOff
  }

  package var state: State {
    switch phase {
    case .closed, .open, .ended: .idle
    case .connecting: .connecting
    case .exporting: .shipping
    case .backingOff: .backingOff
    }
  }
}
