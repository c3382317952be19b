/// What holding a whole ledger against its chain came to.
package struct Verification: Equatable, Sendable {
  package var recordCount: Int64 = 0
  package var segmentCount = 0
  /// Where the chain starts: later than 1 where old segments have gone.
  package var firstSeq: Int64?
  package var lastSeq: Int64?
  /// Bytes of failed batches, which never counted.
  package var voidBytes: Int64 = 0
  /// The file and offset of a last line without its end: being written, or torn by a crash.
  package var incomplete: (file: String, offset: Int64)?
  /// Damage that the ledger itself records.
  package var repairs: [Repair] = []
  /// The first record that does not fit; nothing behind it was looked at.
  package var problem: LedgerProblem?

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
        break
      } catch {
        guard let repair = walk.skipToRepair(of: error) else {
          problem = error
          break
        }
        repairs.append(repair)
      }
    }
    segmentCount = walk.segmentCount
    voidBytes = walk.voidBytes
    if walk.endsInIncompleteLine { incomplete = walk.place }
  }

  package static func == (a: Verification, b: Verification) -> Bool {
    a.recordCount == b.recordCount && a.segmentCount == b.segmentCount
      && a.firstSeq == b.firstSeq && a.lastSeq == b.lastSeq && a.voidBytes == b.voidBytes
      && a.incomplete?.file == b.incomplete?.file
      && a.incomplete?.offset == b.incomplete?.offset && a.repairs == b.repairs
      && a.problem == b.problem
  }
}
