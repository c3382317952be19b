import Bytes

/// The segments on disk as the writer knows them: the open one, to which it appends, and those
/// before.
struct SegmentStore {
  /// A segment, the time of its first record, and its size.
  private struct Kept {
    let segment: Segment
    let timeMs: Int64
    var bytes: Int64
  }

  private let files: any LedgerFiles
  private var kept: [Kept] = []
  private var file: (any LedgerFile)?
  /// The size of the open segment.
  private(set) var openBytes: Int64 = 0
  /// The size of its checkpoint.
  private(set) var checkpointBytes: Int64 = 0

  /// Lists the segments that exist; none is open.
  init(_ files: any LedgerFiles) throws(LedgerFault) {
    self.files = files
    for segment in try Segment.list(files) {
      let head = try files.read(segment.name, at: 0, count: 128)
      let marker = Array("\"timestamp\":\"".utf8)
      var timeMs: Int64?
      for at in head.indices where head[at...].starts(with: marker) {
        let start = at + marker.count
        timeMs = UTCTime.milliseconds(
          String(decoding: head[start...].prefix(24), as: UTF8.self))
        break
      }
      // Where the time cannot be read, the segment before is never removed by age: nothing is lost.
      kept.append(
        Kept(
          segment: segment, timeMs: timeMs ?? Int64.max, bytes: try files.size(segment.name)))
      totalBytes += kept[kept.count - 1].bytes
    }
  }

  var isOpen: Bool { file != nil }
  var count: Int { kept.count }
  /// The newest segment, open or not.
  var last: Segment? { kept.last?.segment }
  /// The size of all segments.
  private(set) var totalBytes: Int64 = 0

  /// Begins a segment with its head, whose lines are complete; the first `checkpointBytes` of it
  /// are the checkpoint. The head is written and flushed under another name, and the file is then
  /// renamed: so the segment exists with its whole head, or does not exist. Where this throws, no
  /// segment is open, and the file was removed if that was possible.
  mutating func begin(
    _ segment: Segment, timeMs: Int64, head: [UInt8], checkpointBytes: Int
  ) throws(LedgerFault) {
    precondition(kept.last?.segment != segment, "a segment is begun once")
    file = nil
    let unfinished = segment.name + Self.unfinishedSuffix
    let created: any LedgerFile
    do {
      created = try files.create(unfinished)
    } catch {
      // An earlier attempt failed and could not remove its file.
      if error.code == SegmentStore.existsCode { try? files.remove(unfinished) }
      throw error
    }
    do throws(LedgerFault) {
      try created.append(head)
      try created.synchronize()
      try files.rename(unfinished, to: segment.name)
    } catch {
      try? files.remove(unfinished)
      throw error
    }
    do throws(LedgerFault) {
      try files.synchronizeNames()
    } catch {
      // Where this fails too, the next attempt's rename replaces the file. It is not removed where
      // another process may have put a file of its own there.
      try? files.remove(segment.name)
      throw error
    }
    file = created
    openBytes = Int64(head.count)
    self.checkpointBytes = Int64(checkpointBytes)
    totalBytes += openBytes
    kept.append(Kept(segment: segment, timeMs: timeMs, bytes: openBytes))
  }

  /// The suffix of a file that is not a segment yet. Recovery removes such files.
  static let unfinishedSuffix = ".unfinished"
  private static let existsCode: Int32 = 17  // EEXIST

  /// Appends to the open segment.
  mutating func append(_ bytes: [UInt8]) throws(LedgerFault) {
    guard let file else { preconditionFailure("a segment is open") }
    openBytes += Int64(bytes.count)
    totalBytes += Int64(bytes.count)
    kept[kept.count - 1].bytes = openBytes
    try file.append(bytes)
  }

  /// Flushes the open segment. Throws where it is not the ledger's any more.
  func synchronize() throws(LedgerFault) {
    guard let file else { preconditionFailure("a segment is open") }
    try file.synchronize()
    try checkPlace()
  }

  /// Throws where the files are not this process's alone any more, or somebody removed or replaced the
  /// open segment.
  func checkPlace() throws(LedgerFault) {
    try files.checkOwner()
    guard let file, let name = last?.name, !file.isStill(named: name) else { return }
    throw .lostSegment(name)
  }

  /// The older segments that somebody has removed, which are forgotten. None where the directory cannot
  /// be read.
  mutating func forgetMissing() -> [Segment] {
    guard let names = try? Set(files.names()) else { return [] }
    let missing = kept.dropLast().filter { !names.contains($0.segment.name) }
    guard !missing.isEmpty else { return [] }
    let gone = missing.map(\.segment)
    totalBytes -= missing.reduce(0) { $0 + $1.bytes }
    kept.removeAll { gone.contains($0.segment) }
    return gone
  }

  /// Closes the open segment. Nothing is ever appended to it again.
  mutating func abandon() { file = nil }

  /// Removes at most `limit` segments, oldest first: those that ended before `timeMs` and whose
  /// records are all below `keepFromSeq`. Never removes the newest segment. Returns which records went.
  ///
  /// `nowMs`: no segment began later. One whose name says so was written by a wrong clock.
  mutating func removeOlder(
    than timeMs: Int64, asOf nowMs: Int64 = .max, keepFromSeq: Int64, limit: Int = .max
  ) -> Range<Int64>? {
    var removed = 0
    let firstSeq = kept.first?.segment.firstSeq
    while removed < limit, kept.count > 1, isOldest(before: timeMs, asOf: nowMs),
      kept[1].segment.firstSeq <= keepFromSeq
    {
      do {
        try files.remove(kept[0].segment.name)
      } catch {
        if !error.isMissingFile { break }
      }
      totalBytes -= kept.removeFirst().bytes
      removed += 1
    }
    guard removed > 0, let firstSeq, let next = kept.first?.segment.firstSeq else { return nil }
    return firstSeq..<next
  }

  /// Whether the oldest segment ended before `timeMs`: when the next one began whose time can be. It
  /// must have begun before that too, because a wrong clock may have been behind.
  private func isOldest(before timeMs: Int64, asOf nowMs: Int64) -> Bool {
    guard let end = kept.dropFirst().first(where: { $0.timeMs <= nowMs }) else { return false }
    return end.timeMs < timeMs && (kept[0].timeMs < timeMs || kept[0].timeMs >= nowMs)
  }

  /// Whether `removeOlder` would remove a segment, whatever its age.
  func mayRemove(keepFromSeq: Int64) -> Bool {
    kept.count > 1 && kept[1].segment.firstSeq <= keepFromSeq
  }

  /// About how many bytes were written in the last hour before `endMs`, by the segments that cover it;
  /// nil where they cover less than a minute.
  func bytesPerHour(upTo endMs: Int64) -> Int64? {
    var (bytes, sinceMs): (Int64, Int64?) = (0, nil)
    for one in kept.reversed() where one.timeMs <= endMs {
      bytes += one.bytes
      sinceMs = one.timeMs
      if endMs - one.timeMs >= WriteRate.hourMs { break }
    }
    guard let sinceMs, endMs - sinceMs >= WriteRate.hourMs / 60 else { return nil }
    return Int64(clamping: Int128(bytes) * Int128(WriteRate.hourMs) / Int128(endMs - sinceMs))
  }

  /// In how many hours `room` bytes are written at that rate, with what goes meanwhile: see
  /// `LedgerStatistics.hoursLeft`.
  ///
  /// `mayGoFromSeq`: segments before it go at the bound, whatever their age.
  func hoursLeft(
    room: Int64, bytesPerHour: Int64, keep: SegmentsKept, mayGoFromSeq: Int64, retainMs: Int64,
    nowMs: Int64
  ) -> Double? {
    guard bytesPerHour > 0, mayGoFromSeq < .max else { return nil }
    // Who needs nothing but the newest segments keeps up, and is no reason why one should stay.
    let keepsUp = kept.count < 3 || keep.fromSeq >= kept[kept.count - 2].segment.firstSeq
    if keepsUp, mayGoFromSeq > 0 { return nil }
    var room = room
    var hours: Double { Double(max(0, room)) / Double(bytesPerHour) }
    for (one, next) in zip(kept, kept.dropFirst()) where next.segment.firstSeq <= mayGoFromSeq {
      room += one.bytes
    }
    for (one, next) in zip(kept, kept.dropFirst()) where next.segment.firstSeq > mayGoFromSeq {
      guard keepsUp || next.segment.firstSeq <= keep.fromSeq else { break }
      let ageMs = Double(nowMs) - Double(next.timeMs)
      if hours <= (Double(retainMs) - ageMs) / Double(WriteRate.hourMs) { return hours }
      room += one.bytes
    }
    // By then, what is being written now is old enough to go.
    let isBounded = keepsUp && hours > Double(retainMs) / Double(WriteRate.hourMs)
    return isBounded ? nil : hours
  }

  /// Makes removals durable. A failure is ignored: after a crash the files may be there again, and
  /// are then removed again.
  func synchronizeNames() { try? files.synchronizeNames() }
}
