import Testing

@testable import Gateway

/// Spans cannot stand inside an expectation.
private func steers(_ name: String) -> Bool { SteeringHeader.isSpelled(Array(name.utf8).span) }
private func isWellFormed(_ id: [UInt8]) -> Bool { RequestIDs.isWellFormed(id.span) }
private func mediaType(_ text: String) -> MediaType { MediaType(Array(text.utf8).span) }
private func looksLikeJWT(_ text: String) -> Bool {
  Identification.looksLikeJWT(Array(text.utf8).span)
}

@Suite struct HeaderNameTests {
  /// Every way to write `_` for `-` in a name, in both cases.
  private func spellings(_ name: String) -> [String] {
    var all = [""]
    for letter in name {
      all = all.flatMap { letter == "-" ? [$0 + "-", $0 + "_"] : ["\($0)\(letter)"] }
    }
    return all + all.map { $0.uppercased() }
  }

  @Test func `every header that Tollgate sets steers, in every spelling`() {
    #expect(HeaderName.ofRequest.count == 12)
    for name in HeaderName.ofRequest {
      for spelling in spellings("\(name)") { #expect(steers(spelling), "\(spelling)") }
    }
  }

  @Test(arguments: [
    // Endpoint pickers': the model, the endpoint, what they dropped.
    "x-gateway-model-name-rewrite", "x-llm-d-model-name-rewrite", "x-gateway-destination-endpoint",
    "x-gateway-destination-endpoint-served", "x-gateway-destination-endpoint-subset",
    "x-gateway-anything-new", "x-llm-d-anything-new", "x-llm-d-request-dropped-reason",
    // The sidecars' beside model servers.
    "x-prefiller-host-port", "x-prefiller-url", "x-data-parallel-host-port",
    "x-encoder-hosts-ports", "x-kv-cache-source-host-port",
    // Another method, path or host than the request's.
    "x-http-method-override", "x-http-method", "x-method-override", "x-original-url",
    "x-original-uri", "x-original-host", "x-original-path", "x-rewrite-url",
  ])
  func `what others behind Tollgate go by steers, in every spelling`(_ name: String) {
    for spelling in spellings(name) { #expect(steers(spelling), "\(spelling)") }
  }

  @Test func `a client's own headers do not steer`() {
    for name in [
      "x-ai-models", "x-ai-mode", "x-ai", "x-session-id", "ai-tenant", "x-ai-tenants",
      "xx-ai-tenant", "", "x-gateway", "gateway-model-name", "x-llm-model", "x-original",
      "x-http-methods", "x-forwarded-host", "x-forwarded-for", "x-request-id", "x-original-for",
      "x-stainless-lang", "x-", "x-data", "x--gateway-x",
    ] {
      #expect(!steers(name), "\(name)")
    }
  }

  @Test func `any credential's header is a secret, the policy's and the usual ones`() throws {
    let policy = try TestGateway.load(
      testPolicy().replacing(#"["authorization", "x-api-key"]"#, with: #"["x-my-key"]"#))
    let names = PolicyHeaderNames(policy)
    for name in [
      "x-my-key", "X_My_Key", "authorization", "x-api-key", "X_API_KEY", "api-key", "api_key",
      "x-goog-api-key", "proxy-authorization", "Proxy_Authorization",
    ] {
      let bytes = Array(name.utf8)
      let isSecret = names.isSecret(bytes.span)
      #expect(isSecret, "\(name)")
      #expect(names.lengths & PolicyHeaderNames.bit(ofLength: bytes.count) != 0)
    }
    for name in ["x-my-keys", "my-key", "www-authenticate", "apikey", "cookie", ""] {
      let bytes = Array(name.utf8)
      let isSecret = names.isSecret(bytes.span)
      #expect(!isSecret, "\(name)")
    }
  }

  @Test func `an id is well-formed as it is made, and sorts by time`() {
    var ids = RequestIDs(seed: Xoshiro256(words: (1, 2, 3, 4)))
    let first = ids.next(unixMilliseconds: 1_700_000_000_000)
    let second = ids.next(unixMilliseconds: 1_700_000_000_001)
    #expect(isWellFormed(first))
    #expect(String(decoding: first.prefix(14), as: UTF8.self) == "req_01HF7YAT00")
    #expect(first.lexicographicallyPrecedes(second))
    var other = first
    other[7] = UInt8(ascii: "U")
    #expect(!isWellFormed(other))
    #expect(!isWellFormed(Array(first.dropLast())))
  }

  @Test func `a name becomes one segment of a path`() {
    #expect(
      BodyDecision.segment(Array("meta-llama/Llama 3.1~x_y%".utf8))
        == Array("meta-llama%2FLlama%203.1~x_y%25".utf8))
  }

  @Test func `a thousand ids are a thousand, whatever the random words`() {
    var ids = RequestIDs(seed: Xoshiro256(words: (.max, .max, .max, .max)))
    let made = Set((0..<1000).map { _ in ids.next(unixMilliseconds: .max) })
    #expect(made.count == 1000)
    #expect(made.allSatisfy(isWellFormed))
  }

  @Test(arguments: [
    ("application/json", MediaType.json), ("Application/JSON ; charset=UTF-8", .json),
    ("application/json;charset=\"utf-8\"", .json), ("application/json; charset=utf-16", .other),
    ("application/jsonp", .other), ("text/json", .other), ("", .other),
    ("multipart/form-data; boundary=x", .multipart), ("multipart/mixed; boundary=x", .other),
    ("application/grpc", .grpc), ("application/grpc+proto", .grpc),
    ("application/json; v=1; charset=latin1", .other),
    ("application/json; charset =utf-7", .other),
    ("application/json; charset*=us-ascii''utf-7", .other),
    ("application/json; charset=utf-8; charset=utf-7", .other),
    ("application/json; v=1", .json), ("application/json;\u{a0}charset=utf-7", .other),
    ("application/json;", .json), (" application/json", .other), ("application/json ", .json),
    // What is no parameter, or one that readers cut differently.
    ("application/json; v", .other), ("application/json; v=", .other),
    ("application/json; v=1 2", .other), ("application/json; v=1; v=2", .other),
    ("application/json; v=\"1", .other), ("application/json; v=\"\\a\"", .other),
    ("application/json; v=a/b", .other), ("application/json; v=\"a/b; c\"", .json),
    ("application/json; charset=utf-8; charset=utf-8", .other),
    ("application/json; v=\";charset=utf-7\"", .other),
    ("application/json; v=\";charset=utf-8\"", .other),
    ("application/json; v=\"\u{e9}\"", .other),
    ("APPLICATION/GRPC;garbage", .grpc), (" application/grpc", .other),
    ("multipart/form-data; boundary", .multipart),
  ])
  func `a content type is read without case and with its charset`(
    _ text: String, _ expected: MediaType
  ) {
    #expect(mediaType(text) == expected)
  }

  @Test(arguments: [
    ("a.b.c", true), ("eyJh.eyJz.c2ln", true), ("a.b", false), ("a..c", false), (".b.c", false),
    ("a.b.", false), ("a.b.c.d", false), ("a.b.c=", false), ("tg_abc", false), ("", false),
  ])
  func `three base64url parts look like a JWT`(_ text: String, _ expected: Bool) {
    #expect(looksLikeJWT(text) == expected)
  }
}
