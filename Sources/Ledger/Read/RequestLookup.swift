import Bytes

/// Finds everything on record about one request while the ledger is in use, without reading all of it:
/// by the time in our id, or, for Envoy's, among the latest records. Nothing is verified.
package struct RequestLookup {
  /// How much is read at most.
  package static let bytesMax: Int64 = 32 << 20
  /// For how long after an id was made an admission is looked for: a body may take its time.
  package static let admissionMs: Int64 = 600_000
  /// How far it reads on behind the end of an exchange, where another filter may have refused it still.
  private static let restBytes: Int64 = 256 << 10
  /// The time that an admission may be older than its id: clocks of two threads.
  private static let earlyMs: Int64 = 2_000
  /// The pieces that a search for a time reads.
  private static let probeBytes = 64 << 10

  /// The request's records in their order, with their lines.
  package private(set) var found: [RequestSearch.Found] = []
  /// For an id that stands nowhere: the `denials` of its second.
  package private(set) var nearby: [RequestSearch.Found] = []
  /// Whether everything was read that may be about it.
  package private(set) var isComplete = true

  private let files: any LedgerFiles
  private let madeMs: Int64?
  private var search: RequestSearch
  /// What a line about it contains: its id, and ours where Envoy's was asked for.
  private var needles: [[UInt8]]
  private var bytesLeft = bytesMax
  private var isOver = false

  /// - Parameter madeMs: the time in our id, in Unix milliseconds; nil for another id.
  package static func run(
    _ files: any LedgerFiles, id: String, madeMs: Int64?
  ) throws(LedgerProblem) -> RequestLookup {
    var lookup = RequestLookup(files, id, madeMs)
    try lookup.read()
    if lookup.found.isEmpty { lookup.nearby = lookup.search.nearby }
    return lookup
  }

  private init(_ files: any LedgerFiles, _ id: String, _ madeMs: Int64?) {
    self.files = files
    self.madeMs = madeMs
    search = RequestSearch(id: id, madeMs: madeMs)
    needles = [Array(id.utf8)]
  }

  private mutating func read() throws(LedgerProblem) {
    let segments: [Segment]
    do { segments = try Segment.list(files) } catch { throw .files(error) }
    guard !segments.isEmpty else { return }
    var (index, offset) = try start(segments)
    while index < segments.count, !isOver {
      let endSeq = index + 1 < segments.count ? segments[index + 1].firstSeq : Int64.max
      do {
        try read(segments[index], from: offset, before: endSeq)
      } catch .files(let fault) where fault.isMissingFile {
        // Retention has removed it meanwhile.
        isComplete = false
      }
      index += 1
      offset = 0
    }
  }

  private mutating func read(
    _ segment: Segment, from offset: Int64, before endSeq: Int64
  ) throws(LedgerProblem) {
    var lines = LineReader(files, segment.name, from: offset)
    while !isOver, let line = try lines.next(), line.isComplete {
      bytesLeft -= Int64(line.bytes.count) + 1
      if bytesLeft < 0 {
        isOver = true
        // What was found has its end already, or nothing says that there is no more.
        if !hasEnd { isComplete = false }
        return
      }
      guard let head = RecordHead(line: line.bytes) else { continue }
      if head.seq >= endSeq { return }
      if let madeMs, found.isEmpty, head.timeMs > madeMs + Self.admissionMs {
        isOver = true
        return
      }
      let span = line.bytes.span
      guard head.type == "denials" || needles.contains(where: { Self.contains(span, $0) }),
        let record = try? LedgerRecord(line: line.bytes)
      else { continue }
      take(record, line.bytes)
    }
  }

  private var hasEnd = false

  private mutating func take(_ record: LedgerRecord, _ line: [UInt8]) {
    guard search.matches(record) else { return search.keep(record, line: line) }
    found.append((line, record))
    switch record.body {
    case .admission(let admission):
      if madeMs == nil, needles.count <= RequestSearch.sameIDMax {
        needles.append(Array(admission.requestID.utf8))
      }
      if admission.decision == .deny { ended() }
    case .completion, .denials: ended()
    case .start, .reload, .checkpoint, .clock, .repair, .stop, .store, .threshold, .drop, .restore,
      .revoke:
      break
    }
  }

  /// Of an id of ours there is hardly more to come.
  private mutating func ended() {
    guard madeMs != nil else { return }
    hasEnd = true
    bytesLeft = min(bytesLeft, Self.restBytes)
  }

  // MARK: Where to begin

  private mutating func start(
    _ segments: [Segment]
  ) throws(LedgerProblem) -> (index: Int, offset: Int64) {
    guard let madeMs else { return try latest(segments) }
    let wanted = madeMs - Self.earlyMs
    var index = segments.count - 1
    while index > 0 {
      if let head = try head(segments[index].name, at: 0)?.head, head.timeMs <= wanted { break }
      index -= 1
    }
    return (index, try offset(in: segments[index], ofTime: wanted))
  }

  /// The last bytes of the ledger, as many as are read.
  private mutating func latest(
    _ segments: [Segment]
  ) throws(LedgerProblem) -> (index: Int, offset: Int64) {
    var left = Self.bytesMax
    for index in segments.indices.reversed() {
      let size = try size(segments[index].name)
      if size > left {
        isComplete = false
        let begin = try head(segments[index].name, at: size - left)?.offset
        return (index, begin ?? size)
      }
      left -= size
    }
    return (0, 0)
  }

  /// The beginning of a line before which all are older.
  private func offset(in segment: Segment, ofTime wanted: Int64) throws(LedgerProblem) -> Int64 {
    var (low, high) = (Int64(0), try size(segment.name))
    while high - low > 4 * Int64(Self.probeBytes) {
      let middle = low + (high - low) / 2
      if let probe = try head(segment.name, at: middle), probe.head.timeMs < wanted {
        low = probe.offset
      } else {
        high = middle
      }
    }
    return low
  }

  /// The first line that begins at or behind a place, and its head; nil where none does nearby.
  private func head(
    _ name: String, at place: Int64
  ) throws(LedgerProblem) -> (offset: Int64, head: RecordHead)? {
    let piece: [UInt8]
    do { piece = try files.read(name, at: place, count: Self.probeBytes) } catch {
      throw .files(error)
    }
    var begin = 0
    if place > 0 {
      guard let end = piece.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      begin = end + 1
    }
    guard let head = RecordHead(line: Array(piece[begin...].prefix(128))) else { return nil }
    return (place + Int64(begin), head)
  }

  private func size(_ name: String) throws(LedgerProblem) -> Int64 {
    do { return try files.size(name) } catch { throw .files(error) }
  }

  private static func contains(_ line: Span<UInt8>, _ needle: [UInt8]) -> Bool {
    guard let first = needle.first, line.count >= needle.count else { return false }
    var at = 0
    while at <= line.count - needle.count {
      if line[at] == first,
        line.extracting(at..<at + needle.count).elementsEqual(needle.span)
      {
        return true
      }
      at += 1
    }
    return false
  }
}
