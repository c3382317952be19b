/// What a crash left behind the last record that fits: nobody was told of it, and recovery puts it
/// aside. `LedgerFormat` says which bytes a crash can leave, and why all others are damage.
package struct TornEnd: Equatable, Sendable {
  package let file: String
  package let offset: Int64
  /// From there to the file's end.
  package let byteCount: Int64
  /// Whole records in it, behind a hole; the numbers of the first and of the last.
  package let recordCount: Int
  package let firstSeq: Int64?
  package let lastSeq: Int64?
  /// The file that keeps it, once recovery has put it aside.
  package var keptIn: String?

  /// The smallest piece of a file that a disk writes whole.
  private static let sectorBytes: Int64 = 512
  /// No text in a record can look like a record's beginning, its quotes being escaped.
  private static let beginning = Array("{\"type\":\"".utf8)

  private init(_ segment: Segment, offset: Int64, byteCount: Int64, _ bytes: ArraySlice<UInt8>) {
    let whole = bytes.split(separator: UInt8(ascii: "\n")).compactMap { line -> Int64? in
      line.last == UInt8(ascii: "}") && !line.contains(0)
        ? SegmentReader.seq(of: Array(line)) : nil
    }
    file = segment.name
    self.offset = offset
    self.byteCount = byteCount
    recordCount = whole.count
    firstSeq = whole.first
    lastSeq = whole.last
  }

  /// Judges the last segment where it ends in a line without a newline: a cut one is torn; one that
  /// has swallowed another record has lost its newline to damage. A writer may go on meanwhile.
  static func cut(
    _ files: any LedgerFiles, _ segment: Segment, at offset: Int64
  ) throws(LedgerProblem) -> TornEnd {
    let rest = try read(files, segment, from: offset)
    let line = rest.prefix { $0 != UInt8(ascii: "\n") }
    guard line.count <= LedgerLimits.batchBytesMax,
      !holdsBeginning(line) || holdsHole(line, at: offset, fileEnd: offset + Int64(line.count))
    else { throw .damaged(file: segment.name, offset: offset, .incompleteLine) }
    return TornEnd(segment, offset: offset, byteCount: Int64(line.count), [])
  }

  /// Judges the last segment from its first line that does not fit: torn where a hole is in it, unless
  /// the process stopped in order behind it. Throws what is damage.
  static func misfit(
    _ files: any LedgerFiles, _ segment: Segment, at offset: Int64, _ damage: LedgerProblem.Damage
  ) throws(LedgerProblem) -> TornEnd {
    let rest = try read(files, segment, from: offset)
    let line = rest.prefix { $0 != UInt8(ascii: "\n") }
    guard rest.count <= LedgerLimits.batchBytesMax, !endsInStop(rest),
      holdsHole(line, at: offset, fileEnd: offset + Int64(rest.count))
    else { throw .damaged(file: segment.name, offset: offset, damage) }
    return TornEnd(
      segment, offset: offset, byteCount: Int64(rest.count), rest[line.endIndex...])
  }

  /// Judges a last segment whose first line is no checkpoint that fits: torn where nothing is behind it
  /// and the line has no end or a hole.
  static func head(
    _ files: any LedgerFiles, _ segment: Segment, _ damage: LedgerProblem.Damage
  ) throws(LedgerProblem) -> TornEnd {
    var lines = LineReader(files, segment.name)
    guard let line = try lines.next() else {
      return TornEnd(segment, offset: 0, byteCount: 0, [])
    }
    let fileEnd = lines.offset
    let hasMore = line.isComplete ? try lines.next() != nil : false
    let isTorn =
      !line.isComplete || holdsHole(line.bytes[...], at: line.offset, fileEnd: fileEnd)
    guard !hasMore, isTorn, !holdsBeginning(line.bytes[...]) else {
      throw .damaged(file: segment.name, offset: 0, damage)
    }
    return TornEnd(segment, offset: 0, byteCount: Int64(line.bytes.count), [])
  }

  /// A byte more than a batch at most, which tells that there is more.
  private static func read(
    _ files: any LedgerFiles, _ segment: Segment, from offset: Int64
  ) throws(LedgerProblem) -> [UInt8] {
    do {
      return try files.read(segment.name, at: offset, count: LedgerLimits.batchBytesMax + 1)
    } catch { throw .files(error) }
  }

  /// Whether another record begins inside of the line.
  private static func holdsBeginning(_ line: ArraySlice<UInt8>) -> Bool {
    line.dropFirst().firstRange(of: beginning) != nil
  }

  /// Whether a run of NUL bytes is in the line as sectors leave it that were never written: from the
  /// line's beginning, or that of a sector, to the end of a sector or the file.
  private static func holdsHole(
    _ line: ArraySlice<UInt8>, at offset: Int64, fileEnd: Int64
  ) -> Bool {
    var at = line.startIndex
    while let start = line[at...].firstIndex(of: 0) {
      let end = line[start...].firstIndex { $0 != 0 } ?? line.endIndex
      let first = offset + Int64(start - line.startIndex)
      let next = offset + Int64(end - line.startIndex)
      if start == line.startIndex || first % sectorBytes == 0,
        next % sectorBytes == 0 || next == fileEnd
      {
        return true
      }
      at = end
    }
    return false
  }

  /// Whether the last line is a whole `stop`: the writer writes that only when all before it is on disk.
  private static func endsInStop(_ rest: [UInt8]) -> Bool {
    guard rest.last == UInt8(ascii: "\n") else { return false }
    let body = rest.dropLast()
    let start = body.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? body.startIndex
    guard let record = try? LedgerRecord(line: Array(body[start...])) else { return false }
    if case .stop = record.body { return true }
    return false
  }
}
