import Inference
import Ledger
import Quota
import Terms
import Testing

@testable import Books

/// A backend that reports more than its request can have used.
@Suite(.timeLimit(.minutes(2))) struct UsageCapTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var stated: Int?
    var maximum: Int?
    var context: Int?
    var choices = 1
    var prompt = 10
    var completion = 0
    let charged: (prompt: Int, completion: Int)
    var testDescription: String {
      "stated \(stated ?? 0), maximum \(maximum ?? 0), context \(context ?? 0), \(choices) choices, "
        + "reported \(prompt) and \(completion)"
    }
  }

  static let rows: [Row] = [
    // At the cap and one over: what the request states comes first.
    Row(stated: 50, maximum: 4096, completion: 100, charged: (10, 100)),
    Row(stated: 50, maximum: 4096, completion: 101, charged: (10, 100)),
    Row(stated: 50, maximum: 4096, completion: 4_000_000_000, charged: (10, 100)),
    Row(stated: 50, maximum: 4096, choices: 3, completion: 1 << 31, charged: (10, 300)),
    Row(stated: 1 << 31, choices: 128, completion: .max, charged: (10, 1 << 39)),
    // Else what the model writes.
    Row(maximum: 4096, completion: 8192, charged: (10, 8192)),
    Row(maximum: 4096, completion: 8193, charged: (10, 8192)),
    Row(maximum: 4096, choices: 64, completion: 1 << 31, charged: (10, 4096 * 2 * 64)),
    // Else what it reads.
    Row(context: 1000, completion: 2000, charged: (10, 2000)),
    Row(context: 1000, completion: 2001, charged: (10, 2000)),
    Row(completion: 4_000_000, charged: (10, 4_000_000)),
    Row(completion: 4_000_001, charged: (10, 4_000_000)),
    Row(stated: 50, context: 1000, prompt: 1000, charged: (1000, 0)),
    Row(stated: 50, context: 1000, prompt: 1001, completion: 3, charged: (1000, 3)),
    Row(maximum: 50, prompt: 2_000_001, completion: .max, charged: (2_000_000, 100)),
    Row(maximum: 50, prompt: .max, completion: .max, charged: (2_000_000, 100)),
  ]

  private static func open(_ row: Row) -> OpenAdmission {
    let catalog = LimitCatalog(rules: [])
    var table = QuotaTable(catalog)
    let caller = Caller(tenant: "a", keyID: nil, subject: "s")
    let size = RequestSize(
      model: "m", textBytes: 40, arrayNumbers: 0, choices: row.choices, statedBound: row.stated,
      maxOutputTokens: row.maximum, contextTokens: row.context, writesOutput: true)
    guard
      case .admitted(let reservation) = table.reserve(
        catalog.set([]), caller: caller, demand: size.demand(by: TokenEstimator(), nil), now: 0)
    else { preconditionFailure("no limit refuses") }
    var record = Admission(requestID: "id", decision: .allow, model: "m", policy: "p")
    record.modelRoute = "r"
    record.estimatedPromptTokens = reservation.demand.promptTokens
    record.reservedCompletionTokens = reservation.demand.completionTokens
    let open = OpenAdmission(
      AdmissionRequest(
        limits: catalog.set([]), caller: caller, size: size,
        prices: Prices(promptNanos: 1, completionNanos: 1, perRequestNanos: 0), isMetered: true,
        record: record),
      seq: 1, timeMs: 0, reservation)
    open.take()?.leaveToRecovery()
    return open
  }

  private static func reported(_ prompt: Int, _ completion: Int) -> MeteredUsage {
    var usage = MeteredUsage()
    usage.source = .reported
    usage.prompt = prompt
    usage.completion = completion
    usage.total = Int(clamping: Int128(prompt) + Int128(completion))
    return usage
  }

  @Test(arguments: rows)
  func `what is beyond the cap is disputed and not charged, live and from the record`(row: Row) {
    let open = Self.open(row)
    let outcome = Ending.backendAnswer(status: 200, isWhole: true).outcome(
      of: open, metered: Self.reported(row.prompt, row.completion), by: TokenEstimator())
    let charged = row.charged
    #expect(
      outcome.settlement
        == .used(
          Usage(
            promptTokens: Int64(charged.prompt), completionTokens: Int64(charged.completion),
            nanoDollars: Int64(charged.prompt + charged.completion))))
    let completion = Completion(of: open.record.value, outcome)
    #expect(completion.promptTokens == Int64(charged.prompt))
    #expect(completion.completionTokens == Int64(charged.completion))
    #expect(completion.totalTokens == Int64(charged.prompt + charged.completion))
    let beyond = DisputedUsage(
      promptTokens: Int64(row.prompt - charged.prompt),
      completionTokens: Int64(row.completion - charged.completion))
    #expect(completion.disputed == (beyond.tokens == 0 ? nil : beyond))
    // A replay, which does not know the request's size, charges the same again.
    var request = open.request
    request.size = nil
    let again = OpenAdmission(request, seq: 1, timeMs: 0, QuotaTable.reservationOfNothing())
    again.take()?.leaveToRecovery()
    let replayed = Ending(of: completion).outcome(
      of: again, metered: MeteredUsage(of: completion), by: TokenEstimator())
    #expect(replayed.settlement == outcome.settlement)
  }

  @Test func `the parts never exceed what is left of their whole`() {
    var usage = Self.reported(4_000_000_000, 4_000_000_000)
    usage.cachedPrompt = 1_500_000
    usage.cacheWritePrompt = 3_000_000_000
    usage.reasoning = 3_999_999_000
    let open = Self.open(Row(stated: 50, charged: (0, 0)))
    let used = Ending.backendAnswer(status: 200, isWhole: true).outcome(
      of: open, metered: usage, by: TokenEstimator()
    ).usage
    #expect(used.prompt == 2_000_000 && used.completion == 100 && used.total == 2_000_100)
    #expect(used.cachedPrompt == 1_500_000 && used.cacheWritePrompt == 500_000)
    #expect(used.reasoning == 100)
  }

  @Test func `an estimate is cut likewise, but nobody disputes it`() {
    var usage = MeteredUsage()
    usage.source = .estimated
    usage.outputBytesAfterUsage = 1 << 20
    let outcome = Ending.backendAnswer(status: 200, isWhole: false).outcome(
      of: Self.open(Row(stated: 50, charged: (0, 0))), metered: usage, by: TokenEstimator())
    #expect(outcome.usage.completion == 100 && outcome.usage.total == 110)
    #expect(outcome.disputed == nil)
  }

  @Test func `one answer of four billion tokens empties no month, and teaches nothing`() throws {
    let test = try TestBooks(durability: .relaxed)
    let open = try test.open("one")
    let completion = try #require(
      test.books.settle(
        open, as: .backendAnswer(status: 200, isWhole: true),
        metered: Self.reported(100, 4_000_000_000)))
    #expect(completion.completionTokens == 100)
    #expect(completion.disputed == .init(promptTokens: 0, completionTokens: 3_999_999_900))
    #expect(test.counter("tenant/a/tpd") == ["used": 200])
    #expect(test.books.state.estimates == [])
    #expect(test.close())
    #expect(try test.records().contains(.completion(completion)))
  }
}

extension QuotaTable {
  /// A reservation in no limit.
  fileprivate static func reservationOfNothing() -> Reservation {
    let catalog = LimitCatalog(rules: [])
    var table = QuotaTable(catalog)
    let caller = Caller(tenant: "a", keyID: nil, subject: "s")
    let demand = Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
    guard
      case .admitted(let reservation) = table.reserve(
        catalog.set([]), caller: caller, demand: demand, now: 0)
    else { preconditionFailure("no limit refuses") }
    return reservation
  }
}
