/// What holding a whole ledger against its chain came to.
package struct Verification: Equatable, Sendable {
  package var recordCount: Int64 = 0
  package var segmentCount = 0
  /// Where the chain starts: later than 1 where old segments have gone.
  package var firstSeq: Int64?
  package var lastSeq: Int64?
  /// Bytes of failed batches, which never counted.
  package var voidBytes: Int64 = 0
  /// What recovery would put aside: torn by a crash, or a line that is being written.
  package var torn: TornEnd?
  /// Damage that the ledger itself records.
  package var repairs: [Repair] = []
  /// The first record that does not fit; nothing behind it was looked at.
  package var problem: LedgerProblem?
  /// The number of the record that belongs there; nil where no place is known.
  package var problemSeq: Int64? {
    guard case .damaged(let file, let offset, _) = problem else { return nil }
    if offset == 0 { return Segment(name: file)?.firstSeq }
    return lastSeq.map { $0 + 1 }
  }

  /// Verifies everything that is there. Reads once, in pieces; a writer may go on meanwhile.
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
