/// The exchanges that a ledger's records leave open, told one record after another.
package struct OpenExchanges {
  /// By request id.
  package private(set) var byRequestID: [String: OpenExchange] = [:]

  package init() {}

  /// Takes the next record. Carried records are in the checkpoint before them already.
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
    case .admission, .completion, .denials, .start, .reload, .clock, .repair, .stop, .drop: break
    }
  }

  /// Oldest first.
  package var inOrder: [OpenExchange] { byRequestID.values.sorted { $0.seq < $1.seq } }
}
