/// Checks a whole ledger against its chain, for `audit verify`.
package struct Verification: Equatable, Sendable {
  /// How many records fit.
  package var recordCount: Int64 = 0
  /// How many segments were read.
  package var segmentCount = 0
  /// The `seq` of the first record; larger than 1 where old segments were removed, nil where there
  /// is none.
  package var firstSeq: Int64?
  /// The `seq` of the last record that fits; nil where there is none.
  package var lastSeq: Int64?
  /// The number of void bytes: those of batches whose write or flush failed.
  package var voidBytes: Int64 = 0
  /// The torn end that a crash left, or the line that is being written now; nil where there is
  /// none.
  package var torn: TornEnd?
  /// Damage that a `repair` record names.
  package var repairs: [Repair] = []
  /// The first damage that no repair names, or why the files cannot be read; what is behind it was
  /// not checked. Nil where the ledger is whole.
  package var problem: LedgerProblem?
  /// The `seq` of the record that should be at the damage; nil where that is not known.
  package var problemSeq: Int64? {
    guard case .damaged(let file, let offset, _) = problem else { return nil }
    if offset == 0 { return Segment(name: file)?.firstSeq }
    return lastSeq.map { $0 + 1 }
  }

  /// Checks every segment. Each file is read once, in pieces; a writer may be appending meanwhile.
  package static func run(_ files: any LedgerFiles) -> Verification {
    var result = Verification()
    do {
      var walk = try LedgerWalk(files)
      result.walk(&walk)
    } catch { result.problem = error }
    return result
  }

  private mutating func walk(_ walk: inout LedgerWalk) {
    while true {
      do {
        while let step = try walk.next() {
          recordCount += 1
          if firstSeq == nil { firstSeq = step.line.seq }
          lastSeq = step.line.seq
        }
        torn = try walk.tornEnd()
        break
      } catch {
        if let repair = walk.skipToRepair(of: error) {
          repairs.append(repair)
          continue
        }
        do throws(LedgerProblem) {
          torn = try walk.tornEnd(of: error)
        } catch {
          problem = error
        }
        break
      }
    }
    segmentCount = walk.segmentCount
    voidBytes = walk.voidBytes
  }
}
