import Bytes
import Ledger
import Log
import Terms

/// Logs once that the ledger cannot be written, and once that it can again, with how long that
/// took.
///
/// Any thread: the ledger's writer reports failures, and a timer reports the state once a second.
package final class LedgerOutage: Sendable {
  /// The state that was logged last. A value, without clock and log.
  struct Watch {
    /// A change that is to be logged.
    enum Change: Equatable {
      case unavailable(LedgerState.Reason)
      /// It can be written again, after so long.
      case writable(outNanoseconds: Int64)
    }

    /// When the outage began, on the monotonic clock; nil while there is none.
    private var since: Int64?
    private var reason: LedgerState.Reason?

    /// What is to be logged for `state`; nil where it was logged already.
    mutating func saw(_ state: LedgerState, nowNanoseconds: Int64) -> Change? {
      switch state {
      case .writable:
        guard let began = since else { return nil }
        since = nil
        reason = nil
        return .writable(outNanoseconds: nowNanoseconds - began)
      case .unavailable(.starting), .unavailable(.stopped):
        // The states before and after serving are no outage, and end none.
        return nil
      case .unavailable(let fresh):
        since = since ?? nowNanoseconds
        guard fresh != reason else { return nil }
        reason = fresh
        return .unavailable(fresh)
      }
    }
  }

  private let watch = Locked(Watch())
  private let log: Logger

  /// Nothing was reported yet.
  package init(log: Logger) {
    self.log = log
  }

  /// Reports the ledger's state.
  package func saw(_ state: LedgerState) {
    let change = watch.withLock {
      $0.saw(state, nowNanoseconds: SystemClock.monotonicNanoseconds())
    }
    switch change {
    case nil: break
    case .unavailable(let reason):
      log.log(
        .error, .ledgerUnavailable,
        "the ledger cannot be written, nothing is let through: \(reason)",
        [.reason: .text(reason.description)])
    case .writable(let out):
      log.log(
        .info, .ledgerWritable, "the ledger is written again",
        [.durationSeconds: .seconds(.nanoseconds(out))])
    }
  }
}
