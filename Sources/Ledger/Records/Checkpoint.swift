import Bytes
import Terms

/// Everything that later records build on, at the head of each segment.
package struct Checkpoint: Equatable, Sendable {
  package var format: Int64
  /// The hash of the record before; 32 zero bytes where a chain begins.
  package var previousHash: SHA256Digest
  package var counters: [CounterState]
  package var open: [OpenExchange]
  /// None in a ledger of format 1.
  package var estimates: [ModelEstimate]

  package init(
    format: Int64 = LedgerFormat.number, previousHash: SHA256Digest, counters: [CounterState],
    open: [OpenExchange], estimates: [ModelEstimate] = []
  ) {
    self.format = format
    self.previousHash = previousHash
    self.counters = counters
    self.open = open
    self.estimates = estimates
  }
}

/// What was learned of one model's tokens. The ledger keeps its integers and knows nothing of them.
package struct ModelEstimate: Equatable, Sendable {
  /// The model's canonical name.
  package var model: String
  package var state: [Int64]

  package init(model: String, state: [Int64]) {
    self.model = model
    self.state = state
  }
}

/// An exchange that was let through and has not been settled.
package struct OpenExchange: Equatable, Sendable {
  /// The admission's place and time.
  package var seq: Int64
  package var timeMs: Int64
  package var admission: Admission

  package init(seq: Int64, timeMs: Int64, admission: Admission) {
    self.seq = seq
    self.timeMs = timeMs
    self.admission = admission
  }
}

/// What a checkpoint says of the books, given by whoever keeps them.
package struct BooksState: Sendable {
  package var counters: [CounterState]
  package var open: [OpenExchange]
  package var estimates: [ModelEstimate]

  package init(
    counters: [CounterState] = [], open: [OpenExchange] = [], estimates: [ModelEstimate] = []
  ) {
    self.counters = counters
    self.open = open
    self.estimates = estimates
  }
}
