/// Whether the ledger takes admissions.
package enum LedgerState: Equatable, Sendable {
  case writable
  case unavailable(Reason)

  package enum Reason: Equatable, Sendable, CustomStringConvertible {
    /// No segment has been opened yet.
    case starting
    /// A write or flush failed; the writer tries to open a new segment.
    case failed(LedgerFault)
    /// More waits to be written than `LedgerLimits.queueBytesMax`.
    case queueFull
    /// The bound of the whole ledger is reached, with the room that open exchanges need.
    case ledgerFull
    case stopped

    package var description: String {
      switch self {
      case .starting: "no segment is open yet"
      case .failed(let fault): fault.description
      case .queueFull:
        "more than \(LedgerLimits.queueBytesMax) bytes of records wait to be written"
      case .ledgerFull: "--ledger-max-bytes is reached"
      case .stopped: "it has been closed"
      }
    }
  }
}

/// What became of a record given to the ledger.
package enum Enqueued: Equatable, Sendable {
  /// It will be the record of that number, if its batch can be written.
  case queued(seq: Int64)
  /// The ledger is out of order; the record is kept for its next segment.
  case carried
  /// It will not be recorded.
  case refused(LedgerState.Reason)
}

/// How long a record may be in memory only.
package enum Durability: String, Sendable, CaseIterable {
  /// An admission counts when it is on disk.
  case durable
  /// Written within 100 ms, flushed each second; an admission counts at once.
  case relaxed
}
