import Foundation
import Ledger
import Quota
import Terms

/// Shares of budgets that were reached (`warn_at`), and limits that only count (`mode: "shadow"`).
extension Books {
  /// Under the lock: puts on record what settled use has come to. What cannot be recorded is found again
  /// with the next settlement.
  func recordReached(_ now: Int64) {
    for reached in table.takeReached() {
      let threshold = Threshold(reached)
      switch writer?.enqueue(.threshold(threshold), timeMs: now) {
      case .queued?, .carried?:
        table.told(reached)
        marks.reached(threshold, reached.rule)
      case .refused?, nil: break
      }
    }
  }

  /// The shares of budgets that were reached since this was asked last, to be logged. Call once a second.
  package func untoldThresholds() -> [Threshold] { lock.withLock { marks.takeUntold() } }

  /// How often shares of budgets were reached since the start.
  package var thresholdCounts: [LimitCount] { currentMarks.shareCounts }

  /// What limits that only count would have refused since the start.
  package var shadowCounts: [LimitCount] { currentMarks.shadowCounts }

  var currentMarks: LimitMarks { lock.withLock { marks } }

  /// Queues a record of what the process did.
  func note(_ body: LedgerRecord.Body) {
    lock.withLock {
      let now = readClock()
      _ = writer?.enqueue(body, timeMs: now)
    }
  }

  /// Records that some records left the ledger before their time, or will never be sent to a target.
  package func recordDrop(_ drop: Drop) { note(.drop(drop)) }
}

extension Threshold {
  fileprivate init(_ reached: ReachedShare) {
    self.init(
      tenant: reached.rule.owner.tenant, group: reached.rule.owner.group, limit: reached.rule.name,
      counter: reached.counter,
      kind: reached.rule.kind, share: reached.share, used: reached.used, amount: reached.amount,
      windowStartMs: reached.windowStartMs, windowEndMs: reached.windowEndMs)
  }
}
