import EnvoyAPI
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

private let chat = #"{"model":"plain"}"#

/// Envoy answers by itself where a request or an answer would have more header fields than it takes, or
/// more bytes in them. These tests do to the fields what Envoy does, and count.
@Suite(.timeLimit(.minutes(2))) struct HeaderCountTests {
  /// What came of a request.
  private enum Outcome: Equatable {
    /// The fields that it goes on with, or the bytes of their names and values.
    case passed(Int)
    case refused(Int?, code: String?)
  }

  private static let refused = Outcome.refused(431, code: "too_many_headers")

  private func many(_ count: Int) -> EnvoyMessage.Headers {
    (0..<count).map { ("x-mine-\($0)", "1") }
  }

  private func long(_ bytes: Int) -> EnvoyMessage.Headers {
    [("x-mine", String(repeating: "m", count: bytes))]
  }

  /// The bytes of the largest request that goes on; `outcome` is given the length of a header's value.
  private func largestPassed(_ outcome: (Int) throws -> Outcome) throws -> Int {
    var (passing, refused) = (60_000, 62_000)
    #expect(try outcome(refused) == Self.refused)
    while refused - passing > 1 {
      let middle = (passing + refused) / 2
      switch try outcome(middle) {
      case .passed: passing = middle
      case let other:
        #expect(other == Self.refused)
        refused = middle
      }
    }
    guard case .passed(let bytes) = try outcome(passing) else { return 0 }
    return bytes
  }

  private func bytes(_ headers: EnvoyMessage.Headers) -> Int {
    headers.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count }
  }

  /// ext_proc: takes out first, then sets.
  private func applied(_ replies: [ProcAnswer], to headers: EnvoyMessage.Headers)
    -> EnvoyMessage.Headers
  {
    var fields = headers
    for reply in replies {
      fields.removeAll { reply.removed.contains($0.0) }
      for (name, value) in reply.set {
        fields.removeAll { $0.0 == name }
        fields.append((name, value))
      }
    }
    return fields
  }

  private func process(
    _ headers: EnvoyMessage.Headers, _ policy: String = testPolicy(),
    mode: BodyMode = .buffered, body: String = chat,
    measure: (EnvoyMessage.Headers) -> Int = { $0.count }
  ) throws -> Outcome {
    let stream = try TestGateway(policy).process()
    var replies = stream.send(
      Message.requestHeaders(headers, modes: (mode, .streamed)))
    if replies.first?.immediateStatus == nil, replies.first?.set.isEmpty ?? true {
      replies += stream.send(Message.body(.requestBody, body))
    }
    if let refusal = replies.first(where: { $0.immediateStatus != nil }) {
      return .refused(refusal.immediateStatus, code: refusal.code)
    }
    return .passed(measure(applied(replies, to: headers)))
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed], ["/v1/chat/completions", "/files"])
  func `a request goes on with as many fields as Envoy takes, and not with one more`(
    _ mode: BodyMode, _ path: String
  ) throws {
    // Forged headers and credentials go, and make room.
    for more in [
      [("content-length", "17")],
      [
        ("content-length", "17"), ("x-ai-tenant", "f"), ("x_llm_d_model", "f"),
        ("api-key", "key-one"),
      ],
      [("content-length", "17"), ("accept-encoding", "br")],
    ] as [EnvoyMessage.Headers] {
      var passed: [Int] = []
      for count in 70...100 {
        let headers = Message.headers([(":path", path)] + more) + many(count)
        switch try process(headers, mode: mode) {
        case .passed(let fields):
          #expect(fields <= 100, "\(headers.count) fields")
          passed.append(fields)
        case let refused: #expect(refused == Self.refused, "\(headers.count) fields")
        }
      }
      #expect(passed.max() == 100)
      #expect(passed == passed.sorted() && passed.count < 31)
    }
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed], ["/v1/chat/completions", "/files"])
  func `a request goes on with as many bytes as Envoy takes, and not with one more`(
    _ mode: BodyMode, _ path: String
  ) throws {
    let limit = 60 * 1_024
    for more in [
      [], [("content-length", "17")],
      [("x-ai-tenant", "forged"), ("x_llm_d_model", "forged"), ("api-key", "key-one")],
      [("accept-encoding", "br"), ("accept-encoding", "gzip")],
    ] as [EnvoyMessage.Headers] {
      let usual = Message.headers([(":path", path)] + more)
      let largest = try largestPassed {
        try process(usual + long($0), mode: mode, measure: bytes)
      }
      // Which model it will be is not known yet: the longest names are counted.
      #expect(largest <= limit)
      #expect(path == "/files" ? largest == limit : largest > limit - 80, "\(largest)")
    }
  }

  @Test func `names that grow are counted: of models, routes, classes, and in Azure's path`() throws
  {
    let name = String(repeating: "n", count: 100)
    let usual = Message.headers([
      (":path", "/openai/deployments/p/chat/completions"), ("content-length", "2"),
    ])
    let aliased = testPolicy().replacing(
      #""plain": { class"#, with: #""plain": { aliases: ["p"], class"#)
    for (from, to) in [
      ("plain-v1", name), ("interactive", name), (#""plain""#, #""\#(name)""#),
      (#"[{ name: "plain-v1" }]"#, #"[{ name: "x", upstream_model: "a/\#(name)" }]"#),
    ] {
      let policy = aliased.replacing(from, with: to)
      let largest = try largestPassed {
        try process(usual + long($0), policy, body: "{}", measure: bytes)
      }
      #expect(largest <= 61_440 && largest > 61_000, "\(to): \(largest)")
    }
  }

  @Test func `the limit of bytes is the policy's, and the text says it`() throws {
    for size in [2, 96] {
      let gateway = try TestGateway(testPolicy("max_headers_kb: \(size),"))
      let headers = Message.headers([("content-length", "17")])
      for (bytes, isRefused) in [(size * 1_024 - 900, false), (size * 1_024, true)] {
        let replies = gateway.process().send(
          Message.requestHeaders(headers + long(bytes), modes: (.buffered, .streamed)))
        #expect((replies.first?.code == "too_many_headers") == isRefused)
        guard isRefused else { continue }
        #expect(replies.first?.immediateBody.contains("at most \(size * 1_024)") == true)
      }
    }
  }

  @Test func `a body that may be rewritten and states no length gets one: it is counted`() throws {
    let body = #"{"model":"l3"}"#
    for length in [[], [("content-length", "14")]] as [EnvoyMessage.Headers] {
      let outcomes = try (70...90).map { count in
        try process(Message.headers(length) + many(count), body: body)
      }
      #expect(outcomes.contains(.passed(100)) && outcomes.contains(Self.refused))
      #expect(
        outcomes.allSatisfy { if case .passed(let fields) = $0 { fields <= 100 } else { true } })
    }
  }

  @Test func `the limit is the policy's`() throws {
    for limit in [32, 150] {
      let policy = testPolicy("max_headers_count: \(limit),")
      let usual = Message.headers([("content-length", "17")])
      let outcomes = try (0...limit).map { try process(usual + many($0), policy) }
      // One goes (the credential), twelve come.
      #expect(outcomes.firstIndex(of: Self.refused) == limit - usual.count - 11 + 1)
      #expect(outcomes.contains(.passed(limit)))
    }
  }

  @Test func `more changes than Envoy makes at once are refused too`() throws {
    // All of them would be taken out, and then the model's names once more.
    let forged = (0..<96).map { ("x-gateway-\($0)", "f") }
    let headers = Message.headers([(":path", "/files")])
    #expect(try process(headers + forged) == Self.refused)
    #expect(try process(headers + forged.prefix(93)) == .passed(headers.count - 1 + 6))
  }

  @Test func `who is nobody or in the wrong place hears that first`() throws {
    let headers = Message.headers(without: ["authorization"]) + many(100)
    #expect(try process(headers) == .refused(401, code: "invalid_api_key"))
    let elsewhere = Message.headers([(":authority", "b.example.com")]) + many(100)
    #expect(try process(elsewhere) == .refused(403, code: "tenant_mismatch"))
  }

  @Test(arguments: ["ext_proc", "ext_authz"])
  func `ext_authz sets before it takes out, and is counted so`(_ point: String) throws {
    let policy = testPolicy("enforce_at: \"\(point)\",").replacing(
      #"aliases: ["l3"], "#, with: "")
    let gateway = try TestGateway(policy)
    for path in ["/v1/chat/completions", "/files", "/v1/models"] {
      let isAnswered = path == "/v1/models"
      if isAnswered, point == "ext_authz" { continue }
      var passed: [Int] = []
      for count in 70...100 {
        let headers =
          Message.headers([(":path", path), (":method", isAnswered ? "GET" : "POST")])
          + many(count)
        let answer = try #require(gateway.check(Message.check(headers, body: chat)))
        guard answer.isAllowed else {
          #expect(answer.deniedStatus == 431 && answer.code == "too_many_headers")
          continue
        }
        let names = Set(headers.map(\.0))
        let fields = headers.count + answer.set.keys.filter { !names.contains($0) }.count
        #expect(fields <= 100)
        passed.append(fields)
      }
      #expect(passed.max() == 100 && passed.count < 31, "\(path)")
    }
  }

  @Test(arguments: ["/v1/chat/completions", "/files"])
  func `ext_authz counts bytes before it takes out`(_ path: String) throws {
    let policy = testPolicy("enforce_at: \"ext_authz\",").replacing(
      #"aliases: ["l3"], "#, with: "")
    let gateway = try TestGateway(policy)
    let largest = try largestPassed { size in
      let headers = Message.headers([(":path", path)]) + long(size)
      let answer = try #require(gateway.check(Message.check(headers, body: chat)))
      guard answer.isAllowed else { return .refused(answer.deniedStatus, code: answer.code) }
      return .passed(bytes(headers + answer.set.map { ($0.key, $0.value) }))
    }
    #expect(largest <= 61_440 && largest > 61_360, "\(largest)")
  }

  @Test func `an answer gets ours as far as Envoy takes their bytes`() throws {
    let kept = try KeptGateway(keptPolicy(requests: 1000, tokens: 1_000_000))
    var counts: [Int] = []
    for size in stride(from: 60_900, through: 61_440, by: 9) {
      let stream = kept.process()
      stream.send(Message.requestHeaders(Message.headers()))
      stream.send(Message.body(.requestBody, #"{"model":"llama"}"#))
      let headers = [(":status", "200")] + long(size)
      let replies = stream.send(Message.responseHeaders(headers))
      #expect(replies.map(\.kind) == [2])
      let set = replies.first?.set ?? [:]
      #expect(set.isEmpty || bytes(headers + set.map { ($0.key, $0.value) }) <= 61_440)
      counts.append(set.count)
      stream.halfClose()
      #expect(stream.grpcStatus == 0)
    }
    #expect(counts == counts.sorted(by: >) && Set(counts) == [8, 2, 1, 0])
    _ = try kept.close()
  }

  @Test func `an answer gets ours as far as Envoy takes them, the limits first to go`() throws {
    let kept = try KeptGateway(keptPolicy(requests: 1000, tokens: 1_000_000))
    let limits = [
      "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
      "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
    ]
    let own = ["x-ai-request-id", "x-ai-model-route"]
    for (seen, expected) in [
      (1, limits + own), (92, limits + own), (93, own), (98, own), (99, ["x-ai-request-id"]),
      (100, []), (120, []),
    ] as [(Int, [String])] {
      let stream = kept.process()
      stream.send(Message.requestHeaders(Message.headers()))
      stream.send(Message.body(.requestBody, #"{"model":"llama"}"#))
      let replies = stream.send(
        Message.responseHeaders([(":status", "200")] + many(seen - 1)))
      #expect(replies.map(\.kind) == [2])
      #expect(replies.first.map { Set($0.set.keys) } == Set(expected), "\(seen) fields")
      stream.halfClose()
      #expect(stream.grpcStatus == 0)
    }
    _ = try kept.close()
  }
}
