import Foundation
import Terms
import Testing

@testable import Ledger

/// A ledger has an id, and counts its starts.
struct IdentityTests {
  /// Starts the ledger, and ends it in order.
  private func start(
    _ files: MemoryFiles, repairing: Bool = false
  ) throws -> LedgerIdentity {
    let books = try TestBooks(files, repairing: repairing)
    try books.start()
    defer { _ = books.writer.stop() }
    return books.writer.identity
  }

  @Test func `the first start makes the id, each start counts`() throws {
    let files = MemoryFiles()
    let first = try start(files)
    #expect(first.isWellFormed && first.start == 1)
    let second = try start(files)
    #expect((second.id, second.start) == (first.id, 2))
    #expect(try start(files).start == 3)
    #expect(try start(MemoryFiles()).id != first.id)
  }

  @Test func `id and number are on disk in the checkpoint when the start returns`() throws {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    defer { _ = books.writer.stop() }
    let outcome = try Recovery.run(files) { _ in }
    #expect(outcome.identity == books.writer.identity)
  }

  @Test func `another number counts when it is on disk, and the next start goes on from it`() throws
  {
    let files = MemoryFiles()
    let books = try TestBooks(files)
    try books.start()
    let id = books.writer.identity.id
    #expect(books.writer.renumber(to: 7))
    #expect(books.writer.identity == LedgerIdentity(id: id, start: 7))
    #expect(try Recovery.run(files) { _ in }.identity == books.writer.identity)
    #expect(books.writer.renumber(to: 7))
    #expect(!books.writer.renumber(to: 6))
    #expect(!books.writer.renumber(to: .max))
    #expect(books.writer.stop())
    #expect(try start(files) == LedgerIdentity(id: id, start: 8))
  }

  @Test func `after the last number there is a new id`() {
    let last = LedgerIdentity(
      id: String(repeating: "a", count: 32), start: LedgerIdentity.startMax)
    #expect(last.isWellFormed && last.next.start == 1 && last.next.id != last.id)
  }

  @Test(
    arguments: [
      ("a", 1), (String(repeating: "A", count: 32), 1), (String(repeating: "g", count: 32), 1),
      (String(repeating: "a", count: 32), 0), (String(repeating: "a", count: 32), -1),
      (String(repeating: "a", count: 32), 1 << 53), (String(repeating: "a", count: 33), 1),
    ] as [(String, Int64)])
  func `what no ledger can have is refused`(id: String, start: Int64) throws {
    var line = LedgerRecord(
      seq: 1, timeMs: 0,
      body: .start(
        ProcessEvent(
          policy: "p", version: "v", identity: LedgerIdentity(id: id, start: start)))
    ).encoded()
    var chain = Chain()
    chain.seal(&line)
    line.removeLast()
    #expect(throws: RecordProblem.wrongValue("ledger_id")) { try LedgerRecord(line: line) }
  }

  @Test func `a record of the store is read as it was written`() throws {
    let one = LedgerIdentity(id: String(repeating: "a", count: 32), start: 1)
    var amounts = StoreAmounts()
    amounts.add(9, .tokens)
    amounts.add(40_000_000, .usd)
    let events = [
      StoreEvent(.joined), StoreEvent(.fenced, by: [one]), StoreEvent(.lost, partitions: [0, 63]),
      StoreEvent(.returned, partitions: [5]),
      StoreEvent(
        .opened, partitions: [1], by: Array(repeating: one, count: 100), missing: [one],
        bound: amounts),
      StoreEvent(.opened, partitions: [1], bound: StoreAmounts(), isFirst: true),
    ]
    #expect(events[4].by.count == StoreEvent.identitiesMax)
    for event in events {
      var line = LedgerRecord(seq: 1, timeMs: 0, body: .store(event)).encoded()
      var chain = Chain()
      chain.seal(&line)
      line.removeLast()
      #expect(try LedgerRecord(line: line).body == .store(event))
    }
  }

  @Test(arguments: [
    "9", #"["tokens"]"#, #"["tokens/x"]"#, #"["tokens/1","tokens/2"]"#, #"["usd/1","tokens/2"]"#,
    #"["tokens/0"]"#, #"["words/3"]"#, "[3]",
  ]) func `a bound that was not written so is no bound`(text: String) throws {
    var bound = StoreAmounts()
    bound.add(3, .tokens)
    let body = LedgerRecord.Body.store(StoreEvent(.opened, bound: bound))
    let written = String(
      decoding: LedgerRecord(seq: 1, timeMs: 0, body: body).encoded(), as: UTF8.self)
    #expect(written.contains(#"["tokens/3"]"#))
    var line = Array(written.replacing(#"["tokens/3"]"#, with: text).utf8)
    var chain = Chain()
    chain.seal(&line)
    line.removeLast()
    #expect(throws: RecordProblem.wrongValue("bound")) { try LedgerRecord(line: line) }
  }
}
