import Foundation
import Inference
import Ledger
import Policy
import Quota
import Terms
import Testing

@testable import Books

/// Books over files in memory, with one tenant, one model, and a clock that stands until it is moved.
final class TestBooks {
  static let startMs: Int64 = 1_790_000_000_000

  let files: GatedFiles
  let books: Books
  let found: Books.Found
  let limits: PolicyLimits
  private let policy: PolicySnapshot
  private let told = Told()

  /// What the ledger's thread tells, and the time that it reads.
  private final class Told: @unchecked Sendable {
    let condition = NSCondition()
    var outcomes: [Books.RecordOutcome] = []
    var tickets: [UInt64] = []
    var wakes = 0
    var nowMs = TestBooks.startMs
    /// What the wall clock says too much.
    var setMs: Int64 = 0

    func change(_ body: (Told) -> Void) {
      condition.withLock {
        body(self)
        condition.broadcast()
      }
    }

    func wait<Result>(_ body: () -> Result?) -> Result {
      condition.withLock {
        let end = Date(timeIntervalSinceNow: 60)
        while true {
          if let result = body() { return result }
          precondition(condition.wait(until: end), "the ledger's thread tells nothing")
        }
      }
    }
  }

  /// `afterMs` is added to both clocks, `clockSetByMs` to the wall clock alone.
  init(
    _ files: GatedFiles = GatedFiles(), durability: Durability = .durable,
    policy: String = TestBooks.policy, afterMs: Int64 = 0, clockSetByMs: Int64 = 0
  ) throws {
    self.files = files
    let (snapshot, problems) = PolicyLoader.load(
      [PolicySource(name: "p", bytes: Array(policy.utf8))], nowSeconds: Self.startMs / 1_000)
    self.policy = try #require(snapshot, "\(problems)")
    limits = PolicyLimits(self.policy)
    var settings = LedgerSettings()
    settings.durability = durability
    settings.retryDelay = .milliseconds(1)
    let told = told
    told.nowMs += afterMs
    told.setMs = clockSetByMs
    let clock: @Sendable () -> Int64 = { told.condition.withLock { told.nowMs } }
    let wall: @Sendable () -> Int64 = { told.condition.withLock { told.nowMs + told.setMs } }
    (books, found) = try Books.open(
      files, Books.Settings(directory: "", ledger: settings), limits,
      clock: Books.Clock(wallMs: wall, monotonicMs: clock),
      event: ProcessEvent(policy: "p", version: "v"),
      stateChanged: { _ in })
    books.onOutcome { outcome in told.change { $0.outcomes.append(outcome) } }
  }

  /// Limits that last for the day, so that nothing is refilled on the way. Prices in nano-dollars a
  /// token: prompt 1,000, completion 2,000.
  static let policy = """
    {
      version: 1,
      auth: { api_key_headers: ["authorization"] },
      classes: { interactive: {} },
      models: {
        "llama": { class: "interactive", max_output_tokens: 100, stream_usage: "as_asked",
          price_usd_per_million: { prompt: 1, completion: 2 }, routes: [{ name: "chat-v1" }] },
      },
      tenants: {
        "a": {
          hostnames: ["a.example.com"], keys: [],
          allow: [{ paths: ["/v1/chat/completions"], models: ["llama"] }],
          limits: [
            { name: "rpd", requests: 3, per: "day" }, { name: "tpd", tokens: 1000, per: "day" },
            { name: "usd", usd: 1, per: "month" }, { name: "parallel", concurrent: 2 },
          ],
        },
      },
    }
    """

  /// Asks for a request of 400 bytes of text and at most 50 tokens of output.
  func admit(_ requestID: String) throws -> Books.Answer {
    try admit(
      requestID, tenant: "a",
      RequestSize(
        model: "llama", textBytes: 400, arrayNumbers: 0, choices: 1, statedBound: 50,
        maxOutputTokens: 100, writesOutput: true))
  }

  /// Asks for a tenant's request of that size.
  func admit(_ requestID: String, tenant name: String, _ size: RequestSize) throws -> Books.Answer {
    let tenant = try #require(policy.tenants.first { $0.name.string == name })
    let model = try #require(policy.models.first { $0.name.string == size.model })
    return books.admit(
      AdmissionRequest(
        limits: limits.set(tenant: tenant, keyIndex: nil, model: model),
        caller: Caller(tenant: name, keyID: nil, subject: "s"), size: size,
        prices: limits.prices(ofModel: size.model), isMetered: true,
        record: Admission(
          requestID: requestID, decision: .allow, tenant: name, model: size.model,
          modelRoute: "chat-v1", policy: "p")))
  }

  /// The same where it must be admitted.
  func open(_ requestID: String) throws -> OpenAdmission {
    guard case .admitted(let open, _) = try admit(requestID) else {
      throw Refused(requestID: requestID)
    }
    return open
  }

  struct Refused: Error { let requestID: String }

  /// Tickets that wait no longer, as they were told.
  var storeTold: [UInt64] { told.condition.withLock { told.tickets } }

  /// Shares the limits, as `--store` does.
  func share(_ settings: SharingSettings = SharingSettings(), timeoutMs: Int64 = 50) {
    books.share(settings, timeoutMs: timeoutMs)
    let told = told
    books.onStatementsDue { told.change { $0.wakes += 1 } }
    books.onStoreOutcome { tickets in told.change { $0.tickets += tickets } }
  }

  /// How often the store's thread was woken.
  var wakes: Int { told.condition.withLock { told.wakes } }

  func advance(ms: Int64) { told.change { $0.nowMs += ms } }

  /// Somebody sets the wall clock.
  func setClock(byMs: Int64) { told.change { $0.setMs += byMs } }

  /// What the clocks have come to, for the next process.
  var nowMs: Int64 { told.condition.withLock { told.nowMs } }

  /// Waits until the record of an admission is said to be on disk.
  func waitUntilDurable(_ open: OpenAdmission) {
    told.wait {
      told.outcomes.contains {
        if case .durable(let seq) = $0 { seq >= open.seq } else { false }
      } ? () : nil
    }
  }

  /// Waits until admissions are said to have failed, and returns their numbers and `before`.
  func waitForFailure() -> (seqs: Set<Int64>, before: Int) {
    told.wait {
      for case .failed(let seqs, let before) in told.outcomes { return (seqs, before) }
      return nil
    }
  }

  /// Waits until the ledger takes admissions again.
  ///
  /// Asked of the books themselves: what is told of the state comes a little later than what is told of
  /// records. Not under `told`'s lock, which the clock takes under the books'.
  func waitUntilWritable() {
    let end = Date(timeIntervalSinceNow: 60)
    while books.ledgerState != .writable {
      precondition(Date.now < end, "the ledger does not come back")
      usleep(100)
    }
  }

  /// A counter's fields that are not 0, as a checkpoint would have them; nil where it would have none.
  func counter(_ name: String) -> [String: Int64]? {
    books.state.counters.first { $0.counter == name }.map { state in
      Dictionary(uniqueKeysWithValues: state.fields.map { ($0.name, $0.value) })
        .filter { ["used", "reserved", "held", "open"].contains($0.key) && $0.value != 0 }
    }
  }

  func close() -> Bool { books.close(ProcessEvent(policy: "p", version: "v")) }

  /// The content of every record on disk.
  func records() throws -> [LedgerRecord.Body] { try wholeRecords().map(\.body) }

  /// Every record on disk.
  func wholeRecords() throws -> [LedgerRecord] {
    var records: [LedgerRecord] = []
    var walk = try LedgerWalk(files)
    while let step = try walk.next() { records.append(try step.line.record(of: step.segment)) }
    return records
  }
}
