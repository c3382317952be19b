import Foundation
import Glibc
import Ledger
import Testing

@Suite struct RecoveryTests {
  /// A ledger of two segments whose process was killed: its files and what it acknowledged.
  static func killed() throws -> (files: [String: [UInt8]], last: String, admitted: [String]) {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    var ids: [String] = []
    for index in 0..<3 {
      if index == 2 {
        books.writer.beginSegment()
        while books.writer.statistics.segmentCount < 2 { sched_yield() }
      }
      ids.append(try #require(books.admit()))
      #expect(books.writer.flush())
    }
    books.complete(ids[0])
    #expect(books.writer.flush())
    let snapshot = files.snapshot
    _ = books.writer.stop()
    return (snapshot, try #require(snapshot.keys.max()), ids)
  }

  static func outcome(of files: MemoryFiles) -> Result<Recovery.Outcome, LedgerProblem> {
    do throws(LedgerProblem) {
      return .success(try Recovery.run(files) { _ in })
    } catch {
      return .failure(error)
    }
  }

  @Test func `A cut at every byte of the last segment recovers the records before it`() throws {
    let (original, last, ids) = try Self.killed()
    let bytes = try #require(original[last])
    let lineEnds = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
    for cut in 0...bytes.count {
      var cutFiles = original
      cutFiles[last] = Array(bytes.prefix(cut))
      let files = MemoryFiles(cutFiles)
      var records: [LedgerRecord] = []
      let outcome = try Recovery.run(files) { records.append($0) }
      let whole = lineEnds.count { $0 < cut }
      if whole > 0 { #expect(records.count == whole) }
      let isTorn = cut == 0 || (cut < bytes.count && bytes[cut - 1] != UInt8(ascii: "\n"))
      #expect(outcome.torn.count == (isTorn ? 1 : 0))
      let kept = files.snapshot.reduce(0) { $0 + $1.value.count }
      #expect(kept == cutFiles.values.reduce(0) { $0 + $1.count }, "torn bytes are kept aside")
      // And it goes on from there; tried at some cuts and at every line's end, to save time.
      guard cut % 16 == 0 || !isTorn else { continue }
      let books = try TestBooks(files, firstNumber: 100)
      try books.start()
      #expect(books.writer.stop())
      #expect(Verification.run(files).problem == nil)
      #expect(try Replay(files).admitted.isSubset(of: ids))
    }
  }

  @Test func `A flipped byte anywhere is recovered as torn or named exactly`() throws {
    let (original, last, _) = try Self.killed()
    for (name, bytes) in original {
      for at in bytes.indices {
        var flipped = bytes
        flipped[at] ^= 0x04
        var changed = original
        changed[name] = flipped
        let files = MemoryFiles(changed)
        let lineStart = (bytes[..<at].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        let verification = Verification.run(files)
        // A newline that has gone from the last line leaves it without its end.
        if name == last, at == bytes.count - 1 {
          #expect(verification.incomplete?.offset == Int64(lineStart))
        } else {
          switch verification.problem {
          case .damaged(let file, let offset, _):
            #expect(file == name && offset == Int64(lineStart))
          case .newerFormat(let file, _): #expect(file == name && lineStart == 0)
          case nil, .files: Issue.record("\(name) \(at) is not found")
          }
        }
        // Recovery reads the last segment alone.
        guard name == last else { continue }
        switch Self.outcome(of: files) {
        case .success(let outcome): #expect(!outcome.torn.isEmpty && lineStart > 0)
        case .failure(.damaged(let file, let offset, _)):
          #expect(file == name && offset == 0 && lineStart == 0)
        case .failure(.newerFormat): #expect(lineStart == 0)
        case .failure(.files(let fault)): Issue.record("\(fault)")
        }
      }
    }
  }

  @Test func `Damage before the last batch stops the start and can be repaired`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    // More than a batch behind the damage, which is therefore no torn tail.
    for index in 0..<2_200 {
      _ = books.admit()
      if index % 100 == 0 { #expect(books.writer.flush()) }
    }
    #expect(books.writer.stop())
    var snapshot = files.snapshot
    let name = try #require(snapshot.keys.first)
    var bytes = try #require(snapshot[name])
    try #require(bytes.count > LedgerLimits.batchBytesMax + 20_000)
    let lineStart = try #require(bytes[10_000...].firstIndex(of: UInt8(ascii: "\n"))) + 1
    bytes[lineStart + 40] ^= 1
    snapshot[name] = bytes
    let damaged = MemoryFiles(snapshot)
    let problem = LedgerProblem.damaged(file: name, offset: Int64(lineStart), .hash)
    #expect(throws: problem) { try Recovery.run(damaged) { _ in } }
    #expect(damaged.snapshot == snapshot)

    let repaired = try TestBooks(damaged, repairing: true, firstNumber: 10_000)
    // Only the damaged line's own reservation is unknown, if its record cannot be read at all.
    #expect(abs(repaired.sums.total - books.sums.total) <= 10)
    try repaired.start()
    #expect(repaired.admit() != nil)
    #expect(repaired.writer.stop())
    let verification = Verification.run(damaged)
    #expect(verification.problem == nil)
    #expect(verification.repairs.map(\.offset) == [Int64(lineStart)])
    #expect(damaged.snapshot[name] == bytes)
    let again = try TestBooks(damaged)
    #expect(again.sums.total == repaired.sums.total)
  }

  @Test func `A newer format is refused`() throws {
    let (original, last, _) = try Self.killed()
    var files = original
    let text = String(decoding: try #require(files[last]), as: UTF8.self)
    files[last] = Array(text.replacingOccurrences(of: "\"format\":1", with: "\"format\":2").utf8)
    #expect(throws: LedgerProblem.newerFormat(file: last, 2)) {
      try Recovery.run(MemoryFiles(files)) { _ in }
    }
  }

  @Test func `A clean stop leaves nothing to be done`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    _ = books.record(.stop(ProcessEvent(policy: "p", version: "1")))
    #expect(books.writer.stop())
    let before = files.operationCount
    let outcome = try Recovery.run(files) { _ in }
    #expect(outcome.wasClean)
    #expect(files.operationCount == before)
  }
}
