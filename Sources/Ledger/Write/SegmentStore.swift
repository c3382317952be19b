import Bytes

/// The segments on disk as the writer knows them: the one it appends to, and those before.
struct SegmentStore {
  /// A segment that is complete, and the time of its first record.
  private struct Kept {
    let segment: Segment
    let timeMs: Int64
    var bytes: Int64
  }

  private let files: any LedgerFiles
  private var kept: [Kept] = []
  private var file: (any LedgerFile)?
  /// Bytes of the open segment, and of its checkpoint.
  private(set) var openBytes: Int64 = 0
  private(set) var checkpointBytes: Int64 = 0

  /// Takes stock of what is there.
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
      // A time that cannot be read keeps the segment before it for good: the safe way to err.
      kept.append(
        Kept(
          segment: segment, timeMs: timeMs ?? Int64.max, bytes: try files.size(segment.name)))
      totalBytes += kept[kept.count - 1].bytes
    }
  }

  var isOpen: Bool { file != nil }
  var count: Int { kept.count }
  /// The newest one, open or not.
  var last: Segment? { kept.last?.segment }
  /// What all of them take, with the open one.
  private(set) var totalBytes: Int64 = 0

  /// Begins a segment with its sealed head, of which the first `checkpointBytes` are the checkpoint.
  /// The head is written and flushed under another name, and then gets its own: the segment is there
  /// with all of it, or is not there. On failure nothing is open, and the file is gone if it can be.
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
      // Left by an attempt of ours that failed, and whose file could not be removed then.
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
      // Where this fails too, the next attempt replaces it.
      try? files.remove(segment.name)
      throw error
    }
    file = created
    openBytes = Int64(head.count)
    self.checkpointBytes = Int64(checkpointBytes)
    totalBytes += openBytes
    kept.append(Kept(segment: segment, timeMs: timeMs, bytes: openBytes))
  }

  /// What a file is called that is not a segment yet; recovery removes those it finds.
  static let unfinishedSuffix = ".unfinished"
  private static let existsCode: Int32 = 17  // EEXIST

  mutating func append(_ bytes: [UInt8]) throws(LedgerFault) {
    guard let file else { preconditionFailure("a segment is open") }
    openBytes += Int64(bytes.count)
    totalBytes += Int64(bytes.count)
    kept[kept.count - 1].bytes = openBytes
    try file.append(bytes)
  }

  func synchronize() throws(LedgerFault) {
    guard let file else { preconditionFailure("a segment is open") }
    try file.synchronize()
  }

  /// Leaves the open segment as it is, for good.
  mutating func abandon() { file = nil }

  /// Removes segments whose successor began before `timeMs` and at or below `keepFromSeq`, at most
  /// `limit` of them. Never the last one. Returns whether any went.
  mutating func removeOlder(
    than timeMs: Int64, keepFromSeq: Int64, limit: Int = .max
  ) -> Bool {
    var removed = 0
    while removed < limit, kept.count > 1, kept[1].timeMs < timeMs,
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
    return removed > 0
  }

  /// Makes removals durable. Where that fails, a crash brings files back that go again.
  func synchronizeNames() { try? files.synchronizeNames() }
}
