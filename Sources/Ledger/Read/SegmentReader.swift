import Bytes

/// Reads the lines of one segment that count, each held against the chain.
package struct SegmentReader {
  /// A line that belongs where it stands.
  package struct SealedLine {
    package let seq: Int64
    package let offset: Int64
    package let bytes: [UInt8]

    /// The record in it; what is wrong names the file and offset.
    package func record(of segment: Segment) throws(LedgerProblem) -> LedgerRecord {
      do {
        return try LedgerRecord(line: bytes)
      } catch .newerFormat(let number) {
        throw .newerFormat(file: segment.name, number)
      } catch {
        throw .damaged(file: segment.name, offset: offset, .record(error))
      }
    }
  }

  package let segment: Segment
  /// The first `seq` that is the next segment's; nil in the last one.
  package var endSeq: Int64?
  /// What the chain has come to.
  package private(set) var chain = Chain()
  package private(set) var nextSeq: Int64
  /// The segment's checkpoint, once its line has been read.
  package private(set) var checkpoint: Checkpoint?
  /// Whether the last `next` met a line without end, which a writer may still be writing.
  package private(set) var endsInIncompleteLine = false
  private var lines: LineReader

  package init(_ files: any LedgerFiles, _ segment: Segment, endSeq: Int64?) {
    self.segment = segment
    self.endSeq = endSeq
    nextSeq = segment.firstSeq
    lines = LineReader(files, segment.name)
  }

  /// Where the next line begins: also where what counts ends, when `next` returned nil.
  package var offset: Int64 { lines.offset }

  /// The next line that counts; nil at the end of what counts. What does not fit is thrown, with
  /// its place; an incomplete last line is none of that while no next segment is known.
  package mutating func next() throws(LedgerProblem) -> SealedLine? {
    endsInIncompleteLine = false
    if let endSeq, nextSeq >= endSeq { return nil }
    guard let line = try lines.next() else {
      if endSeq != nil { throw damaged(offset, .missingRecords(from: nextSeq)) }
      return nil
    }
    guard line.isComplete else {
      if endSeq != nil { throw damaged(line.offset, .incompleteLine) }
      endsInIncompleteLine = true
      return nil
    }
    if checkpoint == nil { try begin(line) }
    guard chain.follow(line.bytes) else { throw damaged(line.offset, .hash) }
    guard let seq = Self.seq(of: line.bytes) else {
      throw damaged(line.offset, .record(.malformed(at: 0)))
    }
    guard seq == nextSeq else {
      throw damaged(line.offset, .seq(expected: nextSeq, found: seq))
    }
    nextSeq += 1
    return SealedLine(seq: seq, offset: line.offset, bytes: line.bytes)
  }

  private mutating func begin(_ line: LineReader.Line) throws(LedgerProblem) {
    do {
      guard case .checkpoint(let checkpoint) = try LedgerRecord(line: line.bytes).body else {
        throw damaged(line.offset, .checkpoint)
      }
      chain = Chain(after: checkpoint.previousHash)
      self.checkpoint = checkpoint
    } catch let problem as RecordProblem {
      if case .newerFormat(let number) = problem {
        throw .newerFormat(file: segment.name, number)
      }
      throw damaged(line.offset, .record(problem))
    } catch let problem as LedgerProblem {
      throw problem
    } catch {
      preconditionFailure("nothing else is thrown")
    }
  }

  private func damaged(_ offset: Int64, _ damage: LedgerProblem.Damage) -> LedgerProblem {
    .damaged(file: segment.name, offset: offset, damage)
  }

  /// The number behind `{"type":"…","seq":`.
  static func seq(of line: [UInt8]) -> Int64? {
    let prefix = Array("{\"type\":\"".utf8)
    guard line.starts(with: prefix) else { return nil }
    var at = prefix.count
    while at < line.count, (0x61...0x7a).contains(line[at]) { at += 1 }
    let middle = Array("\",\"seq\":".utf8)
    guard line[at...].starts(with: middle) else { return nil }
    at += middle.count
    let digits = line[at...].prefix(20).prefix { (0x30...0x39).contains($0) }
    return Int64(String(decoding: digits, as: UTF8.self))
  }
}
