import Books
import EnvoyAPI
import Foundation
import Ledger
import Terms
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

/// One way for an exchange to go on after its verdict, and what is charged then.
struct SettlementCase: CustomTestStringConvertible, Sendable {
  enum Step: Sendable {
    case headers(
      Int, details: String = "via_upstream", flags: Double? = nil, end: Bool = false,
      more: [String: String] = [:])
    case body(String, end: Bool = true)
    case stream(String, end: Bool = true)
    case trailers
    case reset
    case halfClose
  }

  let testDescription: String
  var path = "/v1/chat/completions"
  var steps: [Step]
  var requests: Int64 = 1
  /// Tokens of the prompt's estimate and of the text "hello hello " go by these names.
  var prompt: Int64? = 0
  var completion: Int64? = 0
  var source: UsageSource
  var end: Completion.EndReason
  /// Nano-dollars beside the tokens' price.
  var nanos: Int64? = nil
  var origin: Origin?

  init(
    _ name: String, path: String = "/v1/chat/completions", _ steps: [Step], requests: Int64 = 1,
    prompt: Int64?, completion: Int64?, _ source: UsageSource,
    _ end: Completion.EndReason, nanos: Int64, from origin: Origin? = nil
  ) {
    testDescription = name
    self.path = path
    self.steps = steps
    self.requests = requests
    self.prompt = prompt
    self.completion = completion
    self.source = source
    self.end = end
    self.nanos = nanos
    self.origin = origin
  }

  static let usage =
    #"{"choices":[{"message":{"content":"hi"}}],"#
    + #""usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}"#
  static let delta =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello hello \"}}]}\n\n"
  static let last =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n"
    + "data: [DONE]\n\n"
  /// Six prompt tokens at 1,000, four cached at 500, five of output at 2,000, the request.
  static let usageNanos: Int64 = 6_000 + 2_000 + 10_000 + 7_000
  /// "llama", "user" and "hello" are at most that many tokens; the default ratio says four bytes.
  static let estimate: Int64 = 4
  static let estimateNanos: Int64 = estimate * 1_000 + 7_000

  static let all: [SettlementCase] = [
    SettlementCase(
      "reported usage is charged as reported", [.headers(200), .body(usage)], prompt: 10,
      completion: 5, .reported, .complete, nanos: usageNanos, from: .backend),
    SettlementCase(
      "a stream's last chunk is its usage", [.headers(200), .stream(delta + last)], prompt: 10,
      completion: 5, .reported, .complete, nanos: 10_000 + 10_000 + 7_000, from: .backend),
    SettlementCase(
      "a backend's 400 without usage gives tokens and money back",
      [.headers(400), .body(#"{"error":{"message":"no"}}"#)], prompt: 0, completion: 0, .none,
      .failed, nanos: 0, from: .backend),
    SettlementCase(
      "a backend's 500 without a body", [.headers(500, end: true)], prompt: 0, completion: 0,
      .none, .failed, nanos: 0, from: .backend),
    SettlementCase(
      "a backend's 500 with usage is charged", [.headers(500), .body(usage)], prompt: 10,
      completion: 5, .reported, .failed, nanos: usageNanos, from: .backend),
    SettlementCase(
      "a backend's 503 cut short", [.headers(503), .body("{", end: false), .reset], prompt: 0,
      completion: 0, .none, .cut, nanos: 0),
    SettlementCase(
      "NR gives everything back",
      [.headers(404, details: "route_not_found", flags: 0x100, end: true)],
      requests: 0, prompt: 0, completion: 0, .none, .failed, nanos: 0, from: .route),
    SettlementCase(
      "UH gives everything back", [.headers(503, details: "no_healthy_upstream", flags: 0x2)],
      requests: 0, prompt: 0, completion: 0, .none, .failed, nanos: 0, from: .route),
    SettlementCase(
      "UF gives everything back",
      [.headers(503, details: "upstream_reset_before_response_started", flags: 0x20, end: true)],
      requests: 0, prompt: 0, completion: 0, .none, .failed, nanos: 0, from: .route),
    SettlementCase(
      "UO gives everything back", [.headers(503, details: "overflow", flags: 0x80, end: true)],
      requests: 0, prompt: 0, completion: 0, .none, .failed, nanos: 0, from: .route),
    SettlementCase(
      "a direct response gives everything back",
      [.headers(503, details: "direct_response", end: true)], requests: 0, prompt: 0,
      completion: 0, .none, .failed, nanos: 0, from: .route),
    SettlementCase(
      "UT is charged the prompt's estimate",
      [.headers(504, details: "upstream_response_timeout", flags: 0x4, end: true)],
      prompt: estimate, completion: 0, .estimated, .failed, nanos: estimateNanos, from: .route),
    SettlementCase(
      "a flag of an unreached backend is nothing on a backend's own answer",
      [.headers(200, flags: 0x20), .body(usage)], prompt: 10, completion: 5, .reported, .complete,
      nanos: usageNanos, from: .backend),
    SettlementCase(
      "flags that are no number of bits",
      [.headers(504, details: "upstream_response_timeout", flags: 1e300, end: true)],
      prompt: estimate, completion: 0, .estimated, .failed, nanos: estimateNanos, from: .route),
    SettlementCase(
      "a reset before any answer is charged the prompt's estimate", [.reset], prompt: estimate,
      completion: 0, .estimated, .cut, nanos: estimateNanos),
    SettlementCase(
      "an end before any answer is charged the prompt's estimate", [.halfClose],
      prompt: estimate, completion: 0, .estimated, .cut, nanos: estimateNanos),
    SettlementCase(
      "a cut stream is charged what it wrote", [.headers(200), .stream(delta, end: false), .reset],
      prompt: estimate, completion: 3, .estimated, .cut, nanos: estimateNanos + 3 * 2_000),
    SettlementCase(
      "headers alone may never have reached the client", [.headers(200), .reset],
      prompt: estimate, completion: 0, .estimated, .cut, nanos: estimateNanos),
    SettlementCase(
      "a backend's 500 cut behind its headers", [.headers(500), .reset], prompt: 0, completion: 0,
      .none, .cut, nanos: 0),
    SettlementCase(
      "a cut body without usage is charged the prompt's estimate",
      [.headers(200), .body("{", end: false), .halfClose], prompt: estimate, completion: 0,
      .estimated, .cut, nanos: estimateNanos),
    SettlementCase(
      "a stream that is an error from its first event gives tokens and money back",
      [.headers(200), .stream("data: {\"error\":{\"code\":400}}\n\ndata: [DONE]\n\n")], prompt: 0,
      completion: 0, .none, .failed, nanos: 0, from: .backend),
    SettlementCase(
      "a 200 that is an error object gives tokens and money back",
      [.headers(200), .body(#"{"error":{"message":"no"}}"#)], prompt: 0, completion: 0, .none,
      .failed, nanos: 0, from: .backend),
    SettlementCase(
      "a stream that turns into an error is charged what it wrote",
      [.headers(200), .stream(delta + "event: error\ndata: {\"error\":{}}\n\n")], prompt: estimate,
      completion: 3, .estimated, .failed, nanos: estimateNanos + 3 * 2_000, from: .backend),
    SettlementCase(
      "an answer before the work is done is charged as reserved",
      [.headers(200), .body(#"{"status":"queued","output":[],"usage":null}"#)], prompt: estimate,
      completion: 100, .estimated, .complete, nanos: estimateNanos + 100 * 2_000, from: .backend),
    SettlementCase(
      "an answer that is compressed is charged no less than was reserved",
      [.headers(200, more: ["content-encoding": "gzip"]), .body("\u{1F}\u{B}\u{8}abc")],
      prompt: estimate, completion: 100, .estimated, .complete,
      nanos: estimateNanos + 100 * 2_000, from: .backend),
    SettlementCase(
      "an encoding that changes nothing is none",
      [.headers(200, more: ["content-encoding": "Identity"]), .body(usage)], prompt: 10,
      completion: 5, .reported, .complete, nanos: usageNanos, from: .backend),
    SettlementCase(
      "text is charged as text",
      [
        .headers(200, more: ["content-type": "text/plain"]), .body("hello hello "),
      ], prompt: estimate, completion: 3, .estimated, .complete, nanos: estimateNanos + 3 * 2_000,
      from: .backend),
    SettlementCase(
      "a client that leaves an answer that is no stream pays for all of it",
      [.headers(200, more: ["content-length": "401"]), .body("{", end: false), .reset],
      prompt: estimate, completion: 100, .estimated, .cut, nanos: estimateNanos + 100 * 2_000),
    SettlementCase(
      "vectors without usage are no text", path: "/v1/embeddings",
      [.headers(200), .body(#"{"data":[{"embedding":[1,2,3,4]}]}"#)], prompt: estimate,
      completion: 0, .estimated, .complete, nanos: estimateNanos, from: .backend),
    SettlementCase(
      "trailers end a response", [.headers(200), .stream(delta + last, end: false), .trailers],
      prompt: 10, completion: 5, .reported, .complete, nanos: 27_000, from: .backend),
    SettlementCase(
      "counting tokens costs no tokens", path: "/v1/messages/count_tokens",
      [.headers(200), .body(#"{"input_tokens":10}"#)], prompt: 0, completion: 0, .none, .complete,
      nanos: 7_000, from: .backend),
    SettlementCase(
      "moderations cut short cost no tokens", path: "/v1/moderations", [.headers(200), .reset],
      prompt: 0, completion: 0, .none, .cut, nanos: 7_000),
    SettlementCase(
      "a backend that counts beyond reason is charged what the request can have used",
      [
        .headers(200),
        .body(#"{"usage":{"prompt_tokens":2147483648,"completion_tokens":2147483648}}"#),
      ], prompt: 2_000_000, completion: 200, .reported, .complete,
      nanos: 2_000_000 * 1_000 + 200 * 2_000 + 7_000, from: .backend),
  ]
}

/// Every exit settles exactly once, and by what its answer was.
@Suite(.timeLimit(.minutes(2))) struct SettlementTests {
  private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

  private func admit(
    _ kept: KeptGateway, path: String, modes: (BodyMode, BodyMode) = (.buffered, .streamed),
    body: String? = nil
  ) throws -> TestStream {
    let stream = kept.process()
    stream.send(
      Message.requestHeaders(
        Message.headers([(":path", path)]), modes: modes))
    let answers = stream.send(Message.body(.requestBody, body ?? chat))
    _ = try #require(answers.first { $0.set["x-ai-model-route"] == "chat-v1" })
    return stream
  }

  private func take(_ step: SettlementCase.Step, _ stream: TestStream, _ type: inout String?) {
    switch step {
    case .headers(let status, let details, let flags, let end, let more):
      // The body's format is known from what follows.
      let type = more["content-type"] ?? type ?? "application/json"
      let rest = more.filter { $0.key != "content-type" }.map { ($0.key, $0.value) }
      stream.send(
        Message.responseHeaders(
          [(":status", String(status)), ("content-type", type)] + rest,
          attributes: ["response.code_details": details], flags: flags, endOfStream: end))
    case .body(let text, let end), .stream(let text, let end):
      stream.send(Message.body(.responseBody, text, endOfStream: end))
    case .trailers: stream.send(Message.trailers(.responseTrailers))
    case .reset: stream.reset()
    case .halfClose: stream.halfClose()
    }
  }

  @Test(arguments: SettlementCase.all, [BodyMode.streamed, .fullDuplexStreamed])
  func `what an exchange is charged goes by how it ended`(
    _ row: SettlementCase, _ mode: BodyMode
  ) throws {
    let kept = try KeptGateway(keptPolicy())
    let stream = try admit(kept, path: row.path, modes: (.buffered, mode))
    #expect(kept.count("tenant/tenant-a/parallel", "held") == 1)
    let isStream = row.steps.contains { if case .stream = $0 { true } else { false } }
    var type: String? = isStream ? "text/event-stream" : nil
    for step in row.steps { take(step, stream, &type) }
    if stream.grpcStatus == nil { stream.halfClose() }
    let (prompt, completion) = (row.prompt ?? 0, row.completion ?? 0)
    #expect(kept.count("tenant/tenant-a/parallel", "held") == 0)
    #expect(kept.count("tenant/tenant-a/rpd", "used") == row.requests)
    #expect(kept.count("tenant/tenant-a/tpd", "used") == prompt + completion)
    #expect(kept.count("tenant/tenant-a/usd", "used") == row.nanos)
    #expect(kept.books.state.counters.allSatisfy { ($0["reserved"] ?? 0) == 0 })
    let records = try kept.close()
    #expect(records.completions.count == 1)
    let record = try #require(records.completions.first)
    #expect(record.usageSource == row.source)
    #expect(record.endReason == row.end)
    #expect(record.origin == row.origin)
    #expect(record.costNanodollars == row.nanos)
    if row.source != .none { #expect(record.promptTokens == prompt) }
  }

  @Test func `the numbers go to the access log once, with the last reply`() throws {
    for (mode, trailers) in [
      (BodyMode.streamed, false), (.fullDuplexStreamed, false), (.streamed, true),
      (.fullDuplexStreamed, true),
    ] {
      let kept = try KeptGateway(keptPolicy())
      let stream = try admit(kept, path: "/v1/chat/completions", modes: (.buffered, mode))
      let first = stream.send(
        Message.responseHeaders([(":status", "200"), ("content-type", "application/json")]))
      #expect(first.first?.numbers == [:])
      var last = stream.send(
        Message.body(.responseBody, SettlementCase.usage, endOfStream: !trailers))
      if trailers {
        #expect(last.last?.numbers == [:])
        last = stream.send(Message.trailers(.responseTrailers))
      }
      #expect(
        last.last?.numbers == [
          "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
          "cached_prompt_tokens": 4, "cost_usd": 0.000025,
        ])
      #expect(last.last?.metadata == ["usage_source": "reported"])
      stream.halfClose()
      _ = try kept.close()
    }
  }

  @Test(arguments: [BodyMode.streamed, .fullDuplexStreamed], [1, 7, 64, Int.max])
  func `the usage chunk that only we asked for is taken out, wherever it is split`(
    _ mode: BodyMode, _ size: Int
  ) throws {
    let kept = try KeptGateway(keptPolicy(streamUsage: "inject"))
    let asked = chat.dropLast() + #","stream":true}"#
    let stream = kept.process()
    stream.send(Message.requestHeaders(Message.headers(), modes: (.buffered, mode)))
    let verdict = stream.send(Message.body(.requestBody, String(asked)))
    #expect(verdict.first?.body?.contains(#""include_usage":true"#) == true)
    stream.send(
      Message.responseHeaders([(":status", "200"), ("content-type", "text/event-stream")]))
    let text = Array((SettlementCase.delta + SettlementCase.last).utf8)
    var seen = ""
    var start = 0
    while start < text.count {
      let end = min(text.count, start + min(size, text.count))
      let piece = String(decoding: text[start..<end], as: UTF8.self)
      let answers = stream.send(
        Message.body(.responseBody, piece, endOfStream: end == text.count))
      if mode == .streamed {
        #expect(answers.count == 1)
        let clears = answers.first?.tree.at(4, 1, 3)?.number(2) == 1
        seen += answers.first?.body ?? (clears ? "" : piece)
      } else {
        seen += answers.compactMap(\.streamed).joined()
        #expect(answers.last?.streamedEnd == true || end < text.count)
      }
      start = end
    }
    #expect(seen == SettlementCase.delta + "data: [DONE]\n\n")
    stream.halfClose()
    let completion = try #require(try kept.close().completions.first)
    #expect(completion.usageSource == .reported)
    #expect(completion.totalTokens == 15)
  }

  @Test func `an exchange that a crash leaves open is charged its prompt, at today's price`() throws
  {
    for isPriced in [true, false] {
      let kept = try KeptGateway(keptPolicy())
      let stream = try admit(kept, path: "/v1/chat/completions")
      let reserved = kept.count("tenant/tenant-a/usd", "reserved")
      let files = kept.files.crashed()
      // Without a price what was reserved is what it costs: no exchange is free.
      let policy = keptPolicy()
      let again = try KeptGateway(
        isPriced ? policy : policy.replacing("\"llama\"", with: "\"other\""), files: files)
      #expect(again.found.interrupted == 1)
      #expect(again.books.state.open.isEmpty)
      #expect(again.count("tenant/tenant-a/parallel", "held") == 0)
      #expect(again.count("tenant/tenant-a/rpd", "used") == 1)
      #expect(again.count("tenant/tenant-a/tpd", "used") == SettlementCase.estimate)
      #expect(
        again.count("tenant/tenant-a/usd", "used")
          == (isPriced ? SettlementCase.estimateNanos : reserved))
      let records = try again.close()
      #expect(records.completions.map(\.endReason) == [.interrupted])
      #expect(records.completions.map(\.usageSource) == [.estimated])
      stream.reset()
      _ = try kept.close()
    }
  }

  @Test func `a drain that leaves an exchange open charges it at the next start`() throws {
    let kept = try KeptGateway(keptPolicy())
    let stream = try admit(kept, path: "/v1/chat/completions")
    let records = try kept.close()
    #expect(records.completions.isEmpty)
    // Too late for these books.
    stream.reset()
    let again = try KeptGateway(keptPolicy(), files: kept.files)
    #expect(again.found.interrupted == 1)
    #expect(try again.close().completions.count == 1)
  }
}
