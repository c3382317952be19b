import Bytes

/// Reads a ledger at the start of a process, whether the process before stopped in order or not.
///
/// It reads the last segment: the checkpoint and the records behind it are the whole state. A torn
/// end is moved to a `.torn` file. After a crash the segment is copied, flushed, and replaced by
/// its copy: what was just read may be in the page cache only, because a flush had failed.
package struct Recovery {
  /// What a `LedgerWriter` continues from.
  package struct Outcome: Equatable, Sendable {
    /// The `seq` of the next record.
    package var nextSeq: Int64
    /// The chain up to the last record.
    package var chain: Chain
    /// The last record's time in Unix milliseconds; 0 in a new ledger.
    package var timeMs: Int64
    /// Whether the last record is a `stop`, or the ledger is new.
    package var wasClean: Bool
    /// What was torn, and the files that keep it.
    package var torn: [TornEnd]
    /// The damage that the next segment must record; nil where there is none.
    package var repair: Repair?
    /// The ledger's id and the number of its last start; nil in a new ledger, in one that has no id yet,
    /// and after a repair, which begins a new one.
    package var identity: LedgerIdentity?
  }

  private let files: any LedgerFiles
  private var torn: [TornEnd] = []

  private init(files: any LedgerFiles) { self.files = files }

  /// Recovers the ledger. Calls `visit` with every record of the last segment, its checkpoint
  /// first; where it throws, the caller must forget what was visited. Throws where the ledger is
  /// damaged; with `repairing` it ends the old chain there instead, and calls `visit` with every
  /// record that can still be read. That begins with a checkpoint again.
  ///
  /// `visit` throws where a record says what cannot be: that is damage, at the record's place. It
  /// must have changed nothing then, because with `repairing` the record is left out.
  package static func run(
    _ files: any LedgerFiles, repairing: Bool = false,
    visit: (LedgerRecord) throws(RecordProblem) -> Void
  ) throws(LedgerProblem) -> Outcome {
    var recovery = Recovery(files: files)
    do throws(LedgerFault) {
      for name in try files.names() where name.hasSuffix(SegmentStore.unfinishedSuffix) {
        try files.remove(name)
      }
    } catch { throw .files(error) }
    let outcome: Outcome
    do {
      outcome = try recovery.recover(visit)
    } catch .damaged(let file, let offset, let damage) where repairing {
      let repair = Repair(
        file: file, offset: offset, damage: damage.description, lastGoodSeq: recovery.lastGoodSeq)
      outcome = try recovery.salvage(repair, visit)
    }
    // Only a file with a made up name comes here; the next segment could not be named.
    guard LedgerFormat.seqs.contains(outcome.nextSeq) else {
      throw .damaged(
        file: Segment(firstSeq: outcome.nextSeq).name, offset: 0,
        .seq(expected: LedgerFormat.firstSeq, found: outcome.nextSeq))
    }
    return outcome
  }

  private var lastGoodSeq: Int64 = 0

  private mutating func recover(
    _ visit: (LedgerRecord) throws(RecordProblem) -> Void
  ) throws(LedgerProblem) -> Outcome {
    var segments = try list()
    while let last = segments.last, let end = try tornHead(last) {
      try setAside(end)
      segments.removeLast()
    }
    guard let last = segments.last else {
      return Outcome(
        nextSeq: LedgerFormat.firstSeq, chain: Chain(), timeMs: 0, wasClean: true, torn: torn)
    }
    var reader = SegmentReader(files, last, endSeq: nil)
    var outcome = Outcome(
      nextSeq: 0, chain: Chain(), timeMs: 0, wasClean: false, torn: [], repair: nil)
    var end: TornEnd?
    do throws(LedgerProblem) {
      while let line = try reader.next() {
        let record = try line.record(of: last)
        if !record.isCarried { outcome.timeMs = record.timeMs }
        if let identity = record.identity { outcome.identity = identity }
        if case .stop = record.body { outcome.wasClean = true } else { outcome.wasClean = false }
        do throws(RecordProblem) {
          try visit(record)
        } catch {
          throw LedgerProblem.damaged(file: last.name, offset: line.offset, .record(error))
        }
        lastGoodSeq = record.seq
      }
      if reader.endsInIncompleteLine { end = try TornEnd.cut(files, last, at: reader.offset) }
    } catch .damaged(let file, let offset, let damage) {
      // The checkpoint was on disk before the segment got its name, so a crash cannot have torn it.
      guard reader.checkpoint != nil, offset > 0, damage == .hash else {
        throw .damaged(file: file, offset: offset, damage)
      }
      end = try TornEnd.misfit(files, last, at: offset, damage)
    }
    if end != nil { outcome.wasClean = false }
    if !outcome.wasClean { try finish(last, at: end?.offset ?? reader.offset, end) }
    outcome.nextSeq = reader.nextSeq
    outcome.chain = reader.chain
    outcome.torn = torn
    return outcome
  }

  /// The whole last segment, where its head is torn; nil where the head can be read.
  private func tornHead(_ segment: Segment) throws(LedgerProblem) -> TornEnd? {
    var reader = SegmentReader(files, segment, endSeq: nil)
    do throws(LedgerProblem) {
      if try reader.next() != nil {
        // A new chain begins behind a repair, whose record was written together with the
        // checkpoint. So a checkpoint of a new chain without that record is a torn head.
        guard reader.checkpoint?.previousHash == Chain.origin,
          segment.firstSeq != LedgerFormat.firstSeq, (try? reader.next()) == nil
        else { return nil }
        return try TornEnd.head(files, segment, .checkpoint)
      }
    } catch .damaged(_, offset: 0, let damage) {
      return try TornEnd.head(files, segment, damage)
    }
    return try TornEnd.head(files, segment, .checkpoint)
  }

  /// Replaces a segment by a flushed copy that ends at `end`, and copies the torn end to a file
  /// beside it.
  private mutating func finish(
    _ segment: Segment, at end: Int64, _ rest: TornEnd?
  ) throws(LedgerProblem) {
    if var rest {
      let name = try freeName(segment.name)
      try copy(segment.name, from: end, to: end + rest.byteCount, as: name)
      rest.keptIn = name
      torn.append(rest)
    }
    let unfinished = segment.name + SegmentStore.unfinishedSuffix
    try copy(segment.name, from: 0, to: end, as: unfinished)
    do throws(LedgerFault) {
      try files.rename(unfinished, to: segment.name)
      try files.synchronizeNames()
    } catch { throw .files(error) }
  }

  private func copy(
    _ name: String, from start: Int64, to end: Int64, as newName: String
  ) throws(LedgerProblem) {
    do throws(LedgerFault) {
      let file = try files.create(newName)
      var at = start
      while at < end {
        let count = Int(min(Int64(LedgerLimits.batchBytesMax), end - at))
        let bytes = try files.read(name, at: at, count: count)
        try file.append(bytes)
        at += Int64(bytes.count)
        if bytes.count < count { break }
      }
      try file.synchronize()
      try files.synchronizeNames()
    } catch { throw .files(error) }
  }

  private mutating func setAside(_ whole: TornEnd) throws(LedgerProblem) {
    var whole = whole
    let newName = try freeName(whole.file)
    do throws(LedgerFault) {
      try files.rename(whole.file, to: newName)
      try files.synchronizeNames()
    } catch { throw .files(error) }
    whole.keptIn = newName
    torn.append(whole)
  }

  /// `NAME.torn`, or `NAME.2.torn` and so on where that exists: files of earlier starts are kept.
  private func freeName(_ name: String) throws(LedgerProblem) -> String {
    let taken: Set<String>
    do { taken = Set(try files.names()) } catch { throw .files(error) }
    var number = 1
    while true {
      let candidate = name + (number == 1 ? "" : ".\(number)") + ".torn"
      if !taken.contains(candidate) { return candidate }
      number += 1
    }
  }

  /// Visits the newest checkpoint that can be read, and every record behind it that can, each number
  /// once. The numbers of the new chain begin above all numbers that the old one may have used.
  private func salvage(
    _ repair: Repair, _ visit: (LedgerRecord) throws(RecordProblem) -> Void
  ) throws(LedgerProblem) -> Outcome {
    let segments = try list()
    var first = segments.count - 1
    while first > 0, !hasReadableHead(segments[first]) { first -= 1 }
    var highest = segments.last?.firstSeq ?? 0
    var (seen, newest): (Set<Int64>, Int64) = ([], 0)
    var timeMs: Int64 = 0
    for (index, segment) in segments.enumerated() where index >= first {
      let endSeq = index + 1 < segments.count ? segments[index + 1].firstSeq : Int64.max
      var lines = LineReader(files, segment.name)
      var expected = segment.firstSeq
      while let line = try lines.next() {
        // A `seq` that is far above the number of lines so far cannot be right.
        expected += 1
        guard line.isComplete, let record = try? LedgerRecord(line: line.bytes),
          record.seq >= segment.firstSeq, record.seq < endSeq,
          record.seq <= expected + Self.seqGapMax
        else { continue }
        // A checkpoint among records that are newer would make them undone.
        if case .checkpoint = record.body, record.seq < newest { continue }
        guard seen.insert(record.seq).inserted else { continue }
        newest = max(newest, record.seq)
        highest = max(highest, record.seq)
        do throws(RecordProblem) { try visit(record) } catch { continue }
        if !record.isCarried { timeMs = record.timeMs }
      }
      highest = max(highest, expected)
    }
    return Outcome(
      nextSeq: highest + 1, chain: Chain(), timeMs: timeMs, wasClean: false, torn: torn,
      repair: repair)
  }

  /// A record's `seq` may be this much larger than the lines before it say, because damage can join
  /// lines or hide them; a larger one is not believed.
  private static let seqGapMax: Int64 = 100_000

  private func hasReadableHead(_ segment: Segment) -> Bool {
    var reader = SegmentReader(files, segment, endSeq: nil)
    return (try? reader.next()) != nil
  }

  private func list() throws(LedgerProblem) -> [Segment] {
    do { return try Segment.list(files) } catch { throw .files(error) }
  }
}
