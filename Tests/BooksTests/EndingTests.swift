import Inference
import Ledger
import Policy
import Terms
import Testing

@testable import Books
@testable import Quota

/// What each ending is charged, and what stands on record of it: one rule for every exit.
struct EndingTests {
  private static let prices = Prices(promptNanos: 2, completionNanos: 5, perRequestNanos: 100)

  /// An admission of 40 prompt tokens (estimated) and at most 30 of output.
  private static func open(
    _ prices: Prices? = prices, isMetered: Bool = true, modelRoute: String? = "r",
    reservedNanos: Int64 = 0, size: RequestSize? = nil
  ) -> OpenAdmission {
    let catalog = LimitCatalog(rules: [])
    var table = QuotaTable(catalog)
    let caller = Caller(tenant: "a", keyID: nil, subject: "s")
    let demand = Demand(promptTokens: 40, completionTokens: 30, isBoundStated: true)
    guard
      case .admitted(let reservation) = table.reserve(
        catalog.set([]), caller: caller, demand: demand, now: 0)
    else { preconditionFailure("no limit refuses") }
    var record = Admission(requestID: "id", decision: .allow, policy: "p")
    record.modelRoute = modelRoute
    record.estimatedPromptTokens = 40
    record.reservedCompletionTokens = 30
    let open = OpenAdmission(
      AdmissionRequest(
        limits: catalog.set([]), caller: caller, size: size, prices: prices,
        isMetered: isMetered, record: record),
      seq: 1, timeMs: 0, reservedNanos: reservedNanos, reservation)
    open.take()?.leaveToRecovery()
    return open
  }

  @Test(arguments: [
    (Ending.noAnswer, MeteredUsage(), 40, 30),
    (.gatewayAnswer(status: 504), MeteredUsage(), 40, 30),
    (.backendAnswer(status: 200, isWhole: false), usage(.estimated, completion: 2), 40, 30),
    (.backendAnswer(status: 200, isWhole: true), usage(.reported, prompt: 7, completion: 9), 7, 9),
    (.backendAnswer(status: 500, isWhole: true), usage(.none), 0, 0),
    (.unreached(status: 503), usage(.none), 0, 0),
  ])
  func `work in the background goes on, whoever leaves, and is charged as reserved`(
    ending: Ending, metered: MeteredUsage, prompt: Int64, completion: Int64
  ) {
    let size = RequestSize(
      model: "m", textBytes: 160, arrayNumbers: 0, choices: 1, statedBound: 30,
      isBackground: true, maxOutputTokens: nil, writesOutput: true)
    let outcome = ending.outcome(
      of: Self.open(size: size), metered: metered, by: TokenEstimator())
    guard case .used(let used) = outcome.settlement else { return #expect(prompt == 0) }
    #expect((used.promptTokens, used.completionTokens) == (prompt, completion))
  }

  private static func usage(
    _ source: UsageSource, prompt: Int? = nil, completion: Int? = nil, unreadBytes: Int = 0
  ) -> MeteredUsage {
    var usage = MeteredUsage()
    usage.source = source
    usage.prompt = prompt
    usage.completion = completion
    usage.outputBytesAfterUsage = unreadBytes
    return usage
  }

  private static func failed(_ source: UsageSource) -> MeteredUsage {
    var failed = usage(source, unreadBytes: source == .none ? 0 : 8)
    failed.sawError = true
    return failed
  }

  private static let pending = {
    var pending = usage(.estimated)
    pending.isPending = true
    return pending
  }()

  private static func compressed(tokens: Int) -> MeteredUsage {
    var compressed = usage(.estimated)
    compressed.unread = .encoded
    compressed.unreadTokens = tokens
    return compressed
  }

  private static let seconds = {
    var seconds = usage(.reported)
    seconds.units[.seconds] = 11_000
    return seconds
  }()

  struct Row: Sendable, CustomTestStringConvertible {
    let ending: Ending
    var metered = MeteredUsage()
    var isMetered = true
    let settlement: Settlement
    let reason: Completion.EndReason
    var origin: Origin?
    var status: Int64?
    var source = UsageSource.none
    let nanos: Int64?

    var testDescription: String { "\(ending), \(metered.source), metered \(isMetered)" }
  }

  private static func used(_ prompt: Int64, _ completion: Int64, _ nanos: Int64) -> Settlement {
    .used(Usage(promptTokens: prompt, completionTokens: completion, nanoDollars: nanos))
  }

  static let rows: [Row] = [
    // Given back, but for the attempt: no backend was asked.
    Row(ending: .notReleased(status: nil), settlement: .nothing, reason: .cut, nanos: 0),
    Row(
      ending: .notReleased(status: 504), metered: usage(.reported, prompt: 1, completion: 1),
      settlement: .nothing, reason: .cut, status: 504, nanos: 0),
    Row(
      ending: .answeredHere, settlement: .requestOnly, reason: .complete, origin: .gateway,
      status: 200, nanos: 0),
    Row(
      ending: .unreached(status: 503), settlement: .nothing, reason: .failed, origin: .route,
      status: 503, nanos: 0),
    // Envoy's own answers behind which a backend may have worked: the estimate.
    Row(
      ending: .gatewayAnswer(status: 504), settlement: used(40, 0, 180), reason: .failed,
      origin: .route, status: 504, source: .estimated, nanos: 180),
    Row(
      ending: .gatewayAnswer(status: 504), isMetered: false, settlement: used(0, 0, 100),
      reason: .failed, origin: .route, status: 504, nanos: 100),
    Row(
      ending: .noAnswer, settlement: used(40, 0, 180), reason: .cut, source: .estimated,
      nanos: 180),
    Row(ending: .noAnswer, isMetered: false, settlement: used(0, 0, 100), reason: .cut, nanos: 100),
    // A backend's: as reported, or estimated from what was seen.
    Row(
      ending: .backendAnswer(status: 200, isWhole: true),
      metered: usage(.reported, prompt: 7, completion: 3), settlement: used(7, 3, 129),
      reason: .complete, origin: .backend, status: 200, source: .reported, nanos: 129),
    Row(
      ending: .backendAnswer(status: 200, isWhole: false),
      metered: usage(.estimated, unreadBytes: 8),
      settlement: used(40, 2, 190), reason: .cut, status: 200, source: .estimated, nanos: 190),
    Row(
      ending: .backendAnswer(status: 429, isWhole: true), settlement: .requestOnly,
      reason: .failed, origin: .backend, status: 429, nanos: 0),
    Row(
      ending: .backendAnswer(status: 500, isWhole: false), settlement: .requestOnly, reason: .cut,
      status: 500, nanos: 0),
    Row(
      ending: .backendAnswer(status: 500, isWhole: true),
      metered: usage(.reported, prompt: 7, completion: 3), settlement: used(7, 3, 129),
      reason: .failed, origin: .backend, status: 500, source: .reported, nanos: 129),
    Row(
      ending: .backendAnswer(status: 200, isWhole: true), settlement: used(0, 0, 100),
      reason: .complete, origin: .backend, status: 200, nanos: 100),
    // A 200 that is an error, from its beginning and later.
    Row(
      ending: .backendAnswer(status: 200, isWhole: true), metered: failed(.none),
      settlement: .requestOnly, reason: .failed, origin: .backend, status: 200, nanos: 0),
    Row(
      ending: .backendAnswer(status: 200, isWhole: false), metered: failed(.none),
      settlement: .requestOnly, reason: .failed, origin: .backend, status: 200, nanos: 0),
    Row(
      ending: .backendAnswer(status: 200, isWhole: true), metered: failed(.estimated),
      settlement: used(40, 2, 190), reason: .failed, origin: .backend, status: 200,
      source: .estimated, nanos: 190),
    // The work is done later, or its size cannot be seen: what was reserved, or more.
    Row(
      ending: .backendAnswer(status: 200, isWhole: true), metered: pending,
      settlement: used(40, 30, 330), reason: .complete, origin: .backend, status: 200,
      source: .estimated, nanos: 330),
    Row(
      ending: .backendAnswer(status: 200, isWhole: true), metered: compressed(tokens: 3),
      settlement: used(40, 30, 330), reason: .complete, origin: .backend, status: 200,
      source: .estimated, nanos: 330),
    Row(
      ending: .backendAnswer(status: 200, isWhole: false), metered: compressed(tokens: 31),
      settlement: used(40, 31, 335), reason: .cut, status: 200, source: .estimated, nanos: 335),
    // Seconds and the like: limits keep what was reserved. Without a price the cost is not known.
    Row(
      ending: .backendAnswer(status: 200, isWhole: true), metered: seconds,
      settlement: used(40, 30, 330), reason: .complete, origin: .backend, status: 200,
      source: .reported, nanos: nil),
    // Nothing of it is seen: what was reserved.
    Row(
      ending: .unobserved, settlement: used(40, 30, 330), reason: .complete, source: .estimated,
      nanos: 330),
    Row(
      ending: .interrupted, settlement: used(40, 0, 180), reason: .interrupted,
      source: .estimated, nanos: 180),
    Row(
      ending: .interrupted, isMetered: false, settlement: used(0, 0, 100), reason: .interrupted,
      nanos: 100),
  ]

  @Test(arguments: rows)
  func `an ending is charged by one rule`(row: Row) {
    let outcome = row.ending.outcome(
      of: Self.open(isMetered: row.isMetered), metered: row.metered, by: TokenEstimator())
    #expect(outcome.settlement == row.settlement)
    #expect(outcome.endReason == row.reason)
    #expect(outcome.origin == row.origin)
    #expect(outcome.httpStatus == row.status)
    #expect(outcome.usage.source == row.source)
    #expect(outcome.costNanodollars == row.nanos)
  }

  @Test func `what used anything and has no price has no known cost`() {
    func cost(_ ending: Ending, _ open: OpenAdmission) -> Int64? {
      ending.outcome(of: open, metered: MeteredUsage(), by: TokenEstimator()).costNanodollars
    }
    let open = Self.open(nil)
    #expect(cost(.noAnswer, open) == nil)
    #expect(cost(.backendAnswer(status: 500, isWhole: true), open) == nil)
    #expect(cost(.unobserved, open) == nil)
    #expect(cost(.notReleased(status: nil), open) == 0)
    #expect(cost(.unreached(status: nil), open) == 0)
  }

  @Test func `what a crash left open and has no price any more costs all that was reserved`() {
    let outcome = Ending.interrupted.outcome(
      of: Self.open(nil, reservedNanos: 77), metered: MeteredUsage(), by: TokenEstimator())
    #expect(outcome.settlement == Self.used(40, 0, 77))
    #expect(outcome.costNanodollars == 77)
    // An own answer that a crash left open: its record names no route, and it costs nothing.
    let own = Ending.interrupted.outcome(
      of: Self.open(nil, isMetered: false, modelRoute: nil), metered: MeteredUsage(),
      by: TokenEstimator())
    #expect(own.costNanodollars == 0)
  }

  @Test func `usage in another unit is on record without tokens`() {
    let outcome = Ending.backendAnswer(status: 200, isWhole: true).outcome(
      of: Self.open(), metered: Self.seconds, by: TokenEstimator())
    let completion = Completion(of: Self.open().record.value, outcome)
    #expect(completion.promptTokens == nil && completion.completionTokens == nil)
    #expect(completion.totalTokens == nil)
    #expect(completion.units[.seconds] == 11_000)
  }

  /// A recorded exchange that is put to the same prices again is charged the same.
  @Test(arguments: rows)
  func `a recorded ending is charged again what it was`(row: Row) {
    let open = Self.open(isMetered: row.isMetered)
    let outcome = row.ending.outcome(of: open, metered: row.metered, by: TokenEstimator())
    var completion = Completion(of: open.record.value, outcome)
    completion.charged = [
      Charge(
        counter: "tenant/a/rpm", amount: outcome.settlement.charge(.requests, isBucket: true)),
      Charge(
        counter: "tenant/a/daily", amount: outcome.settlement.charge(.requests, isBucket: false),
        window: 0),
    ]
    let again = Ending(of: completion).outcome(
      of: open, metered: MeteredUsage(of: completion), by: TokenEstimator())
    // Envoy's answer while the record was awaited looks like a backend's that was cut: its status
    // alone is on record, and the request counts.
    if case .notReleased(status: .some) = row.ending {
      #expect(again.settlement == .requestOnly)
    } else {
      #expect(again.settlement == row.settlement)
    }
  }

  /// A record that no Tollgate wrote ends no process.
  @Test func `no number on disk is too large or too small to be charged again`() {
    let numbers: [Int64?] = [.min, -1, nil, 0, .max]
    for prompt in numbers {
      for cached in numbers {
        for output in numbers {
          for source in UsageSource.allCases {
            let completion = Completion(
              requestID: "r", httpStatus: prompt, promptTokens: prompt,
              cachedPromptTokens: cached, cacheWritePromptTokens: output,
              completionTokens: output, usageSource: source, endReason: .cut)
            let outcome = Ending(of: completion).outcome(
              of: Self.open(Prices(promptNanos: .max, completionNanos: .max, perRequestNanos: 0)),
              metered: MeteredUsage(of: completion), by: TokenEstimator())
            if let cost = outcome.costNanodollars { #expect(cost >= 0) }
          }
        }
      }
    }
  }
}
