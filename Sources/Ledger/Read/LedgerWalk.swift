/// Goes through a whole ledger, oldest record first, each held against the chain; nothing that is
/// void is seen. Works while a writer appends: what is new is found by asking again after the end.
package struct LedgerWalk {
  package struct Step {
    package let segment: Segment
    package let line: SegmentReader.SealedLine
  }

  private let files: any LedgerFiles
  /// Segments that have not been begun.
  private var ahead: [Segment]
  private var reader: SegmentReader?
  /// What the segments before came to; nil where this walk has not seen them.
  private var before: Chain?
  /// Lines up to this number were given before.
  private var givenSeq: Int64 = 0
  /// Bytes at the ends of segments that do not count.
  package private(set) var voidBytes: Int64 = 0
  package private(set) var segmentCount = 0

  package init(_ files: any LedgerFiles) throws(LedgerProblem) {
    self.files = files
    do { ahead = try Segment.list(files) } catch { throw .files(error) }
  }

  /// At the end: the last line where it has no end, because it is being written or a crash cut it.
  package func tornEnd() throws(LedgerProblem) -> TornEnd? {
    guard let reader else { return nil }
    guard reader.checkpoint != nil else {
      return try TornEnd.head(files, reader.segment, .checkpoint)
    }
    guard reader.endsInIncompleteLine else { return nil }
    return try TornEnd.cut(files, reader.segment, at: reader.offset)
  }

  /// What recovery makes of a line that does not fit: torn where it is in the last segment and a crash
  /// can have left it; otherwise throws `problem`.
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

  /// The next record's line; nil at the end so far.
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
        // Retention took it meanwhile: the chain starts later.
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

  /// Goes on at the first segment behind the damage whose chain begins anew because of it; nil where there is none.
  package mutating func skipToRepair(of damage: LedgerProblem) -> Repair? {
    guard case .damaged(let file, let offset, _) = damage else { return nil }
    for (index, segment) in ahead.enumerated() {
      var candidate = SegmentReader(files, segment, endSeq: nil)
      guard (try? candidate.next()) != nil, candidate.checkpoint?.previousHash == Chain.origin,
        let line = try? candidate.next(), let record = try? line.record(of: segment),
        case .repair(let repair) = record.body, repair.file == file, repair.offset == offset
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

  /// At the end of a segment: on to the next one, if there is one by now.
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
      // What was read last is void by now: find the chain's state without it.
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
