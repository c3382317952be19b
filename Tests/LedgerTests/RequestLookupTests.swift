import Bytes
import Ledger
import Terms
import Testing

/// Looking a request up without reading the whole ledger.
@Suite struct RequestLookupTests {
  private static let beginMs: Int64 = 1_790_000_000_000
  private static let envoyID = "0af76519-16cd-43dd-8448-eb211c80319c"

  /// Segments in memory, one after the other, as the writer makes them.
  private struct Made {
    var files: [String: [UInt8]] = [:]
    private var chain = Chain()
    private var seq: Int64 = 1
    private var segment = ""

    mutating func begin(_ timeMs: Int64) {
      segment = Segment(firstSeq: seq).name
      files[segment] = []
      add(timeMs, .checkpoint(Checkpoint(previousHash: chain.head, counters: [], open: [])))
    }

    mutating func add(_ timeMs: Int64, _ body: LedgerRecord.Body) {
      var line = LedgerRecord(seq: seq, timeMs: timeMs, body: body).encoded()
      chain.seal(&line)
      files[segment, default: []] += line
      seq += 1
    }
  }

  private func id(_ number: Int) -> String {
    let digits = String(number)
    return "req_" + String(repeating: "0", count: 26 - digits.count) + digits
  }

  private func admission(_ id: String, envoyID: String? = nil, deny: Bool = false)
    -> LedgerRecord.Body
  {
    .admission(
      Admission(
        requestID: id, decision: deny ? .deny : .allow, tenant: "t",
        reason: deny ? "rate_limit_exceeded" : nil, envoyRequestID: envoyID, policy: "p"))
  }

  private func completion(_ id: String) -> LedgerRecord.Body {
    .completion(Completion(requestID: id, usageSource: .none, endReason: .complete))
  }

  /// 10,000 exchanges, one each 10 ms; each ends 5 s later. A segment begins each 2,500.
  private static let made: [String: [UInt8]] = {
    var made = Made()
    let suite = RequestLookupTests()
    for number in 0..<10_000 {
      let now = beginMs + Int64(number) * 10
      if number % 2_500 == 0 { made.begin(now) }
      made.add(
        now, suite.admission(suite.id(number), envoyID: number == 9_000 ? envoyID : nil))
      if number >= 500 { made.add(now, suite.completion(suite.id(number - 500))) }
    }
    made.add(beginMs + 100_000, suite.admission(suite.id(10_000), deny: true))
    made.add(
      beginMs + 101_000,
      .denials(
        Denials(
          tenant: "t", reason: "r", count: 9, sinceMs: beginMs + 100_000,
          requestIDs: [suite.id(10_001)])))
    return made.files
  }()

  private func run(_ id: String, _ madeMs: Int64?) throws -> (
    types: [String], RequestLookup, read: Int
  ) {
    let files = CountingFiles(Self.made)
    let lookup = try RequestLookup.run(files, id: id, madeMs: madeMs)
    return (lookup.found.map(\.record.type), lookup, files.bytesRead)
  }

  @Test(arguments: [0, 499, 1_999, 2_000, 2_499, 2_500, 4_999, 6_250, 9_499])
  func `an exchange is found wherever it is, also where it ends in the next segment`(
    number: Int
  ) throws {
    let (types, lookup, read) = try run(id(number), Self.beginMs + Int64(number) * 10)
    #expect(types == ["admission", "completion"])
    #expect(lookup.isComplete)
    #expect(read < 4 << 20, "\(read)")
  }

  @Test func `one that has not ended has its admission`() throws {
    let (types, lookup, _) = try run(id(9_900), Self.beginMs + 99_000)
    #expect(types == ["admission"])
    #expect(lookup.isComplete)
  }

  @Test func `a refusal is found, one that was only counted too`() throws {
    #expect(try run(id(10_000), Self.beginMs + 100_000).types == ["admission"])
    #expect(try run(id(10_001), Self.beginMs + 100_000).types == ["denials"])
    let (types, lookup, _) = try run(id(99_999), Self.beginMs + 100_500)
    #expect(types.isEmpty)
    #expect(lookup.nearby.map(\.record.type) == ["denials"])
  }

  @Test func `an id whose time is long ago or to come stands nowhere`() throws {
    let times: [Int64] = [0, Self.beginMs - 1_000_000, Self.beginMs + 1_000_000, .max / 2]
    for madeMs in times {
      let (types, lookup, read) = try run(id(99_999), madeMs)
      #expect(types.isEmpty && lookup.nearby.isEmpty)
      #expect(lookup.isComplete)
      #expect(read < 4 << 20)
    }
  }

  @Test func `Envoy's id is found among the latest records`() throws {
    let (types, lookup, read) = try run(Self.envoyID, nil)
    #expect(types == ["admission", "completion"])
    #expect(lookup.isComplete == (Int64(read) < RequestLookup.bytesMax))
  }

  @Test func `without a ledger nothing is found, and damage hides nothing else`() throws {
    #expect(try RequestLookup.run(MemoryFiles(), id: id(1), madeMs: 0).found.isEmpty)
    var files = Self.made
    let first = try #require(files.keys.min())
    files[first]?.replaceSubrange(0..<40, with: Array(repeating: 0x78, count: 40))
    let lookup = try RequestLookup.run(
      MemoryFiles(files), id: id(1_000), madeMs: Self.beginMs + 10_000)
    #expect(lookup.found.map(\.record.type) == ["admission", "completion"])
  }

  @Test func `it reads no more than its bound`() throws {
    var made = Made()
    made.begin(Self.beginMs)
    // An exchange that has not ended, and much behind it.
    made.add(Self.beginMs, admission(id(0)))
    let filler = completion(id(1))
    for _ in 0..<60_000 { made.add(Self.beginMs, filler) }
    let files = CountingFiles(made.files)
    #expect(Int64(files.size) > RequestLookup.bytesMax)
    let lookup = try RequestLookup.run(files, id: id(0), madeMs: Self.beginMs)
    #expect(lookup.found.map(\.record.type) == ["admission"])
    #expect(!lookup.isComplete)
    #expect(Int64(files.bytesRead) < RequestLookup.bytesMax + (2 << 20))
  }
}

/// Counts what is read.
private final class CountingFiles: LedgerFiles, @unchecked Sendable {
  private let files: MemoryFiles
  private(set) var bytesRead = 0
  let size: Int

  init(_ files: [String: [UInt8]]) {
    self.files = MemoryFiles(files)
    size = files.values.map(\.count).reduce(0, +)
  }

  func names() throws(LedgerFault) -> [String] { try files.names() }
  func size(_ name: String) throws(LedgerFault) -> Int64 { try files.size(name) }
  func read(_ name: String, at offset: Int64, count: Int) throws(LedgerFault) -> [UInt8] {
    let bytes = try files.read(name, at: offset, count: count)
    bytesRead += bytes.count
    return bytes
  }
  func create(_ name: String) throws(LedgerFault) -> any LedgerFile { try files.create(name) }
  func rename(_ name: String, to newName: String) throws(LedgerFault) {
    try files.rename(name, to: newName)
  }
  func remove(_ name: String) throws(LedgerFault) { try files.remove(name) }
  func synchronizeNames() throws(LedgerFault) { try files.synchronizeNames() }
}
