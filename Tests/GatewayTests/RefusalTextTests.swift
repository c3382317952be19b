import EnvoyAPI
import Foundation
import Terms
import Testing

@testable import Gateway
@testable import Quota

private typealias Message = EnvoyMessage

/// What a refusal says: what is wrong, what is allowed, what to do.
@Suite struct RefusalTextTests {
  // MARK: Limits

  private struct LimitCase: CustomStringConvertible {
    let description: String
    let rule: LimitRule
    let need: Int64
    let shortage: Shortage
    let code: RefusalCode
    let retryAfter: Int?
    let shouldRetry: Bool?
  }

  private static func bucket(_ amount: Int64, _ period: Int64, burst: Int64? = nil) -> LimitRule {
    LimitRule(
      owner: .tenant("a"), name: "b", kind: .tokens, amount: amount,
      window: .bucket(periodMilliseconds: period, capacity: burst ?? amount))
  }

  private static func budget(
    _ amount: Int64, _ unit: CalendarUnit, _ kind: LimitKind = .tokens
  ) -> LimitRule {
    LimitRule(owner: .tenant("a"), name: "b", kind: kind, amount: amount, window: .calendar(unit))
  }

  /// A limit that tenants of a group spend together.
  private static func shared(_ amount: Int64) -> LimitRule {
    LimitRule(
      owner: .group("hidden"), name: "b", kind: .tokens, amount: amount, window: .calendar(.day))
  }

  private static let raised = LimitRule(
    owner: .tenant("a"), name: "b", kind: .usd, amount: 500_000_000, window: .calendar(.month),
    raises: [Raise(add: 1, fromMs: 0, untilMs: 1)])

  private static let limits: [LimitCase] = [
    LimitCase(
      description: "The budget b (0.5 US dollars a month) is spent. "
        + "The request asks for 0.000123 US dollars. There is more of it at "
        + "2026-11-01T02:56:44Z, in 2h56m44s; it does not help to try again before.",
      rule: raised, need: 123_000, shortage: .spent(waitMilliseconds: 10_604_000),
      code: .insufficientQuota, retryAfter: nil, shouldRetry: false),
    LimitCase(
      description: "Your organisation's limit b (100 tokens a day) is reached. "
        + "The request asks for 50 tokens. Try again in 1s.",
      rule: shared(100), need: 50, shortage: .exceeded(waitMilliseconds: 1_000),
      code: .rateLimitExceeded, retryAfter: 1, shouldRetry: nil),
    LimitCase(
      description: "Your organisation's budget b (100 tokens a day) is spent. "
        + "The request asks for 50 tokens. The budget begins anew at 2026-11-01T00:00:00Z, in 120ms; "
        + "it does not help to try again before.",
      rule: shared(100), need: 50, shortage: .spent(waitMilliseconds: 120),
      code: .insufficientQuota, retryAfter: nil, shouldRetry: false),
    LimitCase(
      description: "The request asks for 200 tokens, more than your organisation's limit b "
        + "(100 tokens a day) could ever give. "
        + "Ask for less: a shorter prompt or a smaller bound of the answer.",
      rule: shared(100), need: 200, shortage: .neverFits,
      code: .rateLimitExceeded, retryAfter: nil, shouldRetry: false),
    LimitCase(
      description: "The limit b (1000 tokens a minute) is reached. "
        + "The request asks for 200 tokens. Try again in 12s.",
      rule: bucket(1000, 60_000), need: 200, shortage: .exceeded(waitMilliseconds: 11_001),
      code: .rateLimitExceeded, retryAfter: 12, shouldRetry: nil),
    LimitCase(
      description: "The limit b (1 token a second, at most 5 at once) is reached. "
        + "The request asks for 1 token. Try again in 1s.",
      rule: bucket(1, 1_000, burst: 5), need: 1, shortage: .exceeded(waitMilliseconds: 1),
      code: .rateLimitExceeded, retryAfter: 1, shouldRetry: nil),
    LimitCase(
      description: "The request asks for 6 tokens, more than the limit b "
        + "(10 tokens an hour, at most 5 at once) could ever give. "
        + "Ask for less: a shorter prompt or a smaller bound of the answer.",
      rule: bucket(10, 3_600_000, burst: 5), need: 6, shortage: .neverFits,
      code: .rateLimitExceeded, retryAfter: nil, shouldRetry: false),
    LimitCase(
      description: "The budget b (0.5 US dollars a month) is spent. "
        + "The request asks for 0.000123 US dollars. The budget begins anew at "
        + "2026-11-01T02:56:44Z, in 2h56m44s; it does not help to try again before.",
      rule: budget(500_000_000, .month, .usd), need: 123_000,
      shortage: .spent(waitMilliseconds: 10_604_000),
      code: .insufficientQuota, retryAfter: nil, shouldRetry: false),
    LimitCase(
      description: "The budget b (1 request a week) is spent. The request asks for 1 request. "
        + "The budget begins anew at 2026-11-01T00:00:00Z, in 120ms; "
        + "it does not help to try again before.",
      rule: budget(1, .week, .requests), need: 1, shortage: .spent(waitMilliseconds: 120),
      code: .insufficientQuota, retryAfter: nil, shouldRetry: false),
    LimitCase(
      description: "The limit b (100 prompt tokens a day) is reached. "
        + "The request asks for 50 prompt tokens. Try again in 1s.",
      rule: budget(100, .day, .promptTokens), need: 50,
      shortage: .exceeded(waitMilliseconds: 1_000),
      code: .rateLimitExceeded, retryAfter: 1, shouldRetry: nil),
    LimitCase(
      description: "The limit b (100 completion tokens a day) is reached. "
        + "The request asks for 50 completion tokens. "
        + "Try again in 1h0m1s, when it begins anew, or ask for less.",
      rule: budget(100, .day, .completionTokens), need: 50,
      shortage: .exceeded(waitMilliseconds: 3_600_001),
      code: .rateLimitExceeded, retryAfter: 3601, shouldRetry: nil),
    LimitCase(
      description: "The limit max_concurrent (3 requests at the same time) is reached. "
        + "The request asks for 1 request. Try again in 1s.",
      rule: .classSlots("c", amount: 3), need: 1, shortage: .exceeded(waitMilliseconds: 1_000),
      code: .rateLimitExceeded, retryAfter: 1, shouldRetry: nil),
    LimitCase(
      description: "The limit b (7 tokens a minute) counts as many callers as it can. "
        + "The request asks for 2 tokens. Try again in 1s.",
      rule: bucket(7, 60_000), need: 2, shortage: .tooManySubjects(waitMilliseconds: 900),
      code: .rateLimitExceeded, retryAfter: 1, shouldRetry: nil),
  ]

  @Test func `a limit's refusal names it, what it gives, what was asked, and when to come back`() {
    for item in Self.limits {
      let refusal = Refusal(
        QuotaRefusal(
          failures: [LimitFailure(rule: item.rule, need: item.need, shortage: item.shortage)]),
        nowMs: testNowSeconds * 1000)
      #expect(refusal.message == item.description)
      #expect(refusal.code == item.code, "\(item)")
      #expect(refusal.retryAfterSeconds == item.retryAfter, "\(item)")
      #expect(refusal.shouldRetry == item.shouldRetry, "\(item)")
      #expect(refusal.limit == item.rule.name, "\(item)")
    }
  }

  @Test func `of several limits, retry-after is the longest wait`() {
    let failures = [2_500, 61_000, 1_000].map {
      LimitFailure(rule: Self.bucket(9, 60_000), need: 1, shortage: .exceeded(waitMilliseconds: $0))
    }
    let refusal = Refusal(QuotaRefusal(failures: failures), nowMs: 0)
    #expect(refusal.retryAfterSeconds == 61)
    #expect(refusal.message.hasSuffix("Try again in 1m1s."))
  }

  @Test func `no wait is too long to be said`() {
    for shortage in [Shortage.spent(waitMilliseconds: .max), .exceeded(waitMilliseconds: .max)] {
      for now in [Int64.min, 0, testNowSeconds * 1000, .max] {
        let refusal = Refusal(
          QuotaRefusal(
            failures: [
              LimitFailure(rule: Self.budget(.max, .day), need: .max, shortage: shortage)
            ]), nowMs: now)
        #expect(refusal.message.contains("9223372036854775807 tokens"))
      }
    }
  }

  // MARK: Paths and hosts

  private func refused(
    _ more: EnvoyMessage.Headers, policy: String = testPolicy()
  ) throws -> (code: String?, message: String) {
    let gateway = try TestGateway(policy)
    let reply = gateway.process().send(Message.requestHeaders(Message.headers(more)))[0]
    return (reply.code, Self.message(reply.immediateBody))
  }

  private static func message(_ body: String) -> String {
    let object = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
    return (object?["error"] as? [String: Any])?["message"] as? String ?? ""
  }

  @Test(arguments: [
    ("/v1/v1/chat/completions", "unknown_path", "/v1/v1/chat/completions"),
    ("/chat/completions?api-key=secret#f", "unknown_path", "/chat/completions"),
    ("/v1/embeddings?x=secret", "path_not_allowed", "/v1/embeddings"),
    ("/\"q\\\u{7f}\u{1}\u{2028}", "unknown_path", "/\"q\\?????"),
    (
      "/" + String(repeating: "a", count: 127), "unknown_path",
      "/" + String(repeating: "a", count: 127)
    ),
    (
      "/" + String(repeating: "a", count: 128), "unknown_path",
      "/" + String(repeating: "a", count: 127) + "…"
    ),
    // tenant-b's own path: to tenant-a it is as unknown as any other.
    ("/theirs", "unknown_path", "/theirs"),
  ])
  func `a path's refusal names the path, without its query`(
    path: String, code: String, shown: String
  ) throws {
    let policy = testPolicy().replacing(
      #"allow: [{ paths: ["/v1/embeddings"], models: ["*"] }]"#,
      with:
        #"allow: [{ paths: ["/v1/embeddings"], models: ["*"] }, { paths: ["/theirs"], route: "r" }]"#
    )
    let (found, message) = try refused([(":path", path)], policy: policy)
    #expect(found == code)
    let end = code == "unknown_path" ? "." : " is not allowed"
    #expect(message.contains("path \(shown)\(end)"), "\(message)")
    #expect(!message.contains("secret"))
  }

  @Test(arguments: ["b.example.com", "C.example.com:443", "<b>\"\\\n", ""])
  func `a host's refusal names the host`(host: String) throws {
    let (code, message) = try refused([(":authority", host)])
    #expect(code == "tenant_mismatch")
    #expect(message.contains("The host \(host.replacing("\n", with: "?")) does not belong"))
  }

  @Test func `a stranger learns nothing of paths and hosts`() throws {
    for more in [[(":path", "/nowhere")], [(":authority", "b.example.com")]] {
      let (code, message) = try refused(more + [("authorization", "Bearer key-none")])
      #expect(code == "invalid_api_key")
      #expect(!message.contains("nowhere") && !message.contains("example"))
    }
  }

  // MARK: Models

  private func refusedBody(_ body: String, policy: String = testPolicy()) throws -> String {
    let stream = try TestGateway(policy).process()
    stream.send(Message.requestHeaders(Message.headers([])))
    return Self.message(
      try #require(stream.send(Message.body(.requestBody, body)).first).immediateBody)
  }

  @Test func `an unknown model, another tenant's and none list what the caller may use`() throws {
    let list = "You can use here: llama, plain. GET /v1/models lists all that you can use."
    let unknown = try refusedBody(#"{"model":"gpt"}"#)
    #expect(unknown.contains(list))
    let others = try refusedBody(#"{"model":"bge"}"#)
    let id = /req_[0-9A-Z]{26}/
    #expect(unknown.replacing(id, with: "") == others.replacing(id, with: ""))
    #expect(try refusedBody("{}").contains(list))
    #expect(!unknown.contains("gpt") && !others.contains("bge"))
  }

  @Test(arguments: [1, 10, 11, 300])
  func `a long list of models ends with how many there are more`(count: Int) throws {
    // In the policy from the last name to the first.
    let names = (0..<count).reversed().map { "m\(1000 + $0)" }
    let models = names.map { #""\#($0)": { class: "interactive", routes: [{ name: "r" }] },"# }
    let policy = testPolicy()
      .replacing("models: {\n", with: "models: {\n" + models.joined(separator: "\n") + "\n")
      .replacing(#"models: ["llama", "plain"]"#, with: #"models: ["m*"]"#)
    let message = try refusedBody(#"{"model":"gpt"}"#, policy: policy)
    let shown = names.reversed().prefix(Refusal.modelsNamedMax).joined(separator: ", ")
    let more = count > Refusal.modelsNamedMax ? " and \(count - Refusal.modelsNamedMax) more" : ""
    #expect(message.contains("You can use here: \(shown)\(more). "), "\(message)")
  }

  // MARK: Values

  @Test(arguments: [
    (#""n":0"#, "n must be a whole number from 1 to 128"),
    (#""best_of":129"#, "best_of must be a whole number from 1 to 128"),
    (#""max_tokens":-1"#, "max_tokens must be a whole number from 1 to 2147483648"),
    (#""max_tokens":5000"#, "Ask for at most 4096"),
    (#""stream":1"#, "stream must be true or false"),
    (#""stream_options":7"#, "stream_options must be an object"),
    (
      #""stream_options":{"include_usage":0}"#, "stream_options.include_usage must be true or false"
    ),
  ])
  func `a refused value's text says which are allowed`(member: String, text: String) throws {
    let message = try refusedBody(#"{"model":"llama",\#(member)}"#)
    #expect(message.contains(text), "\(message)")
  }

  // MARK: The id

  @Test func `OpenAI's message ends with the id that the header and the record have`() throws {
    let gateway = try TestGateway()
    let reply = gateway.process().send(
      Message.requestHeaders(Message.headers([], without: ["authorization"])))[0]
    let id = try #require(reply.immediateHeaders["x-ai-request-id"])
    #expect(Self.message(reply.immediateBody).hasSuffix(" (request id: \(id))"))
    #expect(reply.immediateHeaders["request-id"] == nil)
    let denied = try #require(
      gateway.check(
        Message.check(Message.headers([(":path", "/v1/messages")], without: ["authorization"]))))
    #expect(denied.deniedHeaders["request-id"] == denied.deniedHeaders["x-ai-request-id"])
    #expect(denied.deniedHeaders["request-id"]?.hasPrefix("req_") == true)
  }
}

/// Credentials that name no single caller: the same words to the client, and a line for the operator.
@Suite struct CredentialConflictTests {
  @Test(
    arguments: [
      (
        [("x-api-key", "key-three")],
        "a request of tenant tenant-a, tenant-b was refused: credentials disagree (authorization, x-api-key)"
      ),
      (
        [("x-api-key", "key-two")],
        "a request of tenant tenant-a was refused: credentials disagree (authorization, x-api-key)"
      ),
      (
        [("x-api-key", "none")],
        "a request of tenant tenant-a was refused: credentials disagree (authorization, x-api-key)"
      ),
      (
        [("authorization", "Bearer key-one"), ("authorization", "Bearer key-three")],
        "a request of tenant tenant-b was refused: "
          + "a credential header is given more than once (authorization)"
      ),
      (
        [("authorization", "Bearer key-one, Bearer key-three")],
        "a request of tenant tenant-a, tenant-b was refused: "
          + "a credential header holds several values, joined by commas (authorization)"
      ),
      (
        [("authorization", "Bearer none,,,,,,,,,,, Bearer key-one")],
        "a request was refused: "
          + "a credential header holds several values, joined by commas (authorization)"
      ),
      (
        [("authorization", ",")],
        "a request was refused: "
          + "a credential header holds several values, joined by commas (authorization)"
      ),
    ] as [(EnvoyMessage.Headers, String)])
  func `the log names the headers and the tenants, and no value`(
    headers: EnvoyMessage.Headers, line: String
  ) throws {
    let gateway = try TestGateway()
    let without: Set = headers[0].0 == "authorization" ? ["authorization"] : Set<String>()
    let message = Message.headers(headers, without: without)
    let reply = gateway.process().send(Message.requestHeaders(message))[0]
    #expect(reply.code == "invalid_api_key")
    #expect(gateway.log.messages == [line])
    #expect(!gateway.log.messages.contains { $0.contains("key-") })
  }

  @Test func `one credential that is unknown, expired or missing is no conflict`() throws {
    let gateway = try TestGateway()
    for value in ["Bearer key-none", "Bearer key-old", "", "Basic x"] {
      _ = gateway.process().send(
        Message.requestHeaders(
          Message.headers([("authorization", value)], without: ["authorization"])))
    }
    _ = gateway.process().send(
      Message.requestHeaders(Message.headers([], without: ["authorization"])))
    #expect(gateway.log.messages.isEmpty)
  }
}
