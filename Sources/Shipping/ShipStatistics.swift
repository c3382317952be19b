/// One target's shipping in numbers, for metrics and pages.
package struct ShipStatistics: Equatable, Sendable {
  package enum State: String, Sendable, CaseIterable {
    case shipping
    case idle
    case backingOff = "backing_off"
    case connecting
  }

  /// The target, without options.
  package var target: String
  package var state = State.idle
  /// The last record that the target has acknowledged; 0 before the first.
  package var acknowledgedSeq: Int64 = 0
  /// Durable records that it has not.
  package var lagRecords: Int64 = 0
  /// The age of the oldest of them.
  package var lagSeconds = 0.0
  /// Records acknowledged since the start.
  package var shipped: Int64 = 0
  /// Attempts that failed and are made again.
  package var retries: Int64 = 0
  /// Records that the receiver said it will never take.
  package var rejected: Int64 = 0
  /// Records that left the ledger before the target had them.
  package var dropped: Int64 = 0
  /// In our own words; nil where nothing has failed yet.
  package var lastError: String?
  /// Unix milliseconds of the last acknowledgement.
  package var lastSuccessMs: Int64?

  package init(target: String) { self.target = target }
}
