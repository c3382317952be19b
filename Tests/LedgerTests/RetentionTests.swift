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
}
