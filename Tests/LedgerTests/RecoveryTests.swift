import Foundation
import Glibc
import Ledger
import Terms
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
      _ = Self.judged(cutFiles)
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

  /// What a start says of those files, and that `audit verify` says the same.
  static func judged(_ files: [String: [UInt8]]) -> Result<Recovery.Outcome, LedgerProblem> {
    let verification = Verification.run(MemoryFiles(files))
    let outcome = outcome(of: MemoryFiles(files))
    switch outcome {
    case .success(let outcome):
      #expect(verification.problem == nil)
      var torn = outcome.torn
      for index in torn.indices { torn[index].keptIn = nil }
      #expect(torn == (verification.torn.map { [$0] } ?? []))
    case .failure(let problem): #expect(verification.problem == problem)
    }
    return outcome
  }

  /// A ledger of one segment with a `stop` at its end: its name, its bytes, where each line begins.
  static func closed(exchanges: Int = 4) throws -> (name: String, bytes: [UInt8], starts: [Int]) {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    for _ in 0..<exchanges { books.complete(try #require(books.admit())) }
    _ = books.record(.stop(ProcessEvent(policy: "p", version: "1")))
    #expect(books.writer.stop())
    let (name, bytes) = try #require(files.snapshot.first)
    let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
    return (name, bytes, [0] + ends.dropLast().map { $0 + 1 })
  }

  /// One bit of every byte; the other bits of some, to save time.
  @Test(arguments: [(0x04, 1), (0x01, 11), (0x20, 13), (0x80, 17)] as [(UInt8, Int)])
  func `A flip of any byte stops the start, and is named exactly`(bit: UInt8, step: Int) throws {
    let (name, bytes, starts) = try Self.closed(exchanges: 2)
    for at in stride(from: 0, to: bytes.count - 1, by: step) {
      var flipped = bytes
      flipped[at] ^= bit
      let lineStart = try #require(starts.last { $0 <= at })
      switch Self.judged([name: flipped]) {
      case .failure(.damaged(let file, let offset, _)):
        #expect(file == name && offset == Int64(lineStart), "byte \(at)")
      case .failure(.newerFormat): #expect(lineStart == 0)
      case .failure(.files(let fault)): Issue.record("\(fault)")
      case .success: Issue.record("byte \(at) of record \(starts.firstIndex(of: lineStart)! + 1)")
      }
    }
  }

  @Test func `A flip in a ledger whose process was killed stops the start, whatever is behind it`()
    throws
  {
    let (original, last, _) = try Self.killed()
    let bytes = try #require(original[last])
    for at in bytes.indices.dropLast() {
      var changed = original
      changed[last]![at] ^= 0x04
      let lineStart = (bytes[..<at].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
      switch Self.judged(changed) {
      case .failure(.damaged(let file, let offset, _)):
        #expect(file == last && offset == Int64(lineStart), "byte \(at)")
      case .failure(.newerFormat): #expect(lineStart == 0)
      case .failure(.files(let fault)): Issue.record("\(fault)")
      case .success: Issue.record("byte \(at)")
      }
    }
  }

  @Test func `A flip in an older segment is found by verification, exactly`() throws {
    let (original, last, _) = try Self.killed()
    let (name, bytes) = try #require(original.first { $0.key != last })
    for at in bytes.indices {
      var changed = original
      changed[name]![at] ^= 0x04
      let lineStart = (bytes[..<at].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
      switch Verification.run(MemoryFiles(changed)).problem {
      case .damaged(let file, let offset, _):
        #expect(file == name && offset == Int64(lineStart), "byte \(at)")
      case .newerFormat(let file, _): #expect(file == name && lineStart == 0)
      case nil, .files: Issue.record("byte \(at) is not found")
      }
    }
  }

  @Test func `A record that is missing or stands elsewhere stops the start`() throws {
    let (name, bytes, starts) = try Self.closed()
    let lines = bytes.split(separator: UInt8(ascii: "\n")).map { $0 + [UInt8(ascii: "\n")] }
    for index in 1..<(lines.count - 1) {
      var without = lines
      without.remove(at: index)
      var swapped = lines
      swapped.swapAt(index, index + 1)
      var twice = lines
      twice.insert(lines[index], at: index)
      for (changed, at) in [(without, index), (swapped, index), (twice, index + 1)] {
        let offset = changed[..<at].reduce(0) { $0 + $1.count }
        #expect(
          throws: LedgerProblem.damaged(file: name, offset: Int64(offset), .hash)
        ) { try Self.judged([name: changed.flatMap(\.self)]).get() }
      }
    }
    #expect(starts.count == lines.count)
  }

  /// As a file system leaves it that stored later sectors and the length, and not all earlier ones.
  @Test func `A hole of sectors that were never stored is torn, with the records behind it`() throws
  {
    let (name, closed, starts) = try Self.closed()
    // Without its stop: the process was killed with the machine.
    let bytes = Array(closed[..<starts[starts.count - 1]])
    var withRecords = 0
    for durable in starts.dropFirst().dropLast() {
      for sector in stride(from: (durable / 512) * 512, to: bytes.count, by: 512) {
        for end in [sector + 512, sector + 1024] {
          var changed = bytes
          let hole = max(durable, sector)..<min(end, bytes.count)
          guard !hole.isEmpty else { continue }
          for at in hole { changed[at] = 0 }
          let outcome = try Self.judged([name: changed]).get()
          let torn = try #require(outcome.torn.first)
          let lineStart = try #require(starts.last { $0 <= hole.lowerBound })
          #expect(torn.offset == Int64(lineStart) && torn.file == name)
          #expect(torn.byteCount == Int64(bytes.count - lineStart))
          let whole = starts.dropLast().filter { $0 >= hole.upperBound && $0 > lineStart }.count
          #expect(torn.recordCount == whole)
          #expect(torn.lastSeq == (whole > 0 ? Int64(starts.count - 1) : nil))
          #expect(outcome.nextSeq == Int64(starts.firstIndex(of: lineStart)! + 1))
          withRecords += whole
          // The same before a `stop`, which is written when all before it is stored.
          let stopped = changed + closed[starts[starts.count - 1]...]
          #expect(throws: LedgerProblem.damaged(file: name, offset: Int64(lineStart), .hash)) {
            try Self.judged([name: stopped]).get()
          }
        }
      }
    }
    #expect(withRecords > 0)
  }

  @Test func `NUL bytes that are no hole of sectors are damage`() throws {
    let (name, closed, starts) = try Self.closed()
    let bytes = Array(closed[..<starts[starts.count - 1]])
    let inside = (starts[2] + 20)..<(starts[3] - 20)
    let at = try #require(inside.first { (8..<500).contains($0 % 512) })
    var changed = bytes
    for index in at..<(at + 4) { changed[index] = 0 }
    #expect(throws: LedgerProblem.damaged(file: name, offset: Int64(starts[2]), .hash)) {
      try Self.judged([name: changed]).get()
    }
  }

  @Test func `Zeros behind the last record are torn`() throws {
    let (name, closed, starts) = try Self.closed()
    let bytes = Array(closed[..<starts[starts.count - 1]])
    for count in [1, 511, 512, 5_000] {
      let outcome = try Self.judged([name: bytes + [UInt8](repeating: 0, count: count)]).get()
      #expect(outcome.torn.map(\.offset) == [Int64(bytes.count)])
      #expect(outcome.torn.map(\.byteCount) == [Int64(count)])
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
    let (ours, newer) = (LedgerFormat.number, LedgerFormat.number + 1)
    files[last] = Array(
      text.replacingOccurrences(of: "\"format\":\(ours)", with: "\"format\":\(newer)").utf8)
    #expect(throws: LedgerProblem.newerFormat(file: last, newer)) {
      try Recovery.run(MemoryFiles(files)) { _ in }
    }
  }

  @Test func `A checkpoint of format 1 is read, which has no estimates`() throws {
    let old = Checkpoint(
      format: 1, previousHash: Chain.origin,
      counters: [CounterState(counter: "c", kind: .tokens, fields: [.init("amount", 1)])],
      open: [], estimates: [])
    var line = LedgerRecord(seq: 1, timeMs: 5, body: .checkpoint(old)).encoded()
    #expect(!String(decoding: line, as: UTF8.self).contains("estimates"))
    var chain = Chain()
    chain.seal(&line)
    let record = try LedgerRecord(line: Array(line.dropLast()))
    #expect(record.body == .checkpoint(old))
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
