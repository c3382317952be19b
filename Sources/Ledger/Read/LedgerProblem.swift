/// Why a ledger cannot be read, and where.
package enum LedgerProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// The files are not what a writer can have left. `offset` is that of the line, in bytes.
  case damaged(file: String, offset: Int64, Damage)
  /// The ledger was written by a newer version, in a format with this number.
  case newerFormat(file: String, Int64)
  /// A file operation failed.
  case files(LedgerFault)

  /// What is damaged.
  package enum Damage: Equatable, Sendable, CustomStringConvertible {
    /// The line's hash is not the one that its bytes and the previous line's hash give.
    case hash
    /// The record has another `seq` than the one that follows.
    case seq(expected: Int64, found: Int64)
    /// The line has the right hash but is not a record.
    case record(RecordProblem)
    /// The segment's first record is not a checkpoint.
    case checkpoint
    /// The checkpoint's previous hash is not the hash of the record before.
    case previousHash
    /// The file ends before this record, which belongs to it.
    case missingRecords(from: Int64)
    /// The last line has no newline, and a crash did not leave it so.
    case incompleteLine
    /// A line is longer than `LedgerLimits.lineBytesMax`.
    case lineTooLong

    /// A short name for programs, which never changes.
    package var name: String {
      switch self {
      case .hash: "hash"
      case .seq: "seq"
      case .record: "record"
      case .checkpoint: "checkpoint"
      case .previousHash: "previous_hash"
      case .missingRecords: "missing_records"
      case .incompleteLine: "incomplete_line"
      case .lineTooLong: "line_too_long"
      }
    }

    /// The text for people, without the place.
    package var description: String {
      switch self {
      case .hash: "the record's hash does not fit"
      case .seq(let expected, let found): "record \(found) stands where \(expected) belongs"
      case .record(let problem): problem.description
      case .checkpoint: "the segment does not begin with its checkpoint"
      case .previousHash: "the checkpoint does not fit the record before it"
      case .missingRecords(let seq): "the records from \(seq) on are missing"
      case .incompleteLine: "the last line is incomplete"
      case .lineTooLong: "a line of more than \(LedgerLimits.lineBytesMax) bytes"
      }
    }
  }

  /// The text for people, with file and offset.
  package var description: String {
    switch self {
    case .damaged(let file, let offset, let damage): "\(file): offset \(offset): \(damage)"
    case .newerFormat(let file, let number):
      "\(file): format \(number); this version reads up to \(LedgerFormat.number)"
    case .files(let fault): fault.description
    }
  }
}
