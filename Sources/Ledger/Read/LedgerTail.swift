/// Follows a ledger that is being written: its records from some number on, oldest first, each once,
/// and none that is not on disk.
///
/// What is void (`LedgerFormat`) is never given: a segment is read up to the number where the next
/// one begins, and which segment holds the last durable record is known before it is read. The chain
/// is not verified; a line that cannot be read is left out, and so the numbers given have a gap.
package struct LedgerTail {
  package struct Line: Equatable, Sendable {
    package let head: RecordHead
    /// Without its newline.
    package let bytes: [UInt8]

    package init(head: RecordHead, bytes: [UInt8]) {
      self.head = head
      self.bytes = bytes
    }
  }

  private struct Place {
    let segment: Segment
    var lines: LineReader
    /// The first number of the segment behind it; nil while it is the last one.
    var endSeq: Int64?
  }

  private let files: any LedgerFiles
  /// The lowest number that may be given next.
  private(set) package var nextSeq: Int64
  private var place: Place?

  /// Begins at `seq`, or at the oldest record left where that is later.
  package init(_ files: any LedgerFiles, from seq: Int64) {
    self.files = files
    nextSeq = max(seq, LedgerFormat.firstSeq)
  }

  /// The first number of the oldest segment; nil in an empty ledger.
  package static func oldestSeq(_ files: any LedgerFiles) throws(LedgerProblem) -> Int64? {
    do { return try Segment.list(files).first?.firstSeq } catch { throw .files(error) }
  }

  /// The next record up to `end`; nil where there is none yet. What is thrown can be tried again.
  package mutating func next(upTo end: LedgerEnd) throws(LedgerProblem) -> Line? {
    while nextSeq <= end.seq {
      if place == nil, try !enter() { return nil }
      guard var current = place else { return nil }
      if current.endSeq == nil, current.segment != end.segment {
        current.endSeq = try following(current.segment)
        place = current
      }
      if let endSeq = current.endSeq, nextSeq >= endSeq {
        place = nil
        continue
      }
      let line: LineReader.Line?
      do {
        line = try current.lines.next()
      } catch .files(let fault) where fault.isMissingFile {
        // Removed meanwhile: on with the oldest that is left.
        place = nil
        continue
      }
      place = current
      guard let line, line.isComplete else {
        guard let endSeq = current.endSeq else {
          throw .damaged(
            file: current.segment.name, offset: current.lines.offset,
            .missingRecords(from: nextSeq))
        }
        nextSeq = max(nextSeq, endSeq)
        continue
      }
      guard let head = RecordHead(line: line.bytes), head.seq >= nextSeq,
        head.seq < current.endSeq ?? Int64.max
      else { continue }
      guard head.seq <= end.seq else {
        // Damage between has hidden what was asked for.
        nextSeq = end.seq + 1
        place = nil
        return nil
      }
      nextSeq = head.seq + 1
      return Line(head: head, bytes: line.bytes)
    }
    return nil
  }

  /// Into the segment that holds `nextSeq`, or the oldest one left.
  private mutating func enter() throws(LedgerProblem) -> Bool {
    let segments = try list()
    guard let oldest = segments.first else { return false }
    let index = segments.lastIndex { $0.firstSeq <= nextSeq }
    let segment = index.map { segments[$0] } ?? oldest
    nextSeq = max(nextSeq, segment.firstSeq)
    place = Place(
      segment: segment, lines: LineReader(files, segment.name),
      endSeq: segments.first { $0.firstSeq > segment.firstSeq }?.firstSeq)
    return true
  }

  private func following(_ segment: Segment) throws(LedgerProblem) -> Int64? {
    try list().first { $0.firstSeq > segment.firstSeq }?.firstSeq
  }

  private func list() throws(LedgerProblem) -> [Segment] {
    do { return try Segment.list(files) } catch { throw .files(error) }
  }
}
