import Foundation
import Ledger

/// The ledger behind the books.
extension Books {
  /// Begins a new segment of the ledger, as SIGUSR1 asks.
  package func rotate() { ledger?.beginSegment() }

  /// Whether an admission would be recorded now.
  package var ledgerState: LedgerState { ledger?.state ?? .unavailable(.stopped) }

  /// The ledger's writer; nil once the books are closed. Shipping keeps a reference of its own,
  /// because it sends the last records after that.
  package var ledger: LedgerWriter? { lock.withLock { writer } }

  /// Sizes and counts of the ledger; nil once the books are closed.
  package var ledgerStatistics: LedgerStatistics? { ledger?.statistics }

  /// Waits until all that was queued so far is on disk; false where that fails.
  package func isOnRecord() -> Bool { ledger?.flush() ?? false }
}
