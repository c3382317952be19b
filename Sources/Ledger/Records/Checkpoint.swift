import Bytes
import Terms

/// The record `checkpoint`, the first of each segment: the whole state before the records behind
/// it.
package struct Checkpoint: Equatable, Sendable {
  /// The format's number, `LedgerFormat.number` when it was written.
  package var format: Int64
  /// The hash of the record before it; 32 zero bytes where a chain begins.
  package var previousHash: SHA256Digest
  /// The ledger's id and the number of this start; nil in older ledgers.
  package var identity: LedgerIdentity?
  /// Since when the ledger's time runs without a step, in Unix milliseconds; nil in older ledgers.
  package var clockSinceMs: Int64?
  /// Every counter that differs from a new one.
  package var counters: [CounterState]
  /// Every exchange that is not settled.
  package var open: [OpenExchange]
  /// What was learned of each tenant's and model's tokens; empty in a ledger of format 1, which has no such
  /// field.
  package var estimates: [ModelEstimate]
  /// What was used on each day so far; nil in older ledgers.
  package var totals: DayTotals?
  /// The keys that are revoked; empty in older ledgers.
  package var revoked: [Revocation] = []

  package init(
    format: Int64 = LedgerFormat.number, previousHash: SHA256Digest,
    identity: LedgerIdentity? = nil, clockSinceMs: Int64? = nil, counters: [CounterState],
    open: [OpenExchange],
    estimates: [ModelEstimate] = [], totals: DayTotals? = nil, revoked: [Revocation] = []
  ) {
    self.totals = totals
    self.revoked = revoked
    self.format = format
    self.previousHash = previousHash
    self.identity = identity
    self.clockSinceMs = clockSinceMs
    self.counters = counters
    self.open = open
    self.estimates = estimates
  }
}

/// What was learned of one model's tokens.
package struct ModelEstimate: Equatable, Sendable {
  /// The tenant whose estimate it is; nil for the model's own, which is the start of new tenants'.
  /// Before there were tenants' own, a model's was everybody's.
  package var tenant: String?
  /// The model's canonical name.
  package var model: String
  /// The integers of a `TokenEstimator`. The ledger only stores them.
  package var state: [Int64]

  package init(tenant: String? = nil, model: String, state: [Int64]) {
    self.tenant = tenant
    self.model = model
    self.state = state
  }
}

/// An exchange that was let through and has not been settled.
package struct OpenExchange: Equatable, Sendable {
  /// The `seq` of the admission's record.
  package var seq: Int64
  /// When it was admitted, in Unix milliseconds of the ledger's clock.
  package var timeMs: Int64
  /// The admission's record.
  package var admission: Admission

  package init(seq: Int64, timeMs: Int64, admission: Admission) {
    self.seq = seq
    self.timeMs = timeMs
    self.admission = admission
  }
}

/// The state that the writer puts into a checkpoint; `Books` gives it.
package struct BooksState: Sendable {
  /// As `Checkpoint.counters`.
  package var counters: [CounterState]
  /// As `Checkpoint.open`.
  package var open: [OpenExchange]
  /// As `Checkpoint.estimates`.
  package var estimates: [ModelEstimate]
  /// As `Checkpoint.clockSinceMs`.
  package var clockSinceMs: Int64?
  /// As `Checkpoint.totals`.
  package var totals: DayTotals?
  /// As `Checkpoint.revoked`.
  package var revoked: [Revocation]

  package init(
    counters: [CounterState] = [], open: [OpenExchange] = [], estimates: [ModelEstimate] = [],
    clockSinceMs: Int64? = nil, totals: DayTotals? = nil, revoked: [Revocation] = []
  ) {
    self.totals = totals
    self.revoked = revoked
    self.counters = counters
    self.open = open
    self.estimates = estimates
    self.clockSinceMs = clockSinceMs
  }
}
