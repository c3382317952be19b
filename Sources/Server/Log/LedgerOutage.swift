import Bytes
import Gateway
import Ledger
import Log
import Terms

/// Says once that the ledger takes nothing, and once that it does again, with how long that was:
/// its writer tells of failures, and whoever looks each second of what comes and goes by itself.
package final class LedgerOutage: Sendable {
  /// What is known of the ledger. A value, apart from clock and log.
  struct Watch {
    enum News: Equatable {
      case unavailable(LedgerState.Reason)
      case writable(outNanoseconds: Int64)
    }

    private var since: Int64?
    private var reason: LedgerState.Reason?

    /// What is to be said of `state`; nil where it is known.
    mutating func saw(_ state: LedgerState, nowNanoseconds: Int64) -> News? {
      switch state {
      case .writable:
        guard let began = since else { return nil }
        since = nil
        reason = nil
        return .writable(outNanoseconds: nowNanoseconds - began)
      case .unavailable(.starting), .unavailable(.stopped):
        // How it begins and ends; what happened in between stays told.
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

  package init(log: Logger) {
    self.log = log
  }

  /// The ledger's state, now.
  package func saw(_ state: LedgerState) {
    let news = watch.withLock {
      $0.saw(state, nowNanoseconds: SystemClock.monotonicNanoseconds())
    }
    switch news {
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
