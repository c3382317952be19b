/// Whether the ledger takes admissions.
package enum LedgerState: Equatable, Sendable {
  /// It does.
  case writable
  /// It does not, so no exchange can be let through.
  case unavailable(Reason)

  /// Why the ledger takes no admission.
  package enum Reason: Equatable, Sendable, CustomStringConvertible {
    /// No segment has been opened yet.
    case starting
    /// A write or flush failed; the writer tries to open a new segment.
    case failed(LedgerFault)
    /// More waits to be written than `LedgerLimits.queueBytesMax`.
    case queueFull
    /// `--ledger-max-bytes` is reached, counting the room for open exchanges' completions.
    case ledgerFull
    /// The ledger is almost full, and the tenant has had its share of what is left.
    case overShare
    /// The writer has been stopped.
    case stopped

    /// The text that the log and pages put behind "the ledger is unavailable".
    package var description: String {
      switch self {
      case .starting: "no segment is open yet"
      case .failed(let fault): fault.description
      case .queueFull:
        "more than \(LedgerLimits.queueBytesMax) bytes of records wait to be written"
      case .ledgerFull: "--ledger-max-bytes is reached"
      case .overShare:
        "the ledger is fuller than \(LedgerLimits.sharedFillPercent) % of --ledger-max-bytes, and the"
          + " tenant has had its share of the rest"
      case .stopped: "it has been closed"
      }
    }
  }
}

/// What the ledger did with a record that it was given.
package enum Enqueued: Equatable, Sendable {
  /// It gets this number, if its batch can be written.
  case queued(seq: Int64)
  /// There is no segment to write to; the record is kept for the next one. Also the answer for the
  /// completion of an admission that failed, which is not recorded.
  case carried
  /// It will not be recorded.
  case refused(LedgerState.Reason)
}

/// `--durability`: when an admission counts, so that its exchange may go on.
package enum Durability: String, Sendable, CaseIterable {
  /// When its record is on disk.
  case durable
  /// At once. Its record is written within 100 ms and flushed within a second.
  case relaxed
}
