import Foundation
import Ledger
import Testing

/// Following a ledger that is written, fails, begins new segments and loses old ones.
@Suite struct TailTests {
  /// The next record of a ledger in which nothing is damaged.
  private func record(
    _ tail: inout LedgerTail, upTo end: LedgerEnd
  ) throws -> LedgerTail.Line? {
    switch try tail.next(upTo: end) {
    case nil: return nil
    case .record(let line): return line
    case .damaged(let damage):
      Issue.record("\(damage)")
      return nil
    }
  }

  /// Everything that is on disk by now.
  private func rest(_ tail: inout LedgerTail, _ books: TestBooks) throws -> [Int64] {
    var seqs: [Int64] = []
    guard let end = books.writer.end else { return [] }
    while let line = try record(&tail, upTo: end) {
      #expect(try LedgerRecord(line: line.bytes).seq == line.head.seq)
      seqs.append(line.head.seq)
    }
    return seqs
  }

  @Test func `Each record comes once and in order while the ledger grows`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    var tail = LedgerTail(files, from: 1)
    var seqs = try rest(&tail, books)
    for round in 0..<20 {
      for _ in 0..<3 { if let id = books.admit() { books.complete(id) } }
      if round % 4 == 3 { books.writer.beginSegment() }
      #expect(books.writer.flush())
      seqs += try rest(&tail, books)
    }
    #expect(books.writer.stop())
    seqs += try rest(&tail, books)
    #expect(seqs == Array(1...Int64(seqs.count)))
    #expect(Int64(seqs.count) == books.writer.end?.seq)
  }

  @Test(arguments: [1, 2, 7, 30]) func `It begins where it is told`(first: Int64) throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    for round in 0..<12 {
      _ = books.admit()
      if round % 5 == 0 { books.writer.beginSegment() }
      #expect(books.writer.flush())
    }
    #expect(books.writer.stop())
    var tail = LedgerTail(files, from: first)
    let last = try #require(books.writer.end?.seq)
    #expect(try rest(&tail, books) == (first <= last ? Array(first...last) : []))
  }

  @Test func `Nothing beyond the durable end is given, even when it can be read`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    for _ in 0..<5 { _ = books.admit() }
    #expect(books.writer.flush())
    let end = try #require(books.writer.end)
    var tail = LedgerTail(files, from: 1)
    let short = LedgerEnd(seq: 3, segment: end.segment)
    for seq in 1...3 { #expect(try record(&tail, upTo: short)?.head.seq == Int64(seq)) }
    #expect(try tail.next(upTo: short) == nil)
    #expect(try record(&tail, upTo: end)?.head.seq == 4)
    #expect(books.writer.stop())
  }

  @Test(arguments: WriterFaultTests.failures)
  func `Void records are never given, whatever fails`(failure: MemoryFiles.Failure) throws {
    for operation in 6..<30 {
      let files = MemoryFiles()
      files.fail(at: operation, failure)
      let books = try TestBooks(files)
      try books.start()
      var tail = LedgerTail(files, from: 1)
      var given: [Int64: [UInt8]] = [:]
      func follow() throws {
        guard let end = books.writer.end else { return }
        while let line = try record(&tail, upTo: end) {
          #expect(line.head.seq == Int64(given.count) + 1)
          given[line.head.seq] = line.bytes
        }
      }
      for round in 0..<8 {
        if let id = books.admit(), round % 2 == 0 { books.complete(id) }
        if round == 4 { books.writer.beginSegment() }
        _ = books.writer.flush()
        try follow()
      }
      while !books.writer.flush() { books.waitUntilBack() }
      #expect(books.writer.stop())
      try follow()
      var walk = try LedgerWalk(files)
      var count = 0
      while let step = try walk.next() {
        count += 1
        #expect(given[step.line.seq] == step.line.bytes, "at operation \(operation)")
      }
      #expect(count == given.count)
    }
  }

  @Test func `Segments that are gone leave a gap in the numbers`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    for _ in 0..<4 {
      _ = books.admit()
      books.writer.beginSegment()
      #expect(books.writer.flush())
      while books.writer.statistics.segmentCount < 2 { usleep(100) }
    }
    #expect(books.writer.stop())
    let segments = try Segment.list(files)
    var tail = LedgerTail(files, from: 1)
    let end = try #require(books.writer.end)
    #expect(try record(&tail, upTo: end)?.head.seq == 1)
    try files.remove(segments[0].name)
    try files.remove(segments[1].name)
    var seqs: [Int64] = []
    while let line = try record(&tail, upTo: end) { seqs.append(line.head.seq) }
    // What had been read ahead of the removal may still come.
    #expect(seqs.last == end.seq)
    #expect(seqs.contains(segments[2].firstSeq))
  }

  // MARK: - Damage

  /// A ledger of two segments; the first one's name and lines, its checkpoint first.
  private func ledger() throws -> (contents: [String: [UInt8]], end: LedgerEnd, first: String) {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    for _ in 0..<8 { _ = books.admit() }
    books.writer.beginSegment()
    #expect(books.writer.flush())
    // The segment begins on the ledger's thread, and not any more once that is told to stop.
    while books.writer.statistics.segmentCount < 2 { usleep(100) }
    _ = books.admit()
    #expect(books.writer.stop())
    let end = try #require(books.writer.end)
    return (files.snapshot, end, try #require(try Segment.list(files).first).name)
  }

  /// What a damaged ledger gives: the records, byte for byte those of the whole one, and the numbers
  /// that are said to be damaged.
  private func steps(
    _ contents: [String: [UInt8]], _ end: LedgerEnd, whole: [Int64: [UInt8]], from first: Int64 = 1
  ) throws -> (given: [Int64], damaged: [Int64], problems: [LedgerProblem]) {
    var tail = LedgerTail(MemoryFiles(contents), from: first)
    var given: [Int64] = []
    var damaged: [Int64] = []
    var problems: [LedgerProblem] = []
    while let step = try tail.next(upTo: end) {
      switch step {
      case .record(let line):
        #expect(whole.isEmpty || whole[line.head.seq] == line.bytes)
        given.append(line.head.seq)
      case .damaged(let damage):
        damaged += Array(damage.firstSeq...damage.lastSeq)
        problems.append(damage.problem)
      }
    }
    return (given, damaged, problems)
  }

  private func records(
    _ contents: [String: [UInt8]], _ end: LedgerEnd
  ) throws -> [Int64: [UInt8]] {
    var tail = LedgerTail(MemoryFiles(contents), from: 1)
    var records: [Int64: [UInt8]] = [:]
    while let line = try record(&tail, upTo: end) { records[line.head.seq] = line.bytes }
    return records
  }

  @Test func `A digit of a number that flips is damage there, and no other record suffers`() throws
  {
    let (contents, end, name) = try ledger()
    let whole = try records(contents, end)
    for seq in 1...7 as ClosedRange<Int64> {
      var bytes = contents[name]!
      let mark = Array("\"seq\":\(seq),".utf8)
      let place = try #require(bytes.firstRange(of: mark))
      let lineStart = bytes[..<place.lowerBound].lastIndex(of: 10).map { $0 + 1 } ?? 0
      // Up, so that records would seem to be missing; to a number that is another's.
      bytes[place.lowerBound + 6] += 2
      let result = try steps(
        contents.merging([name: bytes]) { $1 }, end, whole: whole)
      #expect(result.damaged == [seq])
      #expect(result.given == Array(1...end.seq).filter { $0 != seq })
      #expect(
        result.problems == [.damaged(file: name, offset: Int64(lineStart), .hash)])
    }
  }

  @Test func `Whatever byte flips, every record is given as it was or said to be damaged`() throws {
    let (contents, end, name) = try ledger()
    let whole = try records(contents, end)
    let size = contents[name]!.count
    // Every byte of one line and of its neighbours' ends, and samples of all others.
    let ends = contents[name]!.indices.filter { contents[name]![$0] == 10 }
    let close = (ends[2] - 90)...(ends[3] + 12)
    for offset in 0..<size where close.contains(offset) || offset % 17 == 0 {
      // One of them ends the line there.
      let flips = [1, 0x2a, contents[name]![offset] ^ 10] as [UInt8]
      let flip = flips[offset % 3]
      guard flip != 0 else { continue }
      var bytes = contents[name]!
      bytes[offset] ^= flip
      let result = try steps(contents.merging([name: bytes]) { $1 }, end, whole: whole)
      #expect((result.given + result.damaged).sorted() == Array(1...end.seq), "byte \(offset)")
      #expect(!result.damaged.isEmpty && result.damaged.count <= 2, "byte \(offset)")
    }
  }

  @Test func `A line that cannot be read takes the one behind it along, and the rest still comes`()
    throws
  {
    let (contents, end, name) = try ledger()
    var lines = contents[name]!.split(separator: UInt8(ascii: "\n")).map(Array.init)
    lines[2] = [0x78]
    let bytes = Array(lines.joined(separator: [10])) + [10]
    let damaged = contents.merging([name: bytes]) { $1 }
    let result = try steps(damaged, end, whole: [:])
    #expect(result.damaged == [3, 4])
    #expect(result.given == Array(1...end.seq).filter { $0 != 3 && $0 != 4 })
    // What was given before is neither given nor told of again.
    #expect(try steps(damaged, end, whole: [:], from: 5).damaged == [])
    #expect(try steps(damaged, end, whole: [:], from: 4).damaged == [4])
  }

  @Test func `A segment that ends too early is damaged up to the next one`() throws {
    let (contents, end, name) = try ledger()
    let second = try #require(try Segment.list(MemoryFiles(contents)).last).firstSeq
    let newlines = contents[name]!.indices.filter { contents[name]![$0] == 10 }
    let cut = contents.merging([name: Array(contents[name]![...newlines[3]])]) { $1 }
    let result = try steps(cut, end, whole: [:])
    #expect(result.damaged == Array(5..<second))
    #expect(result.given == Array(1...4) + Array(second...end.seq))
  }

  @Test func `Damage at the durable end is told as soon as something stands behind it`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    for _ in 0..<3 { _ = books.admit() }
    #expect(books.writer.flush())
    let early = try #require(books.writer.end)
    let before = try #require(files.snapshot[early.segment.name])
    _ = books.admit()
    #expect(books.writer.stop())
    let end = try #require(books.writer.end)
    var whole = try #require(files.snapshot[early.segment.name])
    whole[before.count - 80] ^= 1
    var tail = LedgerTail(
      MemoryFiles([early.segment.name: Array(whole.prefix(before.count))]), from: early.seq)
    #expect(throws: LedgerProblem.self) { try tail.next(upTo: early) }
    tail = LedgerTail(MemoryFiles([early.segment.name: whole]), from: early.seq)
    guard case .damaged(let damage)? = try tail.next(upTo: end) else {
      Issue.record("not told")
      return
    }
    #expect(damage.firstSeq == early.seq && damage.lastSeq == early.seq)
    #expect(try record(&tail, upTo: end)?.head.seq == early.seq + 1)
  }
}
