/// Follows a ledger that is being written: its records from some number on, oldest first, each once,
/// and none that is not on disk.
///
/// What is void (`LedgerFormat`) is never given: a segment is read up to the number where the next
/// one begins, and which segment holds the last durable record is known before it is read.
///
/// Every line is held against the chain, so that no number or text is believed that was not written.
/// One that does not fit is not given, and neither is one behind it that could not be verified
/// without it; which records these were is told by the next one that fits.
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

  /// Records that are in the ledger and do not fit it any more.
  package struct Damage: Equatable, Sendable {
    package let firstSeq: Int64
    package let lastSeq: Int64
    /// The first thing that does not fit, and where.
    package let problem: LedgerProblem
  }

  package enum Step: Equatable, Sendable {
    case record(Line)
    case damaged(Damage)
  }

  private struct Place {
    let segment: Segment
    var lines: LineReader
    /// The first number of the segment behind it; nil while it is the last one.
    var endSeq: Int64?
    /// What the chain has come to; nil where damage hides it.
    var chain: Chain?
    /// The first thing that does not fit since the last line that did.
    var problem: LedgerProblem?
    /// A line that told of damage before it: the next one to be given.
    var held: Line?

    /// Holds a line against the chain; nil where it does not fit. What its hash claims to be is where
    /// the chain goes on: the line behind it was written with that.
    mutating func follow(_ line: LineReader.Line) -> Line? {
      if line.offset == 0 { chain = Chain(beforeCheckpoint: line.bytes) }
      if chain?.follow(line.bytes) == true, let head = RecordHead(line: line.bytes) {
        return Line(head: head, bytes: line.bytes)
      }
      chain = Chain(claimedBy: line.bytes)
      _ = fail(at: line.offset, .hash)
      return nil
    }

    /// Keeps what does not fit, unless something before it did not; returns what did not fit first.
    mutating func fail(at offset: Int64, _ damage: LedgerProblem.Damage) -> LedgerProblem {
      let first = problem ?? .damaged(file: segment.name, offset: offset, damage)
      problem = first
      return first
    }
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

  /// The next record up to `end`, or what is damaged before it; nil where there is none yet. What is
  /// thrown can be tried again.
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
        // Removed meanwhile: on with the oldest that is left.
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

  /// A line that fits shows that those before it, from `nextSeq` on, do not.
  private mutating func skip(
    to line: Line, at offset: Int64, in place: Place, upTo end: LedgerEnd
  ) -> Step {
    var current = place
    let problem = current.fail(at: offset, .missingRecords(from: nextSeq))
    let seq = line.head.seq
    // What is behind the segment's end is void, and what is behind the durable end is not there yet.
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

  /// Nothing more is read where this is found: what comes next is looked for anew.
  private mutating func leave(upTo lastSeq: Int64, because problem: LedgerProblem) -> Step {
    place = nil
    return damaged(upTo: lastSeq, because: problem)
  }

  private mutating func damaged(upTo lastSeq: Int64, because problem: LedgerProblem) -> Step {
    let damage = Damage(firstSeq: nextSeq, lastSeq: lastSeq, problem: problem)
    nextSeq = lastSeq + 1
    return .damaged(damage)
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
