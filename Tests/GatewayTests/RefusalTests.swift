import EnvoyAPI
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

/// A request that is refused, by ext_proc and by ext_authz alike, and with what.
private struct Case: CustomStringConvertible {
  let description: String
  let headers: EnvoyMessage.Headers
  let body: String?
  let status: Int
  let code: String

  init(
    _ description: String, _ more: EnvoyMessage.Headers = [], without: Set<String> = [],
    body: String? = nil, _ status: Int, _ code: String
  ) {
    self.description = description
    headers = EnvoyMessage.headers(more, without: without)
    self.body = body
    self.status = status
    self.code = code
  }
}

private let atTheHead: [Case] = [
  Case("no credential", without: ["authorization"], 401, "invalid_api_key"),
  Case("an unknown key", [("authorization", "Bearer key-none")], 401, "invalid_api_key"),
  Case("an expired key", [("authorization", "Bearer key-old")], 401, "invalid_api_key"),
  Case("a disabled key", [("authorization", "Bearer key-off")], 401, "invalid_api_key"),
  Case("an empty credential", [("authorization", "")], 401, "invalid_api_key"),
  Case("a bearer of nothing", [("authorization", "Bearer ")], 401, "invalid_api_key"),
  Case("no scheme", [("authorization", "key-one")], 401, "invalid_api_key"),
  Case("Basic", [("authorization", "Basic a2V5LW9uZQ==")], 401, "invalid_api_key"),
  Case(
    "a repeated credential",
    [("authorization", "Bearer key-one"), ("authorization", "Bearer key-one")], 401,
    "invalid_api_key"),
  Case(
    "a comma-joined credential", [("authorization", "Bearer key-one,Bearer key-one")], 401,
    "invalid_api_key"),
  Case(
    "an over-long credential",
    [("authorization", "Bearer " + String(repeating: "k", count: 1024))], 401, "invalid_api_key"),
  Case("two keys", [("x-api-key", "key-two")], 401, "invalid_api_key"),
  Case("two tenants' keys", [("x-api-key", "key-three")], 401, "invalid_api_key"),
  Case("a good key beside an unknown one", [("x-api-key", "nope")], 401, "invalid_api_key"),
  Case("an unverified JWT", [("authorization", "Bearer aaa.bbb.ccc")], 401, "invalid_api_key"),
  Case(
    "an unverified JWT beside a key",
    [("authorization", "Bearer aaa.bbb.ccc"), ("x-api-key", "key-one")], 401, "invalid_api_key"),
  Case("another tenant's host", [(":authority", "b.example.com")], 403, "tenant_mismatch"),
  Case("nobody's host", [(":authority", "c.example.com")], 403, "tenant_mismatch"),
  Case("no host", without: [":authority"], 403, "tenant_mismatch"),
  Case("another path", [(":path", "/v1/embeddings")], 403, "path_not_allowed"),
  Case("an unknown path", [(":path", "/admin")], 403, "path_not_allowed"),
  Case("an encoded slash", [(":path", "/v1/chat%2fcompletions")], 403, "path_not_allowed"),
  Case("dots", [(":path", "/v1/./chat/completions")], 403, "path_not_allowed"),
  Case("two slashes", [(":path", "//v1/chat/completions")], 403, "path_not_allowed"),
  Case("a semicolon", [(":path", "/v1/chat/completions;x")], 403, "path_not_allowed"),
  Case("a trailing slash", [(":path", "/v1/chat/completions/")], 403, "path_not_allowed"),
  Case("another method", [(":method", "GET")], 405, "method_not_allowed"),
  Case("a POST of the list", [(":path", "/v1/models")], 405, "method_not_allowed"),
  Case("an upgrade", [("upgrade", "websocket")], 426, "unsupported_upgrade"),
  Case("CONNECT", [(":method", "CONNECT")], 426, "unsupported_upgrade"),
  Case("gzip", [("content-encoding", "gzip")], 415, "unsupported_encoding"),
  Case("no content type", without: ["content-type"], 415, "unsupported_media_type"),
  Case("text", [("content-type", "text/plain")], 415, "unsupported_media_type"),
  Case(
    "two content types", [("content-type", "application/json"), ("content-type", "text/plain")],
    415, "unsupported_media_type"),
  Case(
    "UTF-16", [("content-type", "application/json; charset=utf-16")], 415, "unsupported_media_type"),
  Case("a long content-length", [("content-length", "65537")], 413, "request_too_large"),
  Case("a content-length of letters", [("content-length", "1x")], 400, "invalid_value"),
]

private let unsupported = "unsupported_parameter"

private let atTheBody: [Case] = [
  Case("no JSON", body: "hello", 400, "invalid_json"),
  Case("no object", body: "[]", 400, "invalid_json"),
  Case("no model", body: "{}", 400, "missing_model"),
  Case("a null model", body: #"{"model":null}"#, 400, "missing_model"),
  Case("a numeric model", body: #"{"model":1}"#, 400, "invalid_value"),
  Case("two models", body: #"{"model":"llama","model":"llama"}"#, 400, "duplicate_key"),
  Case(
    "an escaped second model", body: #"{"model":"llama","mod\u0065l":"bge"}"#, 400, "duplicate_key"),
  Case("a folded model", body: #"{"model":"llama","MODEL":"bge"}"#, 400, "duplicate_key"),
  Case("an unknown model", body: #"{"model":"gpt"}"#, 404, "model_not_found"),
  Case("another tenant's model", body: #"{"model":"bge"}"#, 404, "model_not_found"),
  Case(
    "a bound over the model's", body: #"{"model":"llama","max_tokens":4097}"#, 400, "invalid_value"),
  Case("another model", body: #"{"model":"llama","models":["llama","bge"]}"#, 400, unsupported),
  Case("a fallback", body: #"{"model":"llama","fallbacks":["bge"]}"#, 400, unsupported),
  Case("an escaped field", body: #"{"model":"llama","f\u0061llbacks":["bge"]}"#, 400, unsupported),
  Case("a folded field", body: #"{"model":"llama","Fallbacks":["bge"]}"#, 400, unsupported),
  Case("a way out", body: #"{"model":"llama","api_base":"https://x"}"#, 400, unsupported),
  Case("an adapter", body: #"{"model":"llama","extra_body":{"lora":"a"}}"#, 400, unsupported),
  Case(
    "a model inside", body: #"{"model":"llama","parameters":{"model":"bge"}}"#, 400, unsupported),
  Case("in the background", body: #"{"model":"llama","background":true}"#, 400, unsupported),
  Case("a field twice", body: #"{"model":"llama","models":[],"models":[]}"#, 400, "duplicate_key"),
  Case(
    "two bounds", body: #"{"model":"llama","max_tokens":1,"max_tokens":2}"#, 400, "duplicate_key"),
  Case("a bound of 0", body: #"{"model":"llama","max_completion_tokens":0}"#, 400, "invalid_value"),
  Case("a bound of text", body: #"{"model":"llama","max_tokens":"9"}"#, 400, "invalid_value"),
  Case("n of 0", body: #"{"model":"llama","n":0}"#, 400, "invalid_value"),
  Case("n of 129", body: #"{"model":"llama","n":129}"#, 400, "invalid_value"),
]

@Suite struct RefusalTests {
  @Test func `ext_proc refuses at the headers`() throws {
    let gateway = try TestGateway()
    for item in atTheHead {
      let stream = gateway.process()
      let replies = stream.send(Message.requestHeaders(item.headers))
      #expect(replies.map(\.immediateStatus) == [item.status], "\(item)")
      #expect(replies.first?.code == item.code, "\(item)")
      #expect(replies.first?.metadata["decision"] == "deny", "\(item)")
      #expect(replies.first?.metadata["reason"] == item.code, "\(item)")
      #expect(replies.first?.immediateHeaders["content-type"] == "application/json", "\(item)")
      stream.halfClose()
      #expect(stream.grpcStatus == 0, "\(item)")
    }
  }

  @Test func `ext_proc refuses at the body`() throws {
    let gateway = try TestGateway()
    for item in atTheBody {
      let stream = gateway.process()
      #expect(stream.send(Message.requestHeaders(item.headers)).map(\.kind) == [1], "\(item)")
      let replies = stream.send(Message.body(.requestBody, item.body ?? ""))
      #expect(replies.map(\.immediateStatus) == [item.status], "\(item)")
      #expect(replies.first?.code == item.code, "\(item)")
    }
  }

  @Test func `ext_authz denies the same at the headers`() throws {
    let gateway = try TestGateway()
    // Envoy joins repeated headers in the map without encode_raw_headers.
    for item in atTheHead where item.description != "no host" {
      let answer = try #require(gateway.check(Message.check(item.headers)), "\(item)")
      #expect(answer.deniedStatus == item.status, "\(item)")
      #expect(answer.code == item.code, "\(item)")
      #expect(answer.status != 0, "\(item)")
    }
  }

  @Test func `the words for a missing, an unknown and an expired key are the same`() throws {
    let gateway = try TestGateway()
    let bodies = Set(
      atTheHead.prefix(4).map { item in
        gateway.process().send(Message.requestHeaders(item.headers))[0].immediateBody
      })
    #expect(bodies.count == 1)
  }

  @Test func `a messages path speaks Anthropic's dialect, with the request's id`() throws {
    let gateway = try TestGateway()
    let stream = gateway.process()
    let reply = stream.send(
      Message.requestHeaders(
        Message.headers([(":path", "/v1/messages")], without: ["authorization"])))[0]
    let id = try #require(reply.metadata["request_id"])
    #expect(
      reply.immediateBody == """
        {"type":"error","error":{"type":"authentication_error","message":"The credential is \
        missing, unknown, revoked or expired."},"request_id":"\(id)"}
        """)
    #expect(reply.immediateHeaders["www-authenticate"] == "Bearer")
    #expect(reply.immediateHeaders["x-ai-request-id"] == id)
  }

  @Test func `an alias of a messages path speaks Anthropic's dialect to a stranger too`() throws {
    let gateway = try TestGateway(
      testPolicy(#"path_aliases: { "/anthropic/messages": "/v1/messages" }"#))
    for more in [[("authorization", "Bearer key-none")], [(":authority", "b.example.com")]] {
      let reply = gateway.process().send(
        Message.requestHeaders(Message.headers([(":path", "/anthropic/messages")] + more)))[0]
      #expect(reply.immediateBody.hasPrefix(#"{"type":"error","error":{"type":"#))
    }
  }

  @Test func `a gRPC request is refused with a gRPC status`() throws {
    let gateway = try TestGateway()
    let reply = gateway.process().send(
      Message.requestHeaders(
        Message.headers([("content-type", "application/grpc")], without: ["authorization"])))[0]
    #expect(reply.grpcStatus == 16)
  }

  @Test func `every code has a status, and types in both dialects`() {
    for code in RefusalCode.allCases {
      let refusal = Refusal(code, "m \"q\" \\ \n", parameter: "p")
      let openAI = String(
        decoding: refusal.body(anthropic: false, requestID: "req_1"), as: UTF8.self)
      #expect(openAI.hasSuffix(#""param":"p","code":"\#(code.rawValue)"}}"#))
      #expect(openAI.contains(#""message":"m \"q\" \\ \u000a""#))
      #expect((400...599).contains(code.status))
      #expect(code.grpcStatus != 0)
    }
  }

  @Test func `DEL is escaped in both dialects`() {
    let refusal = Refusal(.invalidValue, "m\u{7f}", parameter: "p\u{7f}")
    #expect(
      refusal.body(anthropic: false, requestID: "req_1")
        == Array(
          #"{"error":{"message":"m\u007f","type":"invalid_request_error","param":"p\u007f","#.utf8)
        + Array(#""code":"invalid_value"}}"#.utf8))
    #expect(
      refusal.body(anthropic: true, requestID: "req_1")
        == Array(
          #"{"type":"error","error":{"type":"invalid_request_error","message":"m\u007f"},"#.utf8)
        + Array(#""request_id":"req_1"}"#.utf8))
  }
}
