import Bytes

/// Everything that later records build on, at the head of each segment.
package struct Checkpoint: Equatable, Sendable {
  package var format: Int64
  /// The hash of the record before; 32 zero bytes where a chain begins.
  package var previousHash: SHA256Digest
  package var counters: [CounterState]
  package var open: [OpenExchange]

  package init(
    format: Int64 = LedgerFormat.number, previousHash: SHA256Digest, counters: [CounterState],
    open: [OpenExchange]
  ) {
    self.format = format
    self.previousHash = previousHash
    self.counters = counters
    self.open = open
  }
}

/// One counter's state. The ledger keeps its integers by their names and knows nothing of them.
package struct CounterState: Equatable, Sendable {
  package struct Field: Equatable, Sendable {
    package var name: String
    package var value: Int64

    package init(_ name: String, _ value: Int64) {
      self.name = name
      self.value = value
    }
  }

  package var counter: String
  package var kind: String
  package var fields: [Field]

  package init(counter: String, kind: String, fields: [Field]) {
    self.counter = counter
    self.kind = kind
    self.fields = fields
  }

  /// The integer of that name, if the counter has it.
  package subscript(name: String) -> Int64? { fields.first { $0.name == name }?.value }
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

  package init(counters: [CounterState] = [], open: [OpenExchange] = []) {
    self.counters = counters
    self.open = open
  }
}
