/// What is wrong with a ledger, and where exactly.
package enum LedgerProblem: Error, Equatable, Sendable, CustomStringConvertible {
  case damaged(file: String, offset: Int64, Damage)
  case newerFormat(file: String, Int64)
  case files(LedgerFault)

  package enum Damage: Equatable, Sendable, CustomStringConvertible {
    /// The line's hash is not that of its bytes behind the line before.
    case hash
    case seq(expected: Int64, found: Int64)
    case record(RecordProblem)
    /// A segment that does not begin with a checkpoint of its name.
    case checkpoint
    /// The checkpoint's previous hash is not that of the record before.
    case previousHash
    /// The file ends, or the next one begins, before this record.
    case missingRecords(from: Int64)
    case incompleteLine
    case lineTooLong

    /// One word for it, which stays as it is.
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

  package var description: String {
    switch self {
    case .damaged(let file, let offset, let damage): "\(file): offset \(offset): \(damage)"
    case .newerFormat(let file, let number):
      "\(file): format \(number); this version reads up to \(LedgerFormat.number)"
    case .files(let fault): fault.description
    }
  }
}
