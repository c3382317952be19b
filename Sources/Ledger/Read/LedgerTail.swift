/// Follows a ledger that is being written, for shipping: returns its records from some `seq` on,
/// oldest first, each once, and only those that are on disk.
///
/// Void bytes (`LedgerFormat`) are never returned: a segment is read up to the `seq` where the next
/// one begins, and the caller says which segment contains the last record on disk.
///
/// Every line is checked against the chain. A line that does not fit is not returned, nor is a line
/// behind it that cannot be checked without it. The next line that fits shows which records are
/// missing.
package struct LedgerTail {
  /// A record's line that fits the chain.
  package struct Line: Equatable, Sendable {
    /// The record's type, number and time.
    package let head: RecordHead
    /// The line without its newline.
    package let bytes: [UInt8]

    package init(head: RecordHead, bytes: [UInt8]) {
      self.head = head
      self.bytes = bytes
    }
  }

  /// A range of records that damage makes unreadable.
  package struct Damage: Equatable, Sendable {
    /// The first record of the range.
    package let firstSeq: Int64
    /// The last record of the range.
    package let lastSeq: Int64
    /// The first line that does not fit, and why.
    package let problem: LedgerProblem
  }

  /// What `next` returns.
  package enum Step: Equatable, Sendable {
    /// The next record.
    case record(Line)
    /// Records that cannot be returned; the next step is behind them.
    case damaged(Damage)
  }

  /// The segment that is being read, and how far.
  private struct Place {
    let segment: Segment
    var lines: LineReader
    /// The first `seq` of the next segment; nil while there is none.
    var endSeq: Int64?
    /// The chain up to the last line; nil where damage hides it.
    var chain: Chain?
    /// The first line that does not fit since the last one that did, and why.
    var problem: LedgerProblem?
    /// A line that fits and showed damage before it: it is returned next.
    var held: Line?

    /// Checks a line against the chain; nil where it does not fit. Then the chain continues with
    /// the hash at the line's end, because the next line was written with that hash.
    mutating func follow(_ line: LineReader.Line) -> Line? {
      if line.offset == 0 { chain = Chain(beforeCheckpoint: line.bytes) }
      if chain?.follow(line.bytes) == true, let head = RecordHead(line: line.bytes) {
        return Line(head: head, bytes: line.bytes)
      }
      chain = Chain(claimedBy: line.bytes)
      _ = fail(at: line.offset, .hash)
      return nil
    }

    /// Notes a line that does not fit, unless one is noted already; returns the first one.
    mutating func fail(at offset: Int64, _ damage: LedgerProblem.Damage) -> LedgerProblem {
      let first = problem ?? .damaged(file: segment.name, offset: offset, damage)
      problem = first
      return first
    }
  }

  private let files: any LedgerFiles
  /// The lowest `seq` that may be returned next.
  private(set) package var nextSeq: Int64
  private var place: Place?

  /// Begins at `seq`; where that record has been removed, at the oldest one that is left.
  package init(_ files: any LedgerFiles, from seq: Int64) {
    self.files = files
    nextSeq = max(seq, LedgerFormat.firstSeq)
  }

  /// The `seq` of the oldest record; nil in an empty ledger.
  package static func oldestSeq(_ files: any LedgerFiles) throws(LedgerProblem) -> Int64? {
    do { return try Segment.list(files).first?.firstSeq } catch { throw .files(error) }
  }

  /// The next record up to `end`, or the damage before it; nil where there is none yet. After an
  /// error the same call can be repeated.
  package mutating func next(upTo end: LedgerEnd) throws(LedgerProblem) -> Step? {
    while nextSeq <= end.seq {
      if place == nil, try !enter() { return nil }
      guard var current = place else { return nil }
      if let line = current.held {
        current.held = nil
        place = current
        return give(line)
      }
      if current.endSeq == nil, current.segment != end.segment {
        current.endSeq = try following(current.segment)
        place = current
      }
      if let endSeq = current.endSeq, nextSeq >= endSeq {
        place = nil
        continue
      }
      let read: LineReader.Line?
      do {
        read = try current.lines.next()
      } catch .files(let fault) where fault.isMissingFile {
        // The writer removed it meanwhile: go on with the oldest segment that is left.
        place = nil
        continue
      }
      guard let read, read.isComplete else {
        let problem = current.fail(at: current.lines.offset, .missingRecords(from: nextSeq))
        place = current
        guard let endSeq = current.endSeq else { throw problem }
        return leave(upTo: endSeq - 1, because: problem)
      }
      let line = current.follow(read)
      if let line, line.head.seq > nextSeq {
        return skip(to: line, at: read.offset, in: current, upTo: end)
      }
      if line != nil { current.problem = nil }
      place = current
      if let line, line.head.seq == nextSeq { return give(line) }
    }
    return nil
  }

  /// `line` fits and has a larger `seq` than expected: the records from `nextSeq` up to it are
  /// damaged.
  private mutating func skip(
    to line: Line, at offset: Int64, in place: Place, upTo end: LedgerEnd
  ) -> Step {
    var current = place
    let problem = current.fail(at: offset, .missingRecords(from: nextSeq))
    let seq = line.head.seq
    // A record behind the segment's end is void; one behind `end` is not on disk yet.
    if let endSeq = current.endSeq, seq >= endSeq {
      return leave(upTo: endSeq - 1, because: problem)
    }
    if seq > end.seq { return leave(upTo: end.seq, because: problem) }
    current.problem = nil
    current.held = line
    self.place = current
    return damaged(upTo: seq - 1, because: problem)
  }

  private mutating func give(_ line: Line) -> Step {
    nextSeq = line.head.seq + 1
    return .record(line)
  }

  /// Damage up to `lastSeq`; the segment is left, and the next step looks for its place again.
  private mutating func leave(upTo lastSeq: Int64, because problem: LedgerProblem) -> Step {
    place = nil
    return damaged(upTo: lastSeq, because: problem)
  }

  private mutating func damaged(upTo lastSeq: Int64, because problem: LedgerProblem) -> Step {
    let damage = Damage(firstSeq: nextSeq, lastSeq: lastSeq, problem: problem)
    nextSeq = lastSeq + 1
    return .damaged(damage)
  }

  /// Opens the segment that contains `nextSeq`, or the oldest one that is left.
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
