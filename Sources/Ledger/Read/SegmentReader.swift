import Bytes

/// Reads the records' lines of one segment, without void bytes, and checks each against the chain.
package struct SegmentReader {
  /// A line whose hash and `seq` are right.
  package struct SealedLine {
    /// The record's number.
    package let seq: Int64
    /// The line's offset in the file, in bytes.
    package let offset: Int64
    /// The line without its newline.
    package let bytes: [UInt8]

    /// Reads the record in it. An error names the file and the offset.
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

  /// The segment that is read.
  package let segment: Segment
  /// The first `seq` of the next segment; nil where this is the last one.
  package var endSeq: Int64?
  /// The chain up to the last line.
  package private(set) var chain = Chain()
  /// The `seq` that the next line must have.
  package private(set) var nextSeq: Int64
  /// The segment's checkpoint, once its line has been read.
  package private(set) var checkpoint: Checkpoint?
  /// Whether the last call of `next` found a line without a newline, which may be being written.
  package private(set) var endsInIncompleteLine = false
  private var lines: LineReader

  /// A reader before the segment's first line.
  package init(_ files: any LedgerFiles, _ segment: Segment, endSeq: Int64?) {
    self.segment = segment
    self.endSeq = endSeq
    nextSeq = segment.firstSeq
    lines = LineReader(files, segment.name)
  }

  /// The offset of the next line in the file. When `next` has returned nil, the records end there.
  package var offset: Int64 { lines.offset }

  /// The next record's line; nil at the end of the records. Throws, with file and offset, where a
  /// line does not fit. In the last segment an incomplete last line is the end, and not an error.
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
    if checkpoint == nil {
      try begin(line)
    } else if Self.isCheckpoint(line.bytes),
      Chain(beforeCheckpoint: line.bytes)?.head != chain.head
    {
      throw damaged(line.offset, .previousHash)
    }
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

  /// Whether a line is a checkpoint. One behind a segment's first record is not the writer's own doing:
  /// records of several segments were put into one file, as shipping gives them. It is the whole state
  /// all the same.
  private static func isCheckpoint(_ line: [UInt8]) -> Bool {
    line.starts(with: Array("{\"type\":\"checkpoint\"".utf8))
  }

  /// The `seq` of a line that begins with `{"type":"…","seq":`; nil for any other line.
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
