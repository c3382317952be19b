import Foundation
import Ledger
import Testing

/// Following a ledger that is written, fails, begins new segments and loses old ones.
@Suite struct TailTests {
  /// Everything that is on disk by now.
  private func rest(_ tail: inout LedgerTail, _ books: TestBooks) throws -> [Int64] {
    var seqs: [Int64] = []
    guard let end = books.writer.end else { return [] }
    while let line = try tail.next(upTo: end) {
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
    for seq in 1...3 { #expect(try tail.next(upTo: short)?.head.seq == Int64(seq)) }
    #expect(try tail.next(upTo: short) == nil)
    #expect(try tail.next(upTo: end)?.head.seq == 4)
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
        while let line = try tail.next(upTo: end) {
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
    #expect(try tail.next(upTo: end)?.head.seq == 1)
    try files.remove(segments[0].name)
    try files.remove(segments[1].name)
    var seqs: [Int64] = []
    while let line = try tail.next(upTo: end) { seqs.append(line.head.seq) }
    // What had been read ahead of the removal may still come.
    #expect(seqs.last == end.seq)
    #expect(seqs.contains(segments[2].firstSeq))
  }

  @Test func `A line that cannot be read is left out and the rest still comes`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    for _ in 0..<4 { _ = books.admit() }
    books.writer.beginSegment()
    #expect(books.writer.flush())
    #expect(books.writer.stop())
    var contents = files.snapshot
    let name = try #require(try Segment.list(files).first).name
    let lines = contents[name]!.split(separator: UInt8(ascii: "\n"))
    contents[name] = Array(lines.enumerated().map { $0 == 2 ? [0x78] : $1 }.joined(separator: [10]))
    contents[name]!.append(10)
    let damaged = MemoryFiles(contents)
    var tail = LedgerTail(damaged, from: 1)
    let end = try #require(books.writer.end)
    var seqs: [Int64] = []
    while let line = try tail.next(upTo: end) { seqs.append(line.head.seq) }
    #expect(seqs == Array(1...end.seq).filter { $0 != 3 })
  }
}
