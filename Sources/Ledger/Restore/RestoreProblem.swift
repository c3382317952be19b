/// Why no ledger was restored. Nothing has been written then that a start would find.
package enum RestoreProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file of shipped records cannot be read.
  case unreadable(String, LedgerProblem)
  /// More than `RestoreLimits.recordsMax`.
  case tooMany
  /// No file has a record.
  case noRecords
  /// No checkpoint in the files names its ledger.
  case noCheckpoint
  /// The files have records of these ledgers, and none was chosen, or one that is not there.
  case ledgers([Span], chosen: String?)
  /// These records are missing, or are not what was written. `next`: the first checkpoint behind them.
  case gaps([ClosedRange<Int64>], next: Int64?)
  /// Two records of that number fit: two processes went on from the one before.
  case fork(Int64)
  /// The directory has a ledger, or what belongs to one.
  case notEmpty(String)
  case locked(DirectoryLock.Problem)
  case files(LedgerFault)

  /// A ledger in the files: its id, and its first and last checkpoint.
  package struct Span: Equatable, Sendable {
    package let id: String
    package let checkpoints: ClosedRange<Int64>
  }

  package var description: String {
    switch self {
    case .unreadable(let path, let problem): "\(path): \(problem)"
    case .tooMany:
      "more than \(RestoreLimits.recordsMax) records: leave out the oldest files; a ledger can begin at"
        + " any checkpoint"
    case .noRecords: "there is no record in these files"
    case .noCheckpoint:
      "no checkpoint in these files names its ledger: there is nothing to begin at"
    case .ledgers(let spans, let chosen):
      (chosen.map { "there is no ledger \($0) in these files" }
        ?? "these files have several ledgers")
        + ": choose one with --ledger"
        + spans.map {
          "\n  \($0.id), with checkpoints from record \($0.checkpoints.lowerBound) to \($0.checkpoints.upperBound)"
        }.joined()
    case .gaps(let gaps, let next):
      "missing, or not what was written: " + Self.text(gaps)
        + (next.map {
          "; the first checkpoint behind is record \($0): with files from there on, a ledger that begins"
            + " there can be restored"
        } ?? "; there is no checkpoint behind")
    case .fork(let seq):
      "record \(seq) is there twice, and both fit the one before: two processes went on with this ledger."
        + " Leave out the files of one of them"
    case .notEmpty(let path): "\(path) is there already: restore into a new directory"
    case .locked(let problem): problem.description
    case .files(let fault): fault.description
    }
  }

  private static func text(_ gaps: [ClosedRange<Int64>]) -> String {
    let named = gaps.prefix(RestoreLimits.gapsNamedMax).map { gap in
      gap.count == 1
        ? "record \(gap.lowerBound)" : "records \(gap.lowerBound) to \(gap.upperBound)"
    }
    let others = gaps.count - named.count
    return named.joined(separator: ", ") + (others > 0 ? ", and \(others) more gaps" : "")
  }
}
