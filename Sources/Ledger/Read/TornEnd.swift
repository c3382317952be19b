/// The bytes that a crash left behind the last record that fits. Nobody was told that they are on
/// disk, and recovery moves them to another file. `LedgerFormat` says which bytes a crash can
/// leave, and why all others are damage.
package struct TornEnd: Equatable, Sendable {
  /// The segment's file.
  package let file: String
  /// Where the torn end begins, in bytes.
  package let offset: Int64
  /// Its length: it reaches to the file's end.
  package let byteCount: Int64
  /// How many whole records it contains; they stand behind a hole.
  package let recordCount: Int
  /// The `seq` of the first of these records; nil where there is none.
  package let firstSeq: Int64?
  /// The `seq` of the last of these records; nil where there is none.
  package let lastSeq: Int64?
  /// The file to which recovery moved it; nil before.
  package var keptIn: String?

  /// A disk writes whole sectors: a hole can begin and end only at a sector's bounds.
  private static let sectorBytes: Int64 = 512
  /// How every record begins. No text inside of a record contains it, because quotes are escaped
  /// there.
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

  /// Decides about a last segment that ends in a line without a newline. It is torn; but it is
  /// damage where the line contains another record's beginning, because then a newline was lost. A
  /// writer may be appending meanwhile.
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

  /// Decides about a last segment with a line that does not fit, at `offset`. It is torn where that
  /// line contains a hole, and no `stop` record follows. Otherwise throws `damage`.
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

  /// Decides about a last segment whose first line is not a checkpoint that fits. It is torn where
  /// the line is incomplete or contains a hole, and nothing follows it. Otherwise throws `damage`.
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

  /// Reads at most one byte more than a batch: that byte shows that the rest is too long to be
  /// torn.
  private static func read(
    _ files: any LedgerFiles, _ segment: Segment, from offset: Int64
  ) throws(LedgerProblem) -> [UInt8] {
    do {
      return try files.read(segment.name, at: offset, count: LedgerLimits.batchBytesMax + 1)
    } catch { throw .files(error) }
  }

  /// Whether the line contains another record's beginning.
  private static func holdsBeginning(_ line: ArraySlice<UInt8>) -> Bool {
    line.dropFirst().firstRange(of: beginning) != nil
  }

  /// Whether the line contains NUL bytes as sectors that were never written leave them: from the
  /// line's or a sector's beginning to a sector's or the file's end.
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

  /// Whether the last line is a complete `stop` record, which is written only when everything
  /// before it is on disk.
  private static func endsInStop(_ rest: [UInt8]) -> Bool {
    guard rest.last == UInt8(ascii: "\n") else { return false }
    let body = rest.dropLast()
    let start = body.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? body.startIndex
    guard let record = try? LedgerRecord(line: Array(body[start...])) else { return false }
    if case .stop = record.body { return true }
    return false
  }
}
