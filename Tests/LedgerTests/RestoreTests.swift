import Bytes
import Foundation
import Testing

@testable import Ledger

/// A ledger out of the records that were shipped, as receivers keep them.
struct RestoreTests {
  /// A ledger of several segments, with exchanges open at its end, as a killed process leaves it.
  private static func lost(_ segments: Int = 4, first: Int = 1) throws -> (MemoryFiles, TestBooks) {
    let files = MemoryFiles()
    let books = try TestBooks(files, firstNumber: first)
    try books.start()
    for segment in 0..<segments {
      for index in 0..<7 {
        let id = books.admit(reserving: Int64(10 + index))
        #expect(books.writer.flush())
        if let id, index != segment { books.complete(id, using: Int64(index)) }
      }
      #expect(books.writer.flush())
      let before = books.writer.statistics.segmentCount
      guard segment + 1 < segments else { break }
      books.writer.beginSegment()
      while books.writer.statistics.segmentCount == before { usleep(100) }
    }
    return (files, books)
  }

  /// Every record's line, with its number.
  private static func lines(_ files: MemoryFiles) throws -> [[UInt8]] {
    var walk = try LedgerWalk(files)
    var lines: [[UInt8]] = []
    while let step = try walk.next() { lines.append(step.line.bytes) }
    return lines
  }

  private static func text(_ lines: some Sequence<[UInt8]>) -> [UInt8] {
    Array(lines.map { $0 + [UInt8(ascii: "\n")] }.joined())
  }

  /// What a collector's file exporter writes of one request.
  private static func otlp(_ lines: some Sequence<[UInt8]>) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("resourceLogs") { json in
        json.object { json in
          json.object("resource") { $0.field("schemaUrl", "x") }
          json.array("scopeLogs") { json in
            json.object { json in
              json.array("logRecords") { json in
                for line in lines {
                  json.object { json in
                    json.field("timeUnixNano", "1790000000000000000")
                    json.object("body") {
                      $0.field("stringValue", String(decoding: line, as: UTF8.self))
                    }
                    json.array("attributes") { $0.object { $0.field("key", "seq") } }
                  }
                }
              }
            }
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Restores from files with these contents into a new directory, and gives it to `check`.
  private static func restore(
    _ contents: [[UInt8]], ledger: String? = nil, wallMs: Int64 = 1_790_000_100_000,
    check: (LedgerRestore.Outcome, DirectoryFiles) throws -> Void = { _, _ in }
  ) throws {
    let root = FileManager.default.temporaryDirectory.path + "/restore-\(UUID())"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    var paths: [String] = []
    for (index, content) in contents.enumerated() {
      paths.append("\(root)/shipped-\(index)")
      try Data(content).write(to: URL(fileURLWithPath: paths[index]))
    }
    let data = root + "/data"
    do throws(RestoreProblem) {
      let outcome = try LedgerRestore.run(from: paths, ledger: ledger, into: data, wallMs: wallMs)
      do { try check(outcome, LedgerDirectory.files(of: data)) } catch { Issue.record(error) }
    } catch {
      #expect(!FileManager.default.fileExists(atPath: data + "/ledger"))
      throw error
    }
  }

  /// The ledger goes on as the lost one would have: sums, open exchanges, id and start.
  private static func same(_ files: DirectoryFiles, as books: TestBooks) throws {
    #expect(Verification.run(files).problem == nil)
    let restored = try TestBooks(files, firstNumber: 1_000)
    #expect(restored.sums.total == books.sums.total)
    #expect(restored.sums.open == books.sums.open && !books.sums.open.isEmpty)
    let identity = books.writer.identity
    #expect(restored.writer.identity == identity.next)
    try restored.start()
    let id = try #require(restored.admit())
    #expect(restored.writer.flush())
    restored.complete(id)
    #expect(restored.writer.stop())
    #expect(Verification.run(files).problem == nil)
  }

  enum Kind: CaseIterable { case lines, requests, both, repeated, shuffled, noise, unfinished }

  @Test(arguments: Kind.allCases)
  func `What was shipped comes back to the last record, however it was kept`(_ kind: Kind) throws {
    let (files, books) = try Self.lost()
    let lines = try Self.lines(files)
    let half = lines.count / 2
    let contents: [[UInt8]] =
      switch kind {
      case .lines: [Self.text(lines)]
      case .requests:
        [Self.otlp(lines[..<5]) + Self.otlp(lines[5..<half]), Self.otlp(lines[half...])]
      case .both: [Self.otlp(lines[..<half]), Self.text(lines[half...])]
      case .repeated:
        [Self.text(lines[..<half]), Self.text(lines[(half - 9)...]) + Self.text(lines[3...20])]
      case .shuffled: [Self.text(lines[half...]), Self.text(lines[..<half].reversed())]
      case .noise:
        [Array("{\"level\":\"info\"}\n\nplain\n{\"resourceLogs\":7}\n".utf8) + Self.text(lines)]
      case .unfinished: [Array(Self.text(lines).dropLast())]
      }
    try Self.restore(contents) { outcome, restored in
      #expect(outcome.ledgerID == books.writer.identity.id)
      #expect(outcome.firstSeq == 1 && outcome.lastSeq == Int64(lines.count))
      #expect(outcome.segmentCount == 4)
      #expect(outcome.repeatCount == (kind == .repeated ? 27 : 0) && outcome.leftOutCount == 0)
      try Self.same(restored, as: books)
    }
    #expect(books.writer.stop())
  }

  @Test func `The segments are the lost ones byte for byte, and a record behind says so`() throws {
    let (files, books) = try Self.lost()
    let lost = files.snapshot
    try Self.restore([Self.text(try Self.lines(files))]) { outcome, restored in
      let names = try restored.names().sorted()
      #expect(names == lost.keys.sorted())
      for name in names {
        let bytes = try restored.read(name, at: 0, count: 1 << 20)
        if name != names.last { #expect(bytes == lost[name]) }
        #expect(bytes.starts(with: try #require(lost[name])))
      }
      var walk = try LedgerWalk(restored)
      var last: LedgerRecord?
      while let step = try walk.next() { last = try step.line.record(of: step.segment) }
      #expect(last?.body == .restore(Restore(firstSeq: 1, lastSeq: outcome.lastSeq)))
      #expect(last?.timeMs == 1_790_000_100_000)
    }
    // The clock of this machine is behind: time does not step back.
    try Self.restore([Self.text(try Self.lines(files))], wallMs: 5) { outcome, restored in
      var walk = try LedgerWalk(restored)
      var last: LedgerRecord?
      while let step = try walk.next() { last = try step.line.record(of: step.segment) }
      #expect(last?.timeMs == outcome.lastTimeMs)
    }
    #expect(books.writer.stop())
  }

  @Test func `What was shipped first may be gone: it begins at a checkpoint`() throws {
    let (files, books) = try Self.lost()
    let lines = try Self.lines(files)
    try Self.restore([Self.text(lines[5...])]) { outcome, restored in
      #expect(outcome.firstSeq > 6 && outcome.segmentCount == 3)
      #expect(outcome.leftOutCount == Int(outcome.firstSeq) - 6)
      try Self.same(restored, as: books)
    }
    #expect(books.writer.stop())
  }

  @Test func `Gaps are refused by their numbers, and so is what was changed`() throws {
    let (files, books) = try Self.lost()
    let lines = try Self.lines(files)
    #expect(books.writer.stop())
    let checkpoints = try Segment.list(files).map(\.firstSeq)
    let next = checkpoints.first { $0 > 25 }
    var missing = lines
    missing.removeSubrange(19...21)
    missing.remove(at: 8)
    #expect(throws: RestoreProblem.gaps([9...9, 20...22], next: checkpoints.first { $0 > 9 })) {
      try Self.restore([Self.text(missing)])
    }
    let twice: RestoreProblem = .gaps([25...25], next: next)
    #expect(throws: twice) {
      var changed = lines
      let at = try #require(changed[24].firstIndex(of: UInt8(ascii: "a")))
      changed[24][at] = UInt8(ascii: "b")
      try Self.restore([Self.text(changed)])
    }
    #expect(twice.description.contains("record 25; the first checkpoint behind is record"))
    // A good copy elsewhere is as good.
    var changed = lines
    changed[24][30] ^= 1
    try Self.restore([Self.text(changed), Self.text([lines[24]])])
    // The end may be missing: nobody can tell.
    try Self.restore([Self.text(lines.dropLast(3))]) { outcome, _ in
      #expect(outcome.lastSeq == Int64(lines.count - 3))
    }
  }

  @Test func `Records of several ledgers are told apart, and one is chosen`() throws {
    let (files, books) = try Self.lost(3)
    let (others, otherBooks) = try Self.lost(4, first: 500)
    let (lines, otherLines) = (try Self.lines(files), try Self.lines(others))
    // As two connections to one receiver mix them.
    var mixed: [[UInt8]] = []
    for index in 0..<max(lines.count, otherLines.count) {
      if index < lines.count { mixed.append(lines[index]) }
      if index < otherLines.count { mixed.append(otherLines[index]) }
    }
    let ids = [books, otherBooks].map(\.writer.identity.id)
    do {
      try Self.restore([Self.text(mixed)])
      Issue.record("refused")
    } catch {
      #expect(ids.allSatisfy { "\(error)".contains($0) } && "\(error)".contains("--ledger"))
    }
    #expect(throws: RestoreProblem.self) { try Self.restore([Self.text(mixed)], ledger: "x") }
    for (id, books) in zip(ids, [books, otherBooks]) {
      try Self.restore([Self.text(mixed)], ledger: id) { outcome, restored in
        #expect(outcome.ledgerID == id)
        try Self.same(restored, as: books)
      }
    }
    // A gap of the one is none of the other.
    let gap = mixed.filter { $0 != lines[10] }
    #expect(throws: RestoreProblem.self) { try Self.restore([Self.text(gap)], ledger: ids[0]) }
    try Self.restore([Self.text(gap)], ledger: ids[1])
    #expect(books.writer.stop() && otherBooks.writer.stop())
  }

  @Test func `Two processes that went on from one record are not joined`() throws {
    let (files, books) = try Self.lost(1)
    let lines = try Self.lines(files)
    #expect(books.writer.stop())
    let (one, other) = (MemoryFiles(files.snapshot), MemoryFiles(files.snapshot))
    for (copy, amount) in [(one, Int64(1)), (other, 2)] {
      let books = try TestBooks(copy, firstNumber: 100)
      try books.start()
      _ = books.admit(reserving: amount)
      #expect(books.writer.stop())
    }
    let both = [try Self.lines(one), try Self.lines(other)].map { Self.text($0) }
    #expect(throws: RestoreProblem.fork(Int64(lines.count + 2))) { try Self.restore(both) }
  }

  @Test func `Nothing that is there is written over`() throws {
    let (files, books) = try Self.lost(1)
    let content = Self.text(try Self.lines(files))
    #expect(books.writer.stop())
    let root = FileManager.default.temporaryDirectory.path + "/restore-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: root) }
    try FileManager.default.createDirectory(
      atPath: root + "/data/ledger", withIntermediateDirectories: true)
    try Data(content).write(to: URL(fileURLWithPath: root + "/shipped"))
    func run() throws(RestoreProblem) {
      _ = try LedgerRestore.run(
        from: [root + "/shipped"], ledger: nil, into: root + "/data", wallMs: 0)
    }
    // What an attempt that was killed left is no hindrance.
    try FileManager.default.createDirectory(
      atPath: root + "/data/ledger.restoring", withIntermediateDirectories: true)
    try Data([1]).write(
      to: URL(fileURLWithPath: root + "/data/ledger.restoring/" + Segment(firstSeq: 1).name))
    try run()
    #expect(throws: RestoreProblem.notEmpty(root + "/data/ledger")) { try run() }
    #expect(throws: RestoreProblem.noRecords) {
      try LedgerRestore.run(from: ["/dev/null"], ledger: nil, into: root + "/x", wallMs: 0)
    }
    #expect(throws: RestoreProblem.self) {
      try LedgerRestore.run(from: [root + "/nowhere"], ledger: nil, into: root + "/x", wallMs: 0)
    }
  }
}
