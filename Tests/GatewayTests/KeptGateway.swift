import Books
import Foundation
import Ledger
import Metrics
import Policy
import Terms
import Testing
import Transport

@testable import Gateway

/// A clock that stands until it is set.
final class TestClock: @unchecked Sendable {
  private let lock = NSLock()
  private var ms: Int64 = testNowSeconds * 1000

  var nowMs: Int64 { lock.withLock { ms } }
  func advance(ms: Int64) { lock.withLock { self.ms += ms } }
}

/// What the ledger's thread says, until a loop hears it.
final class NewsBox: @unchecked Sendable {
  private let condition = NSCondition()
  private var news: [Books.RecordOutcome] = []
  private var state = LedgerState.writable

  func put(_ one: Books.RecordOutcome) {
    condition.withLock {
      news.append(one)
      condition.broadcast()
    }
  }

  /// The next one, which is waited for.
  func next() -> Books.RecordOutcome {
    condition.withLock {
      wait { !news.isEmpty }
      return news.removeFirst()
    }
  }

  func set(_ state: LedgerState) {
    condition.withLock {
      self.state = state
      condition.broadcast()
    }
  }

  /// Waits until the ledger was said to be writable and is: what is said of it comes a little later
  /// than what becomes of records.
  func waitUntilWritable(_ ledgerState: () -> LedgerState) {
    condition.withLock { wait { state == .writable && ledgerState() == .writable } }
  }
  func waitUntilUnavailable() { condition.withLock { wait { state != .writable } } }

  private func wait(_ isDone: () -> Bool) {
    let end = Date(timeIntervalSinceNow: 60)
    while !isDone() {
      precondition(condition.wait(until: end), "the ledger says nothing")
    }
  }
}

/// A gateway that keeps real books, in memory.
final class KeptGateway {
  let files: GatedFiles
  let news = NewsBox()
  let clock: TestClock
  let books: Books
  let found: Books.Found
  let gateway: TestGateway
  let metrics = MetricsRegistry()
  private(set) var limits: PolicyLimits

  init(
    _ policy: String, files: GatedFiles = GatedFiles(), durability: Durability = .durable,
    clock: TestClock = TestClock(), seed: UInt64 = 1, ledgerBytesMax: Int64? = nil,
    limits transportLimits: TransportLimits = TransportLimits(), responseIDs: ResponseIDs? = nil
  ) throws {
    self.files = files
    self.clock = clock
    let snapshot = try TestGateway.load(policy)
    limits = PolicyLimits(snapshot)
    var settings = LedgerSettings()
    settings.durability = durability
    settings.ledgerBytesMax = ledgerBytesMax
    settings.retryDelay = .milliseconds(1)
    let news = news
    (books, found) = try Books.open(
      files, Books.Settings(directory: "", ledger: settings), limits,
      clock: Books.Clock(wallMs: { clock.nowMs }, monotonicMs: { clock.nowMs }),
      event: ProcessEvent(policy: "p", version: "v"), stateChanged: { news.set($0) },
      committed: metrics.record(commitNanoseconds:))
    books.onOutcome { news.put($0) }
    gateway = TestGateway(
      snapshot, limits: transportLimits, books: books, policyLimits: limits,
      metrics: metrics.makeLoop(), news: news,
      responseIDs: responseIDs, seed: seed, clock: clock)
  }

  func waitUntilWritable() { news.waitUntilWritable { books.ledgerState } }

  func process() -> TestStream { gateway.process() }

  func reload(_ policy: String) throws {
    let snapshot = try TestGateway.load(policy)
    limits = PolicyLimits(snapshot)
    books.use(limits, ProcessEvent(policy: "p2", version: "v"))
    gateway.loop.use(snapshot, limits: limits)
  }

  /// Ends the process well and reads everything that counts.
  func close() throws -> [LedgerRecord] {
    #expect(books.close(ProcessEvent(policy: "p", version: "v")))
    return try Self.records(files)
  }

  static func records(_ files: GatedFiles) throws -> [LedgerRecord] {
    var records: [LedgerRecord] = []
    var walk = try LedgerWalk(files)
    while let step = try walk.next() { records.append(try step.line.record(of: step.segment)) }
    return records
  }

  /// A counter's field now; 0 where it is as good as new.
  func count(_ counter: String, _ field: String) -> Int64 {
    books.state.counters.first { $0.counter == counter }?[field] ?? 0
  }
}

extension [LedgerRecord] {
  var completions: [Completion] {
    compactMap { if case .completion(let completion) = $0.body { completion.value } else { nil } }
  }

  var admissions: [Admission] {
    compactMap { record in
      guard case .admission(let admission) = record.body, admission.value.decision == .allow else {
        return nil
      }
      return admission.value
    }
  }

  /// Refusals recorded singly and in sums.
  var denialCount: Int {
    denials.count
      + reduce(0) { sum, record in
        guard case .denials(let flood) = record.body else { return sum }
        return sum + Int(flood.count)
      }
  }

  var denials: [Admission] {
    compactMap { record in
      guard case .admission(let admission) = record.body, admission.value.decision == .deny else {
        return nil
      }
      return admission.value
    }
  }
}

/// The policy of these tests: limits that last for the day, so that nothing refills on the way.
/// Prices in nano-dollars a token: prompt 1,000, cached 500, completion 2,000; 7,000 a request.
func keptPolicy(
  requests: Int = 1000, tokens: Int = 10_000_000, concurrent: Int = 1000,
  streamUsage: String = "as_asked", enforceAt: String = "ext_proc", priced: Bool = true,
  tokensPerHour: Int? = nil
) -> String {
  let prices =
    priced
    ? """
    price_usd_per_million: { prompt: 1, cached_prompt: 0.5, completion: 2 },
    price_usd_per_request: 0.000007,
    """ : ""
  let money = priced ? #"{ name: "usd", usd: 500, per: "month" },"# : ""
  let hourly = tokensPerHour.map { #"{ name: "tph", tokens: \#($0), per: "hour" },"# } ?? ""
  let slots =
    enforceAt == "ext_proc" ? #"{ name: "parallel", concurrent: \#(concurrent) },"# : ""
  return """
    {
      version: 1,
      enforce_at: "\(enforceAt)",
      auth: { api_key_headers: ["authorization"] },
      classes: { interactive: { streaming: true } },
      models: {
        "llama": { class: "interactive", max_output_tokens: 100, stream_usage: "\(streamUsage)",
          \(prices) routes: [{ name: "chat-v1" }] },
      },
      tenants: {
        "tenant-a": {
          hostnames: ["a.example.com"],
          keys: [{ id: "one", sha256: "\(keyDigest("key-one"))", subject: "svc:one" }],
          allow: [
            { paths: ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens",
              "/v1/moderations", "/v1/embeddings"], models: ["llama"] },
            { paths: ["/files"], route: "files-v1" },
          ],
          limits: [
            { name: "rpd", requests: \(requests), per: "day" },
            { name: "tpd", tokens: \(tokens), per: "day" },
            \(money) \(hourly) \(slots)
          ],
        },
      },
    }
    """
}
