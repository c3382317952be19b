import Books
import Bytes
import Ledger
import Metrics
import Policy

/// What the admin addresses say of the process: whether it is ready, its policy, its books.
///
/// Any thread tells it of changes; the admin server's thread reads it.
package final class ServingState: Sendable {
  /// The counters of every loop.
  package let metrics = MetricsRegistry()
  /// The last hour of them.
  package let history = TrafficHistory()
  /// When the process started, in Unix nanoseconds.
  let startedNanoseconds = SystemClock.wallNanoseconds()
  private let begin = SystemClock.monotonicNanoseconds()
  private let values = Locked(Values())

  /// What has been told so far.
  struct Values: Sendable {
    var isStarted = false
    var isDraining = false
    var policy: PolicySnapshot?
    var policyStatus: PolicyStatus?
    var books: Books?
    /// The data directory, once the ledger is recovered.
    var directory: String?
    var ship: @Sendable () -> [ShipStatistics] = { [] }
    var store: @Sendable () -> StoreStatus? = { nil }
    var responseIDs: @Sendable () -> ResponseIDStatistics = { ResponseIDStatistics() }
  }

  /// Nothing is ready yet; the uptime counts from here.
  package init() {}

  /// `policy` is in force, after a reading that ended as `status` says.
  package func uses(_ policy: PolicySnapshot, _ status: PolicyStatus) {
    values.withLock { values in
      values.policy = policy
      values.policyStatus = status
    }
  }

  /// The ledger in that data directory was recovered: these are the books.
  package func opened(_ books: Books, directory: String? = nil) {
    values.withLock { values in
      values.books = books
      values.directory = directory
    }
  }

  /// Records are shipped; `ship` returns the targets' numbers, on any thread.
  package func ships(_ ship: @escaping @Sendable () -> [ShipStatistics]) {
    values.withLock { $0.ship = ship }
  }

  /// Response ids are kept; `statistics` returns their numbers, on any thread.
  package func keepsResponseIDs(_ statistics: @escaping @Sendable () -> ResponseIDStatistics) {
    values.withLock { $0.responseIDs = statistics }
  }

  /// Limits are shared through a store; `status` returns how it stands with it, on any thread.
  package func shares(_ status: @escaping @Sendable () -> StoreStatus?) {
    values.withLock { $0.store = status }
  }

  /// The listeners are open.
  package func started() {
    values.withLock { $0.isStarted = true }
  }

  /// The drain has begun.
  package func drainBegan() {
    values.withLock { $0.isDraining = true }
  }

  /// What is known now, copied: the parts have locks of their own, which must not be taken under
  /// this one.
  var current: Values { values.withLock { $0 } }

  /// Seconds since the start, by the monotonic clock.
  var uptimeSeconds: Int64 { (SystemClock.monotonicNanoseconds() - begin) / 1_000_000_000 }
}

extension ServingState.Values {
  /// Why no request can be admitted, in words for `/readyz`; empty where requests can be.
  var reasons: [String] {
    Self.reasons(
      isDraining: isDraining, isStarted: isStarted, hasPolicy: policy != nil,
      ledger: books?.ledgerState, store: store())
  }

  /// The same from the facts alone.
  static func reasons(
    isDraining: Bool, isStarted: Bool, hasPolicy: Bool, ledger: LedgerState?,
    store: StoreStatus? = nil
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
    if let store {
      if let start = store.fencedBy {
        reasons.append(
          "another process goes on with this ledger (start \(start)): end one of the two")
      } else if store.holdsReadiness {
        reasons.append(
          (store.refusal ?? store.problem).map { "the store cannot be used: \($0)" }
            ?? "the store has not answered yet, or is opening")
      }
    }
    return reasons
  }
}
