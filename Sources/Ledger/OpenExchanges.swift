/// The exchanges that have an admission and no completion yet, among the records read so far.
package struct OpenExchanges {
  /// By request id.
  package private(set) var byRequestID: [String: OpenExchange] = [:]

  /// Those that a checkpoint left out, and carried admissions: a carried completion may end them.
  private var carried: [String: OpenExchange] = [:]

  /// Starts with none.
  package init() {}

  /// Reads the next record. Carried records change nothing: the checkpoint before includes them.
  package mutating func apply(_ record: LedgerRecord) {
    switch record.body {
    case .checkpoint(let checkpoint):
      carried = byRequestID
      byRequestID = [:]
      for exchange in checkpoint.open { byRequestID[exchange.admission.requestID] = exchange }
    case .admission(let admission) where admission.value.decision == .allow:
      let exchange = OpenExchange(
        seq: record.seq, timeMs: record.timeMs, admission: admission.value)
      if record.isCarried {
        carried[admission.value.requestID] = exchange
      } else {
        byRequestID[admission.value.requestID] = exchange
      }
    case .completion(let completion) where !record.isCarried:
      byRequestID[completion.value.requestID] = nil
    case .admission, .completion, .denials, .start, .reload, .clock, .repair, .stop, .store,
      .threshold, .drop, .restore, .revoke:
      break
    }
  }

  /// The admission that a record is about, before it is applied; nil where it is not known.
  package func admission(of record: LedgerRecord) -> Admission? {
    switch record.body {
    case .admission(let admission): admission.value
    case .completion(let completion):
      (byRequestID[completion.value.requestID]
        ?? (record.isCarried ? carried[completion.value.requestID] : nil))?.admission
    case .denials, .start, .reload, .checkpoint, .clock, .repair, .stop, .store, .threshold, .drop,
      .restore, .revoke:
      nil
    }
  }

  /// The open exchanges, oldest admission first.
  package var inOrder: [OpenExchange] { byRequestID.values.sorted { $0.seq < $1.seq } }
}
