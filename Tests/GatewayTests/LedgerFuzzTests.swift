import Books
import Bytes
import Foundation
import Inference
import Ledger
import Policy
import Quota
import Terms
import Testing

@testable import Gateway

/// Whatever the files of a ledger say, the process says what is wrong with them, or goes on; it never
/// ends by itself.
///
/// `Tests/Fuzz/ledgers` runs many more rounds.
@Suite(.timeLimit(.minutes(60))) struct LedgerFuzzTests {
  private static let policyText = """
    {
      version: 1,
      timezone: "Europe/Berlin",
      auth: { api_key_headers: ["authorization"] },
      classes: { interactive: { max_concurrent: 9 } },
      limits: [{ name: "all", requests: 500, per: "minute" }],
      models: {
        "llama": { class: "interactive", max_output_tokens: 100, stream_usage: "as_asked",
          price_usd_per_million: { prompt: 1, completion: 2 }, routes: [{ name: "chat-v1" }] },
      },
      tenants: {
        "a": {
          hostnames: ["a.example.com"],
          keys: [{ id: "one", sha256: "\(keyDigest("key-one"))", subject: "s" }],
          allow: [{ paths: ["/v1/chat/completions"], models: ["llama"] }],
          limits: [
            { name: "rpm", requests: 300, per: "minute", scope: "subject" },
            { name: "tpd", tokens: 100000, per: "day" },
            { name: "usd", usd: 10, per: "month" }, { name: "parallel", concurrent: 20 },
          ],
        },
      },
    }
    """

  private static var settings: LedgerSettings {
    var settings = LedgerSettings()
    settings.retryDelay = .milliseconds(1)
    return settings
  }

  private let policy: PolicySnapshot
  private let limits: PolicyLimits
  private let clock = TestClock()

  init() throws {
    policy = try TestGateway.load(Self.policyText)
    limits = PolicyLimits(policy)
  }

  private func open(
    _ files: FuzzFiles, repairs: Bool = false
  ) throws(Books.Problem) -> Books {
    let clock = clock
    return try Books.open(
      files, Books.Settings(directory: "", ledger: Self.settings, repairs: repairs), limits,
      clock: Books.Clock(wallMs: { clock.nowMs }, monotonicMs: { clock.nowMs }),
      event: ProcessEvent(policy: "p", version: "v"), stateChanged: { _ in }
    ).books
  }

  private func admit(_ books: Books, _ id: String, subject: String = "s") throws -> OpenAdmission? {
    let tenant = try #require(policy.tenants.first)
    let answer = books.admit(
      AdmissionRequest(
        limits: limits.set(tenant: tenant, keyIndex: 0, model: policy.models.first),
        caller: Caller(tenant: "a", keyID: "one", subject: subject),
        size: RequestSize(
          model: "llama", textBytes: 400, arrayNumbers: 0, choices: 1, statedBound: 50,
          maxOutputTokens: 100, writesOutput: true),
        prices: limits.prices(ofModel: "llama"), isMetered: true,
        record: Admission(
          requestID: id, decision: .allow, tenant: "a", subject: subject, keyID: "one",
          hostname: "a.example.com", route: "/v1/chat/completions", model: "llama",
          modelRoute: "chat-v1", policy: "p")))
    if case .admitted(let open, _) = answer { return open }
    return nil
  }

  /// A ledger with records of every kind, in three segments; two exchanges are open.
  private func original() throws -> [String: [UInt8]] {
    let files = FuzzFiles()
    let books = try open(files)
    var usage = MeteredUsage()
    usage.source = .reported
    usage.prompt = 90
    usage.completion = 20
    for round in 0..<3 {
      for index in 0..<3 {
        let open = try #require(try admit(books, "req_\(round)_\(index)", subject: "s\(index)"))
        clock.advance(ms: 40)
        if index == 2, round > 0 { continue }
        _ = books.settle(
          open, as: .backendAnswer(status: 200, isWhole: true), metered: usage, backend: "b:1")
      }
      books.deny(
        Admission(requestID: "no_\(round)", decision: .deny, tenant: "a", reason: "no", policy: "p")
      )
      books.recordDrop(Drop(target: "t", firstSeq: 1, lastSeq: 2))
      guard round < 2 else { continue }
      let count = books.ledgerStatistics?.segmentCount
      if round == 0 {
        books.rotate()
      } else {
        books.use(limits, ProcessEvent(policy: "q", version: "v"))
      }
      while books.ledgerStatistics?.segmentCount == count { usleep(100) }
    }
    #expect(books.ledger?.flush() == true)
    let snapshot = files.snapshot
    #expect(books.close(ProcessEvent(policy: "p", version: "v")))
    return snapshot
  }

  /// All that reads a ledger.
  private func read(_ files: FuzzFiles) {
    let verification = Verification.run(files)
    _ = verification.problem?.description
    var usage = [
      UsageReading(
        by: UsageReport.Dimension.allCases, sinceMs: clock.nowMs, untilMs: nil, days: .utc),
      UsageReading(by: [.key, .month], sinceMs: nil, untilMs: nil, days: .utc),
    ]
    _ = try? LedgerDirectory.newest(files)
    let replay = PolicyReplay(policy)
    var filter = RecordFilter()
    filter.sinceMs = clock.nowMs
    if var walk = try? LedgerWalk(files) {
      while let step = try? walk.next() {
        guard let record = try? step.line.record(of: step.segment) else { continue }
        _ = record.encoded()
        _ = filter.matches(record)
        _ = UTCTime.string(record.timeMs)
        for index in usage.indices { usage[index].add(record) }
        replay.apply(record)
      }
    }
    for row in usage.flatMap(\.report.rows) { _ = row.totals.costNanodollars.map(Dollars.text) }
    _ = replay.report.rows
    var tail = LedgerTail(files, from: 1)
    if let last = try? Segment.list(files).last {
      let end = LedgerEnd(seq: verification.lastSeq ?? 0, segment: last)
      while (try? tail.next(upTo: end)) ?? nil != nil {}
    }
  }

  /// Opens the books, uses them and closes them; or says why not.
  private func use(_ files: FuzzFiles, repairs: Bool) -> Books.Problem? {
    do throws(Books.Problem) {
      let books = try open(files, repairs: repairs)
      for subject in ["s0", "s1", "z"] {
        if let open = (try? admit(books, "new_\(subject)_\(repairs)", subject: subject)) ?? nil {
          _ = books.settle(open, as: .noAnswer)
        }
      }
      clock.advance(ms: 61_000)
      _ = books.limitStates(ofTenants: ["a"])
      _ = books.globalLimitStates()
      _ = books.state
      books.use(limits, ProcessEvent(policy: "q", version: "v"))
      _ = books.close(ProcessEvent(policy: "p", version: "v"))
      return nil
    } catch {
      _ = error.description
      return error
    }
  }

  private static func number(_ name: String, else standard: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
  }

  @Test func `a ledger that says anything at all ends no process`() throws {
    let original = try original()
    let first = Self.number("TOLLGATE_FUZZ_SEED", else: 1)
    let rounds = Self.number("TOLLGATE_FUZZ_ROUNDS", else: 200)
    let names = ProcessInfo.processInfo.environment["TOLLGATE_FUZZ_ROUNDS"] != nil
    var opened = 0
    for seed in first..<first + rounds {
      var mutation = try LedgerMutation(original, seed: UInt64(seed))
      mutation.damage()
      if names { print("seed \(seed): \(mutation.steps)") }
      let files = mutation.files()
      read(FuzzFiles(files))
      switch use(FuzzFiles(files), repairs: false) {
      case nil: opened += 1
      case .ledger?:
        let repaired = FuzzFiles(files)
        #expect(use(repaired, repairs: true) == nil, "seed \(seed): \(mutation.steps)")
        #expect(use(repaired, repairs: false) == nil, "seed \(seed): it starts again")
        read(repaired)
      case let problem?: Issue.record("seed \(seed): \(problem)")
      }
    }
    #expect(opened > rounds / 10, "some damage is none to the chain and to the records")
  }

  @Test func `records of several segments in one are taken as what they are`() throws {
    let original = try original()
    let separate = FuzzFiles(original)
    var mutation = try LedgerMutation(original, seed: 1)
    mutation.joinSegments()
    let joined = FuzzFiles([
      "00000000000000000001.jsonl": mutation.files(renumbering: true).values.first!
    ])
    #expect(joined.snapshot.count == 1)
    #expect(Verification.run(joined).problem == nil)
    let states = try [separate, joined].map { files -> [CounterState] in
      let books = try open(files)
      defer { #expect(books.close(ProcessEvent(policy: "p", version: "v"))) }
      return books.state.counters.sorted { $0.counter < $1.counter }
    }
    #expect(!states[0].isEmpty)
    #expect(states[0] == states[1])
  }

  @Test func `a checkpoint whose previous hash is another is damage, wherever it stands`() throws {
    let original = try original()
    var mutation = try LedgerMutation(original, seed: 1)
    mutation.joinSegments()
    let whole = try #require(mutation.files(renumbering: true).values.first)
    let lines = whole.split(separator: UInt8(ascii: "\n")).map { Array($0) }
    let place = try #require(
      lines.indices.dropFirst().first { RecordHead(line: lines[$0])?.type == "checkpoint" })
    var bytes: [UInt8] = []
    var chain = Chain()
    for (index, line) in lines.enumerated() {
      var text = String(decoding: line.dropLast(",\"hash\":\"".count + 64 + 2), as: UTF8.self)
      if index == place { text = text.replacing(chain.head.hex, with: Chain.origin.hex) }
      var sealed = Array(text.utf8)
      chain.seal(&sealed)
      bytes += sealed
    }
    let offset = lines[..<place].reduce(0) { $0 + $1.count + 1 }
    let problem = LedgerProblem.damaged(
      file: "00000000000000000001.jsonl", offset: Int64(offset), .previousHash)
    let files = FuzzFiles(["00000000000000000001.jsonl": bytes])
    #expect(Verification.run(files).problem == problem)
    #expect(throws: problem) { try Recovery.run(files) { _ in } }
  }

  @Test func `counters that no table wrote are named by file and offset, and a repair goes on`()
    throws
  {
    let original = try original()
    let name = try #require(original.keys.max())
    var mutation = try LedgerMutation(original, seed: 1)
    mutation.breakLastCheckpoint()
    let files = FuzzFiles(mutation.files(renumbering: true))
    guard
      case .ledger(.damaged(let file, 0, .record(.wrongValue("counters"))))? = use(
        files, repairs: false)
    else {
      Issue.record("the start says where")
      return
    }
    #expect(file == name)
    #expect(use(files, repairs: true) == nil)
    #expect(Verification.run(files).problem == nil)
  }
}
