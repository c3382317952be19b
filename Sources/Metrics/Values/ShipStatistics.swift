/// How the shipping to one target stands.
package struct ShipStatistics: Sendable, Equatable {
  package enum State: String, Sendable, CaseIterable {
    case shipping, idle
    case backingOff = "backing_off"
    case connecting
  }

  /// The target as `--ship` names it, without credentials.
  package var target: String
  package var state: State
  /// The last record that the target has for good.
  package var acknowledgedSeq: Int64
  /// Records on disk that it does not have.
  package var lagRecords: Int64
  /// The age of the oldest of them.
  package var lagSeconds: Double
  package var shipped: Int64
  package var retries: Int64
  /// Records that the target will not take.
  package var rejected: Int64
  /// Records that went unshipped because the ledger was full.
  package var dropped: Int64
  /// Records that went unshipped because they do not fit the ledger's chain any more.
  package var damaged: Int64
  package var lastError: String?
  /// Unix milliseconds.
  package var lastSuccessMs: Int64?

  package init(
    target: String, state: State = .idle, acknowledgedSeq: Int64 = 0, lagRecords: Int64 = 0,
    lagSeconds: Double = 0, shipped: Int64 = 0, retries: Int64 = 0, rejected: Int64 = 0,
    dropped: Int64 = 0, damaged: Int64 = 0, lastError: String? = nil, lastSuccessMs: Int64? = nil
  ) {
    self.target = target
    self.state = state
    self.acknowledgedSeq = acknowledgedSeq
    self.lagRecords = lagRecords
    self.lagSeconds = lagSeconds
    self.shipped = shipped
    self.retries = retries
    self.rejected = rejected
    self.dropped = dropped
    self.damaged = damaged
    self.lastError = lastError
    self.lastSuccessMs = lastSuccessMs
  }
}
