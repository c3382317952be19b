import Foundation
import Ledger
import Testing

/// Which segments go, and which somebody still needs.
@Suite struct RetentionTests {
  /// A ledger of many old, small segments.
  private func old(_ files: MemoryFiles, segments: Int) throws {
    let books = try TestBooks(files)
    try books.start()
    for _ in 0..<segments {
      _ = books.admit()
      let before = books.writer.statistics.segmentCount
      books.writer.beginSegment()
      while books.writer.statistics.segmentCount == before { usleep(100) }
    }
    #expect(books.writer.stop())
  }

  private var settings: LedgerSettings {
    var settings = LedgerSettings.forTests
    // The books' wall clock and their records' times begin together: everything is old at once.
    settings.retain = .seconds(-3600)
    settings.isShipped = true
    return settings
  }

  private func firstSeqs(_ files: MemoryFiles) throws -> [Int64] {
    try Segment.list(files).map(\.firstSeq)
  }

  @Test func `Nothing goes before shipping has said what it needs`() throws {
    let files = MemoryFiles()
    try old(files, segments: 4)
    let before = try firstSeqs(files)
    let books = try TestBooks(files, settings: settings, firstNumber: 100)
    try books.start()
    #expect(books.writer.flush())
    #expect(try firstSeqs(files).starts(with: before))
    #expect(books.writer.stop())
  }

  @Test func `What every target has goes, and what one has not stays`() throws {
    let files = MemoryFiles()
    try old(files, segments: 4)
    let before = try firstSeqs(files)
    let books = try TestBooks(files, settings: settings, firstNumber: 100)
    books.writer.keep(SegmentsKept(fromSeq: before[2], atBoundFromSeq: before[2]))
    try books.start()
    books.writer.beginSegment()
    while try firstSeqs(files).first != before[2] { usleep(100) }
    #expect(books.writer.stop())
    #expect(try firstSeqs(files).starts(with: before[2...]))
  }

  @Test(arguments: [true, false])
  func `At the bound only what may be dropped goes, and no more than is needed`(
    mayDrop: Bool
  ) throws {
    let files = MemoryFiles()
    try old(files, segments: 30)
    let before = try firstSeqs(files)
    var settings = settings
    let bytes = files.snapshot.values.reduce(0) { $0 + $1.count }
    // The room that one exchange needs is a few segments more than there is.
    settings.ledgerBytesMax = Int64(bytes) + 2 * 4096
    let books = try TestBooks(files, settings: settings, firstNumber: 100)
    books.writer.keep(SegmentsKept(fromSeq: 1, atBoundFromSeq: mayDrop ? .max : 1))
    try books.start()
    let end = ContinuousClock.now + .seconds(mayDrop ? 20 : 2)
    var admitted = books.admit()
    while admitted == nil, ContinuousClock.now < end {
      usleep(1000)
      admitted = books.admit()
    }
    #expect((admitted != nil) == mayDrop)
    let left = try firstSeqs(files)
    if mayDrop {
      #expect(left.first! > before[0], "something went")
      #expect(left.count > 2, "not everything went")
    } else {
      #expect(left.starts(with: before))
    }
    _ = books.writer.stop()
  }

  @Test func `A segment is an eighth of the bound at most, and of 64 MiB`() {
    var settings = LedgerSettings()
    #expect(settings.segmentBytesDue == 64 << 20)
    for (bound, due) in [(1 << 20, 128 << 10), (8 << 20, 1 << 20), (512 << 20, 64 << 20)] {
      settings.ledgerBytesMax = Int64(bound)
      #expect(settings.segmentBytesDue == Int64(due))
    }
    settings.ledgerBytesMax = 1 << 40
    #expect(settings.segmentBytesDue == 64 << 20)
  }

  /// The bound is passed many times over; whoever asks is served all the time.
  @Test func `At the bound a target that may lose records never stops the service`() throws {
    let files = MemoryFiles()
    var settings = LedgerSettings.forTests
    settings.isShipped = true
    settings.ledgerBytesMax = 1 << 20
    let books = try TestBooks(files, settings: settings)
    books.writer.keep(SegmentsKept(fromSeq: 1, atBoundFromSeq: .max))
    try books.start()
    var refused = 0
    for index in 0..<6_000 {
      if let id = books.admit() { books.complete(id) } else { refused += 1 }
      if index % 20 == 0 { #expect(books.writer.flush()) }
    }
    #expect(books.writer.flush())
    #expect(refused == 0)
    #expect(try firstSeqs(files).first! > 1)
    #expect(books.writer.statistics.diskBytes <= 1 << 20)
    #expect(books.writer.stop())
    #expect(Verification.run(files).problem == nil)
  }

  /// Who takes away what the ledger would refuse for.
  enum Way: CaseIterable, Sendable { case delivered, recycled }

  /// The bound is passed many times over, and `--retain` is a month.
  @Test(arguments: Way.allCases)
  func `At the bound nobody is refused where a receiver has everything, or the ledger recycles`(
    _ way: Way
  ) throws {
    let files = MemoryFiles()
    var settings = LedgerSettings.forTests
    settings.isShipped = way == .delivered
    settings.whenFull = way == .recycled ? .recycle : .refuse
    settings.ledgerBytesMax = 1 << 20
    let books = try TestBooks(files, settings: settings)
    try books.start()
    var refused = 0
    for index in 0..<6_000 {
      if let id = books.admit() { books.complete(id) } else { refused += 1 }
      guard index % 20 == 0 else { continue }
      #expect(books.writer.flush())
      let next = try #require(books.writer.end).seq + 1
      if way == .delivered {
        books.writer.keep(SegmentsKept(fromSeq: next, atBoundFromSeq: next))
      }
    }
    #expect(books.writer.flush())
    #expect(refused == 0)
    #expect(books.writer.statistics.diskBytes <= 1 << 20)
    #expect(books.writer.stop())
    let first = try #require(try firstSeqs(files).first)
    #expect(first > 1)
    // On record: which ones went, each once, and why they could.
    let drops = books.drops
    #expect(drops.allSatisfy { $0.reason == (way == .delivered ? .delivered : .full) })
    var next: Int64 = 1
    for drop in drops {
      #expect(drop.firstSeq == next && drop.target == nil)
      next = drop.lastSeq + 1
    }
    #expect(next == first)
    #expect(Verification.run(files).problem == nil)
  }

  @Test func `At the bound a ledger without receivers refuses, unless it is to recycle`() throws {
    let files = MemoryFiles()
    var settings = LedgerSettings.forTests
    settings.ledgerBytesMax = 1 << 20
    let books = try TestBooks(files, settings: settings)
    try books.start()
    var refused = 0
    for index in 0..<3_000 {
      if let id = books.admit() { books.complete(id) } else { refused += 1 }
      if index % 20 == 0 { #expect(books.writer.flush()) }
    }
    #expect(refused > 1_000)
    #expect(try firstSeqs(files).first == 1)
    #expect(books.drops.isEmpty)
    #expect(books.writer.stop())
  }

  @Test func `A receiver that has stopped keeps what it lacks, and what it has goes`() throws {
    let files = MemoryFiles()
    try old(files, segments: 30)
    let before = try firstSeqs(files)
    var settings = LedgerSettings.forTests
    settings.isShipped = true
    settings.ledgerBytesMax = Int64(files.snapshot.values.reduce(0) { $0 + $1.count })
    let books = try TestBooks(files, settings: settings, firstNumber: 100)
    books.writer.keep(SegmentsKept(fromSeq: before[10], atBoundFromSeq: before[10]))
    try books.start()
    while try firstSeqs(files).first != before[10] { usleep(100) }
    #expect(books.admit() == nil)
    #expect(books.writer.stop())
    #expect(try firstSeqs(files).starts(with: before[10...]))
  }

  @Test func `At the bound what is older than it must be kept goes by itself`() throws {
    let files = MemoryFiles()
    var settings = LedgerSettings.forTests
    settings.ledgerBytesMax = 40_000
    settings.segmentBytesMax = 1 << 20
    settings.retain = .seconds(-3600)
    let books = try TestBooks(files, settings: settings)
    try books.start()
    let end = ContinuousClock.now + .seconds(20)
    var served = 0
    while served < 300, ContinuousClock.now < end {
      if let id = books.admit() {
        books.complete(id)
        served += 1
      } else {
        usleep(1000)
      }
      _ = books.writer.flush()
    }
    #expect(served == 300)
    #expect(books.writer.stop())
  }
}
