import Books
import Bytes
import Gateway
import Ledger
import Metrics
import Policy

/// How the process stands, for whoever asks over the admin addresses: told from any thread, read on
/// the admin server's.
package final class ServingState: Sendable {
  /// The counters of every loop.
  package let metrics = MetricsRegistry()
  /// When the process began, in Unix nanoseconds.
  let startedNanoseconds = SystemClock.wallNanoseconds()
  private let begin = SystemClock.monotonicNanoseconds()
  private let values = Locked(Values())

  /// What is known so far.
  struct Values: Sendable {
    var isStarted = false
    var isDraining = false
    var policy: PolicySnapshot?
    var policyStatus: PolicyStatus?
    var books: Books?
    var ship: @Sendable () -> [ShipStatistics] = { [] }
  }

  package init() {}

  /// A policy is in force.
  package func uses(_ policy: PolicySnapshot, _ status: PolicyStatus) {
    values.withLock { values in
      values.policy = policy
      values.policyStatus = status
    }
  }

  /// The policy was read again: which one is in force now, and what became of the attempt.
  package func readPolicy(_ policy: PolicySnapshot, _ status: PolicyStatus) {
    uses(policy, status)
  }

  /// Recovery is over.
  package func opened(_ books: Books) {
    values.withLock { $0.books = books }
  }

  /// Records are shipped; `ship` says how that stands, from any thread.
  package func ships(_ ship: @escaping @Sendable () -> [ShipStatistics]) {
    values.withLock { $0.ship = ship }
  }

  /// The listeners are open.
  package func started() {
    values.withLock { $0.isStarted = true }
  }

  /// The way out has begun.
  package func drainBegan() {
    values.withLock { $0.isDraining = true }
  }

  /// What is known now; its parts have locks of their own, which are not taken under ours.
  var current: Values { values.withLock { $0 } }

  /// Since the start, by the clock that only runs forward.
  var uptimeSeconds: Int64 { (SystemClock.monotonicNanoseconds() - begin) / 1_000_000_000 }
}

extension ServingState.Values {
  /// Why nothing can be let through, in words; empty where it can.
  var reasons: [String] {
    Self.reasons(
      isDraining: isDraining, isStarted: isStarted, hasPolicy: policy != nil,
      ledger: books?.ledgerState)
  }

  static func reasons(
    isDraining: Bool, isStarted: Bool, hasPolicy: Bool, ledger: LedgerState?
  ) -> [String] {
    if isDraining { return ["draining"] }
    var reasons: [String] = []
    if !isStarted { reasons.append("starting") }
    if !hasPolicy { reasons.append("no policy is loaded") }
    switch ledger {
    case nil: reasons.append("the ledger is not open yet")
    case .writable: break
    case .unavailable(let reason): reasons.append("the ledger cannot be written: \(reason)")
    }
    return reasons
  }
}
