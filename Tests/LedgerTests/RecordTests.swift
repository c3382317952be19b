import Bytes
import Ledger
import Terms
import Testing

@Suite struct RecordTests {
  static let admission = Admission(
    requestID: "req_1", decision: .deny, tenant: "tenant-a", subject: "svc:\"agent\"\u{7}",
    keyID: "agents", hostname: "a.example.com", method: "POST", route: "/v1/chat/completions",
    model: "llama3-8b", modelRoute: "chat-llama3-8b-v1", trafficClass: "interactive_inference",
    stream: true, reason: "rate_limit_exceeded", httpStatus: 429, limit: "tpm",
    reserved: [
      Charge(counter: "tenant/tenant-a/tpm", amount: 1_200),
      Charge(counter: "tenant/tenant-a/monthly", amount: .max, window: 1_788_220_800_000),
    ], estimatedPromptTokens: 176, reservedCompletionTokens: 1_024, source: "10.0.0.1:4242",
    envoyRequestID: "6b1f", policy: "0123456789ab")
  static let units = {
    var units = UsageUnits()
    units[.seconds] = 11_250
    units[.rerankUnits] = 1000
    return units
  }()
  static let costParts = {
    var parts = CostParts()
    for (index, kind) in TokenKind.allCases.enumerated() { parts.tokens[kind] = Int64(index) }
    parts.tier = .priority
    parts.region = .us
    parts.isAbove = true
    parts.unpriced = [.tier, .webSearches]
    parts.revision = "0123456789ab"
    return parts
  }()
  static let completion = Completion(
    requestID: "req_1", tenant: "tenant-a", subject: "ü", hostname: "a", route: "/v1/messages",
    model: "m", modelRoute: "r", trafficClass: "c", stream: false, httpStatus: 200,
    latencyMs: 812, ttftMs: 90, promptTokens: 10, cachedPromptTokens: 4,
    cacheWritePromptTokens: 1, cacheWrite1hPromptTokens: 1, completionTokens: 20,
    reasoningTokens: 5, totalTokens: 30, units: units, tier: .priority, usageSource: .estimated,
    costNanodollars: 1_000_000_001, costParts: costParts, gatewayBackend: "10.1.1.1:8000",
    endReason: .cut, origin: .route, droppedReason: .expired, traceparent: "00-ab-cd-01",
    charged: [Charge(counter: "c", amount: -5, window: 0)])
  static let totals = {
    var totals = DayTotals(timeZone: "UTC", sinceMs: 1_790_000_000_000)
    for (number, day) in [20_000, 20_100, 20_101].enumerated() {
      totals.add(completion, keyID: number == 1 ? nil : "k", day: Int64(day))
      totals.add(
        Completion(requestID: "r", usageSource: .none, endReason: .cut), keyID: nil,
        day: Int64(day))
    }
    totals.used(tenant: "t", keyID: "k\"", atMs: 1_790_000_000_001)
    return totals
  }()
  static let event = ProcessEvent(policy: "p", version: "1.2.3")
  static let bodies: [LedgerRecord.Body] = [
    .admission(admission),
    .admission(Admission(requestID: "req_2", decision: .allow, policy: "p")),
    .completion(completion),
    .completion(Completion(requestID: "req_2", usageSource: .none, endReason: .interrupted)),
    .denials(
      Denials(
        tenant: "a", reason: "invalid_api_key", count: 900, sinceMs: 1_000,
        requestIDs: ["req_1", "req_2"])),
    .completion(
      Completion(
        requestID: "req_3", usageSource: .reported, endReason: .complete,
        disputed: DisputedUsage(promptTokens: 0, completionTokens: 1 << 32))),
    .denials(Denials(tenant: nil, reason: "invalid_api_key", count: 1, sinceMs: 0)),
    .start(event), .reload(event), .stop(event),
    .stop(
      ProcessEvent(
        policy: "p", version: "v",
        estimates: [
          ModelEstimate(model: "m", state: [1, 2]),
          ModelEstimate(tenant: "a", model: "m", state: [3]),
        ])),
    .clock(ClockJump(wallMs: 5, jumpMs: -7_200_000)),
    .repair(Repair(file: "f.jsonl", offset: 9, damage: "bad", lastGoodSeq: 3)),
    .checkpoint(
      Checkpoint(
        previousHash: SHA256Digest(words: (1, 2, 3, .max)),
        counters: [
          CounterState(
            counter: "c", kind: .tokens,
            fields: [.init("amount", 10), .init("level", -7), .init("time", .max)])
        ],
        open: [OpenExchange(seq: 4, timeMs: 77, admission: admission)],
        estimates: [ModelEstimate(model: "m", state: [1, -2, .max]), .init(model: "n", state: [])])),
    .checkpoint(Checkpoint(previousHash: Chain.origin, counters: [], open: [])),
    .checkpoint(
      Checkpoint(previousHash: Chain.origin, counters: [], open: [], totals: totals)),
    .checkpoint(
      Checkpoint(
        previousHash: Chain.origin, counters: [], open: [],
        totals: DayTotals(timeZone: "Europe/Berlin", sinceMs: 0))),
  ]

  @Test(arguments: bodies, [false, true])
  func `Every record type reads back as it was written`(
    body: LedgerRecord.Body, isCarried: Bool
  ) throws {
    let record = LedgerRecord(
      seq: 12, timeMs: 1_790_000_000_123, isCarried: isCarried, body: body)
    #expect(try LedgerRecord(line: Self.sealed(record)) == record)
  }

  @Test func `An admission has the fields of the audit contract`() throws {
    let record = LedgerRecord(seq: 1, timeMs: 0, body: .admission(Self.admission))
    let line = String(decoding: record.encoded(), as: UTF8.self)
    #expect(
      line.hasPrefix(
        "{\"type\":\"admission\",\"seq\":1,\"timestamp\":\"1970-01-01T00:00:00.000Z\""))
    for name in [
      "tenant", "subject", "route", "model_route", "decision", "request_id", "hostname", "method",
      "model", "class", "stream", "key_id", "reason", "http_status", "limit", "reserved",
      "source", "envoy_request_id", "policy",
    ] {
      #expect(line.contains("\"\(name)\":"), "\(name)")
    }
    #expect(line.hasSuffix("\"sensitive_payload_logged\":false"))
  }

  @Test func `Unknown is null and never zero`() {
    let completion = Completion(requestID: "r", usageSource: .none, endReason: .failed)
    let record = LedgerRecord(seq: 1, timeMs: 0, body: .completion(completion))
    let line = String(decoding: record.encoded(), as: UTF8.self)
    for name in [
      "tenant", "latency_ms", "ttft_ms", "prompt_tokens", "completion_tokens",
      "cached_prompt_tokens", "cache_write_prompt_tokens", "reasoning_tokens", "total_tokens",
      "estimated_cost_usd", "gateway_backend", "origin", "dropped_reason", "traceparent",
      "http_status", "stream", "cache_write_1h_prompt_tokens", "units", "tier",
    ] {
      #expect(line.contains("\"\(name)\":null"), "\(name)")
    }
  }

  @Test func `A completion of an older ledger names no reason of a drop`() throws {
    let completion = Completion(
      requestID: "r", usageSource: .none, endReason: .failed, origin: .gateway)
    let record = LedgerRecord(seq: 1, timeMs: 0, body: .completion(completion))
    let line = String(decoding: Self.sealed(record), as: UTF8.self)
    let older = line.replacing(#""dropped_reason":null,"#, with: "")
    #expect(older != line)
    #expect(try LedgerRecord(line: Array(older.utf8)) == record)
    for word in ["text", ""] {
      let wrong = line.replacing("reason\":null", with: "reason\":\"\(word)\"")
      #expect(throws: RecordProblem.self) { try LedgerRecord(line: Array(wrong.utf8)) }
    }
  }

  @Test func `Units are written as decimal numbers, and older completions have none`() throws {
    let record = LedgerRecord(seq: 1, timeMs: 0, body: .completion(Self.completion))
    let line = String(decoding: Self.sealed(record), as: UTF8.self)
    let units = #""units":{"seconds":11.25,"rerank_units":1},"tier":"priority","#
    #expect(line.contains(units))
    let older = line.replacing(units, with: "")
      .replacing(#""cache_write_1h_prompt_tokens":1,"#, with: "")
    guard case .completion(let read) = try LedgerRecord(line: Array(older.utf8)).body else {
      return #expect(Bool(false), "no completion")
    }
    #expect(read.units.isEmpty)
    #expect(read.tier == nil && read.cacheWrite1hPromptTokens == nil)
    for wrong in [
      #""units":{"seconds":-1},"#, #""units":{"days":1},"#, #""units":{"seconds":"1"},"#,
      #""units":[],"#, #""units":null,"tier":"gold","#, #""units":{"seconds":1.2345},"#,
    ] {
      #expect(throws: RecordProblem.self, "\(wrong)") {
        try LedgerRecord(line: Array(line.replacing(units, with: wrong).utf8))
      }
    }
  }

  @Test func `A text of 256 bytes stays whole and a longer one is cut between characters`() throws {
    for (text, kept) in [
      (String(repeating: "a", count: 256), 256), (String(repeating: "a", count: 257), 256),
      (String(repeating: "a", count: 255) + "ü", 255), (String(repeating: "€", count: 100), 255),
    ] {
      let admission = Admission(requestID: "r", decision: .allow, subject: text, policy: "p")
      let record = LedgerRecord(seq: 1, timeMs: 0, body: .admission(admission))
      let read = try LedgerRecord(line: Self.sealed(record))
      guard case .admission(let back) = read.body else { return }
      #expect(back.subject?.utf8.count == kept)
      #expect(text.hasPrefix(back.subject ?? "-"))
    }
  }

  @Test(arguments: [
    ("{", "} "), ("\"seq\":1", "\"seq\":01"), ("\"seq\":1", "\"seq\":1.0"),
    ("\"seq\":1", "\"seq\":1,\"seq\":1"), ("\"seq\":1", "\"seq\": 1"), ("stop", "halt"),
    ("\"policy\":\"p\",", ""), ("\"policy\":\"p\"", "\"policy\":null"),
    ("\"policy\":\"p\"", "\"policy\":\"\\u00e9\""), ("\"policy\":\"p\"", "\"policy\":\"\\n\""),
    ("\"policy\":\"p\"", "\"policy\":\"p\",\"prompt\":\"hello\""),
    ("1970-01-01T", "1970-02-30T"), ("1970-01-01T", "1970-01-01 "),
    ("\"seq\":1", "\"seq\":1,\"carried\":false"),
  ])
  func `What the ledger never writes is refused`(found: String, put: String) throws {
    let record = LedgerRecord(seq: 1, timeMs: 0, body: .stop(Self.event(policy: "p")))
    let line = String(decoding: Self.sealed(record), as: UTF8.self)
    let changed = line.replacing(found, with: put, maxReplacements: 1)
    #expect(changed != line)
    #expect(throws: RecordProblem.self) { try LedgerRecord(line: Array(changed.utf8)) }
    for cut in 0..<line.utf8.count {
      #expect(throws: RecordProblem.self) {
        try LedgerRecord(line: Array(line.utf8.prefix(cut)))
      }
    }
  }

  private static func event(policy: String) -> ProcessEvent {
    ProcessEvent(policy: policy, version: "1")
  }

  private static func sealed(_ record: LedgerRecord) -> [UInt8] {
    var chain = Chain()
    var line = record.encoded()
    chain.seal(&line)
    return line.dropLast()
  }
}
