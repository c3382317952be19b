/// The exchanges that have an admission and no completion yet, among the records read so far.
package struct OpenExchanges {
  /// By request id.
  package private(set) var byRequestID: [String: OpenExchange] = [:]

  /// Starts with none.
  package init() {}

  /// Reads the next record. Carried records change nothing: the checkpoint before includes them.
  package mutating func apply(_ record: LedgerRecord) {
    switch record.body {
    case .checkpoint(let checkpoint):
      byRequestID = [:]
      for exchange in checkpoint.open { byRequestID[exchange.admission.requestID] = exchange }
    case .admission(let admission) where admission.decision == .allow && !record.isCarried:
      byRequestID[admission.requestID] = OpenExchange(
        seq: record.seq, timeMs: record.timeMs, admission: admission)
    case .completion(let completion) where !record.isCarried:
      byRequestID[completion.requestID] = nil
    case .admission, .completion, .denials, .start, .reload, .clock, .repair, .stop, .store, .drop,
      .restore, .revoke:
      break
    }
  }

  /// The open exchanges, oldest admission first.
  package var inOrder: [OpenExchange] { byRequestID.values.sorted { $0.seq < $1.seq } }
}
