/// Reads a whole ledger, oldest record first, and checks each line against the chain. Void bytes
/// are skipped. A writer may append meanwhile: after nil, a later call of `next` returns what is
/// new.
package struct LedgerWalk {
  /// One record's line, and the segment that contains it.
  package struct Step {
    /// The segment that contains the line.
    package let segment: Segment
    /// The line, which fits the chain.
    package let line: SegmentReader.SealedLine
  }

  private let files: any LedgerFiles
  /// The segments that have not been read.
  private var ahead: [Segment]
  private var reader: SegmentReader?
  /// The chain up to the end of the segment before; nil where that was not read.
  private var before: Chain?
  /// The largest `seq` that `next` has returned.
  private var givenSeq: Int64 = 0
  /// The number of void bytes so far.
  package private(set) var voidBytes: Int64 = 0
  /// How many segments have been begun.
  package private(set) var segmentCount = 0

  /// Lists the segments and begins before the first one.
  package init(_ files: any LedgerFiles) throws(LedgerProblem) {
    self.files = files
    do { ahead = try Segment.list(files) } catch { throw .files(error) }
  }

  /// After `next` returned nil: the last line, where it is incomplete, because it is being written
  /// or because of a crash. Throws where it is damage.
  package func tornEnd() throws(LedgerProblem) -> TornEnd? {
    guard let reader else { return nil }
    guard reader.checkpoint != nil else {
      return try TornEnd.head(files, reader.segment, .checkpoint)
    }
    guard reader.endsInIncompleteLine else { return nil }
    return try TornEnd.cut(files, reader.segment, at: reader.offset)
  }

  /// After `next` threw `problem`: the torn end, where a crash can have left the line that does not
  /// fit. Otherwise throws `problem`, which is damage. Recovery decides in the same way.
  package func tornEnd(of problem: LedgerProblem) throws(LedgerProblem) -> TornEnd {
    guard case .damaged(let file, let offset, let damage) = problem, let reader, ahead.isEmpty,
      reader.segment.name == file
    else { throw problem }
    if offset == 0, damage != .previousHash {
      return try TornEnd.head(files, reader.segment, damage)
    }
    guard offset > 0, damage == .hash else { throw problem }
    return try TornEnd.misfit(files, reader.segment, at: offset, damage)
  }

  /// The next record's line; nil at the end.
  package mutating func next() throws(LedgerProblem) -> Step? {
    while true {
      guard var current = reader else {
        guard try beginSegment() else { return nil }
        continue
      }
      let line: SegmentReader.SealedLine?
      do {
        line = try current.next()
      } catch .files(let fault) where fault.isMissingFile {
        // The writer removed this old segment meanwhile: the walk goes on with the next one.
        reader = nil
        before = nil
        continue
      }
      reader = current
      if let line {
        if line.offset == 0, let before, current.checkpoint?.previousHash != before.head {
          throw .damaged(file: current.segment.name, offset: 0, .previousHash)
        }
        if line.seq <= givenSeq { continue }
        givenSeq = line.seq
        return Step(segment: current.segment, line: line)
      }
      guard try leave(current) else { return nil }
    }
  }

  /// After damage: goes on at the segment that begins a new chain and whose `repair` record names
  /// this damage, or an earlier one in the same file: a start also finds a record that fits the chain
  /// and says what cannot be. Returns that record; nil where there is no such segment.
  package mutating func skipToRepair(of damage: LedgerProblem) -> Repair? {
    guard case .damaged(let file, let offset, _) = damage else { return nil }
    for (index, segment) in ahead.enumerated() {
      var candidate = SegmentReader(files, segment, endSeq: nil)
      guard (try? candidate.next()) != nil, candidate.checkpoint?.previousHash == Chain.origin,
        let line = try? candidate.next(), let record = try? line.record(of: segment),
        case .repair(let repair) = record.body, repair.file == file, repair.offset <= offset
      else { continue }
      ahead.removeFirst(index)
      reader = nil
      before = nil
      return repair
    }
    return nil
  }

  private mutating func beginSegment() throws(LedgerProblem) -> Bool {
    if ahead.isEmpty, before == nil, givenSeq > 0 { try look(after: givenSeq) }
    guard !ahead.isEmpty else { return false }
    let segment = ahead.removeFirst()
    reader = SegmentReader(files, segment, endSeq: ahead.first?.firstSeq)
    segmentCount += 1
    return true
  }

  /// At the end of a segment: goes to the next one, if there is one now.
  private mutating func leave(_ current: SegmentReader) throws(LedgerProblem) -> Bool {
    if current.endSeq != nil {
      do {
        voidBytes += max(0, try files.size(current.segment.name) - current.offset)
      } catch {
        if !error.isMissingFile { throw .files(error) }
      }
      before = current.chain
      reader = nil
      return true
    }
    try look(after: current.segment.firstSeq)
    guard let following = ahead.first else { return false }
    if following.firstSeq < current.nextSeq {
      // The next segment begins before records that were read here: a batch failed meanwhile, and
      // these became void. Read the segment again, up to there, for the chain without them.
      givenSeq = following.firstSeq - 1
      reader = SegmentReader(files, current.segment, endSeq: following.firstSeq)
    } else {
      reader?.endSeq = following.firstSeq
    }
    return true
  }

  private mutating func look(after seq: Int64) throws(LedgerProblem) {
    do {
      ahead = try Segment.list(files).filter { $0.firstSeq > seq }
    } catch { throw .files(error) }
  }
}
