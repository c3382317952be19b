/// The state of the shipping of ledger records to one target.
package struct ShipStatistics: Sendable, Equatable {
  /// What the shipper is doing. Raw values are the label `state`.
  package enum State: String, Sendable, CaseIterable {
    case shipping, idle
    case backingOff = "backing_off"
    case connecting
    /// It waits because of what the receiver answers.
    case held
  }

  /// The target as `--ship` names it, without credentials.
  package var target: String
  package var state: State
  /// The sequence number up to which the target has acknowledged every record.
  package var acknowledgedSeq: Int64
  /// Records on disk that the target has not acknowledged.
  package var lagRecords: Int64
  /// The age of the oldest of these records.
  package var lagSeconds: Double
  /// Records that the target accepted, since the start.
  package var shipped: Int64
  /// Attempts that failed and were repeated, since the start.
  package var retries: Int64
  /// Records that the target refused, each by itself, and that were set aside.
  package var rejected: Int64
  /// Records that were deleted before they were shipped, because the ledger was full.
  package var dropped: Int64
  /// Records that were not shipped because the ledger is damaged at their place.
  package var damaged: Int64
  /// The last error, in words; nil where there was none.
  package var lastError: String?
  /// When the target last accepted records, in Unix milliseconds.
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
