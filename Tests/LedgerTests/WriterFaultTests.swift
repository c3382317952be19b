import Foundation
import Ledger
import Testing

/// Faults at every operation of a file system, and a crash behind them.
@Suite struct WriterFaultTests {
  static let failures: [MemoryFiles.Failure] = [
    .before(EIO), .after(ENOSPC, bytes: 100), .after(ENOSPC, bytes: 1_000),
    .after(EIO, bytes: .max),
  ]

  /// A run over several segments: admissions and completions interleaved, some rotations.
  private func run(_ books: TestBooks) {
    var open: [String] = []
    for round in 0..<4 {
      for index in 0..<3 {
        if let id = books.admit() { open.append(id) }
        if index == 1, let id = open.first {
          books.complete(id)
          open.removeFirst()
        }
      }
      if round % 2 == 1 { books.writer.beginSegment() }
      _ = books.writer.flush()
      while let id = open.first, open.count > 2 {
        books.complete(id)
        open.removeFirst()
      }
    }
  }

  private func check(_ books: TestBooks, _ files: MemoryFiles) throws {
    let replay = try Replay(files)
    #expect(books.acknowledged.subtracting(replay.admitted).isEmpty, "an acknowledged one is lost")
    #expect(books.failed.isDisjoint(with: replay.admitted), "a failed one is on record")
    #expect(Set(books.completed).subtracting(replay.completed).isEmpty, "a completion is lost")
    #expect(Set(replay.completed).count == replay.completed.count, "a completion is there twice")
    #expect(replay.total == books.sums.total)
    #expect(Set(replay.open.byRequestID.keys) == books.sums.open)
    #expect(replay.seqs == Array(1...Int64(replay.seqs.count)))
    #expect(Verification.run(files).problem == nil)
  }

  @Test(arguments: [Durability.durable, .relaxed], failures)
  func `A fault at any operation loses nothing that was acknowledged`(
    durability: Durability, failure: MemoryFiles.Failure
  ) throws {
    var settings = LedgerSettings.forTests
    settings.durability = durability
    // The first five are the first segment's.
    var operation = 6
    while operation < 32 {
      let files = MemoryFiles()
      files.fail(at: operation, failure)
      // The next attempts may meet trouble as well.
      if operation % 3 == 0 { files.fail(at: operation + 1, failure) }
      let books = try TestBooks(files, settings: settings)
      try books.start()
      run(books)
      while !books.writer.flush() { books.waitUntilBack() }
      #expect(books.writer.stop())
      try check(books, files)
      operation += 1
    }
  }

  @Test(arguments: failures)
  func `A crash after a fault recovers what was acknowledged`(
    failure: MemoryFiles.Failure
  ) throws {
    for operation in 6..<28 {
      for share in [0, 256] {
        let files = MemoryFiles()
        files.fail(at: operation, failure)
        var settings = LedgerSettings.forTests
        // No second attempt: the crash comes first.
        settings.retryDelay = .seconds(3_600)
        let books = try TestBooks(files, settings: settings)
        try books.start()
        run(books)
        let left = files.crashed(keeping: share)
        _ = books.writer.stop()
        let acknowledged = books.acknowledged
        let next = try TestBooks(left, firstNumber: 1_000)
        try next.start()
        #expect(next.admit() != nil)
        #expect(next.writer.stop())
        let replay = try Replay(left)
        #expect(acknowledged.subtracting(replay.admitted).isEmpty)
        #expect(replay.total == next.sums.total)
        #expect(Verification.run(left).problem == nil)
      }
    }
  }

  /// Later blocks may be stored without earlier ones, and the length with them.
  @Test func `A loss of power that leaves a hole is recovered from`() throws {
    var holes = 0
    for sector in 0..<24 {
      let files = MemoryFiles()
      var settings = LedgerSettings.forTests
      settings.durability = .relaxed
      // Written at once, flushed by the batch's size alone: much is at stake.
      settings.relaxedFlushDelay = .seconds(3_600)
      let books = try TestBooks(files, settings: settings)
      try books.start()
      var last = ""
      for _ in 0..<20 { last = try #require(books.admit()) }
      // Until the last one is written: what was only taken to be written leaves no hole.
      let mark = Array("\"\(last)\"".utf8)
      while !files.snapshot.values.contains(where: { $0.firstRange(of: mark) != nil }) {
        usleep(100)
      }
      let left = files.crashed(withHoleAt: sector)
      // Behind the end of what was written there is nothing to lose.
      let isHole = left.snapshot.values.contains { $0.contains(0) }
      _ = books.writer.stop()
      #expect(Verification.run(left).problem == nil, "sector \(sector)")
      let next = try TestBooks(left, firstNumber: 1_000)
      try next.start()
      #expect(next.admit() != nil)
      #expect(next.writer.stop())
      let replay = try Replay(left)
      #expect(replay.total == next.sums.total)
      #expect(Verification.run(left).problem == nil)
      #expect(left.snapshot.keys.contains { $0.hasSuffix(".torn") } == isHole, "sector \(sector)")
      if isHole { holes += 1 }
    }
    #expect(holes > 0)
  }

  /// What does not fit before a `stop` is damage: all before it was on disk when it was written.
  @Test(arguments: [Durability.durable, .relaxed])
  func `A stop is written when all before it is on disk`(durability: Durability) throws {
    let files = MemoryFiles()
    var settings = LedgerSettings.forTests
    settings.durability = durability
    settings.relaxedWriteDelay = .milliseconds(200)
    let books = try TestBooks(files, settings: settings)
    try books.start()
    for _ in 0..<50 { _ = books.admit() }
    _ = books.record(.stop(ProcessEvent(policy: "p", version: "1")))
    #expect(books.writer.stop())
    let stops = files.appends.filter { $0.starts(with: Array(#"{"type":"stop""#.utf8)) }
    #expect(stops.count == 1 && stops[0].count { $0 == UInt8(ascii: "\n") } == 1)
    #expect(files.unflushedAtLastAppend == 0)
  }

  @Test func `A full disk refuses admissions and heals when there is room`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    let first = try #require(books.admit())
    #expect(books.writer.flush())
    files.limitRoom(to: files.snapshot.values.reduce(0) { $0 + $1.count } + 50)
    let second = try #require(books.admit())
    #expect(!books.writer.flush())
    #expect(books.admit() == nil)
    books.complete(first)
    files.limitRoom(to: .max)
    books.waitUntilBack()
    #expect(books.failed == [second])
    #expect(books.writer.flush())
    #expect(books.admit() != nil)
    #expect(books.writer.stop())
    try check(books, files)
  }

  @Test func `A ledger that cannot begin says so`() throws {
    let files = MemoryFiles()
    files.limitRoom(to: 10)
    let books = try TestBooks(files)
    #expect(
      throws: LedgerFault(
        call: "write", file: "00000000000000000001.jsonl.unfinished", code: ENOSPC)
    ) {
      try books.start()
    }
  }
}
