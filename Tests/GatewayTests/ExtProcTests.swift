import EnvoyAPI
import Testing
import Transport

@testable import Gateway

private typealias Message = EnvoyMessage

private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

@Suite struct ExtProcTests {
  @Test func `an admitted request gets its headers, its route and its metadata in one reply`()
    throws
  {
    let gateway = try TestGateway()
    let stream = gateway.process()
    let first = stream.send(
      Message.requestHeaders(
        Message.headers([("x-ai-tenant", "forged"), ("X_AI_Model", "x"), ("accept-encoding", "br")])
      ))
    #expect(first.count == 1)
    #expect(first[0].kind == 1)
    #expect(first[0].removed == ["x-ai-tenant", "X_AI_Model", "authorization", "accept-encoding"])
    #expect(first[0].clearsRoute)
    let second = stream.send(Message.body(.requestBody, chat))
    #expect(second.count == 1)
    let verdict = try #require(second.first)
    #expect(verdict.kind == 3)
    #expect(verdict.clearsRoute)
    #expect(verdict.body == nil)
    let id = try #require(verdict.set["x-ai-request-id"])
    #expect(
      verdict.set == [
        "x-ai-tenant": "tenant-a", "x-ai-subject": "svc:one", "x-ai-model": "llama",
        "x-ai-model-route": "chat-v1", "x-ai-traffic-class": "interactive", "x-ai-stream": "false",
        "x-ai-request-id": id, "x-gateway-model-name": "llama",
        "x-gateway-inference-fairness-id": "tenant-a",
        "x-gateway-inference-objective": "interactive",
        "x-llm-d-inference-fairness-id": "tenant-a",
        "x-llm-d-inference-objective": "interactive",
      ])
    #expect(
      verdict.metadata == [
        "tenant": "tenant-a", "subject": "svc:one", "key_id": "one", "model": "llama",
        "model_route": "chat-v1", "class": "interactive", "request_id": id, "decision": "allow",
      ])
    let response = stream.send(Message.responseHeaders())
    #expect(response.map(\.kind) == [2])
    #expect(response[0].set == ["x-ai-model-route": "chat-v1", "x-ai-request-id": id])
    #expect(stream.send(Message.body(.responseBody, "{}")).map(\.kind) == [4])
    stream.halfClose()
    #expect(stream.grpcStatus == 0)
  }

  @Test func `the route cache is cleared wherever anything is taken out`() throws {
    let gateway = try TestGateway()
    let first = gateway.process().send(
      Message.requestHeaders(
        Message.headers([("x-api-key", "key-one")], without: ["authorization"])))
    #expect(first[0].removed == ["x-api-key"])
    #expect(first[0].clearsRoute)
    let certified = gateway.process().send(
      Message.requestHeaders(
        Message.headers(without: ["authorization"]),
        attributes: [
          "connection.uri_san_peer_certificate": "spiffe://cluster.local/ns/a/sa/worker"
        ]))
    #expect(certified[0].kind == 1 && certified[0].removed.isEmpty)
    #expect(!certified[0].clearsRoute)
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed], [1000, Int.max])
  func `a body that the buffers cannot hold is 503 in JSON`(_ mode: BodyMode, _ step: Int) throws {
    guard mode == .fullDuplexStreamed || step != .max else { return }
    var limits = TransportLimits()
    limits.streamBufferBytesMax = 32 << 10
    for last in [true, false] {
      let gateway = try TestGateway(limits: limits)
      gateway.step = step
      let stream = gateway.process()
      stream.send(Message.requestHeaders(Message.headers(), modes: (mode, .streamed)))
      let text = #"{"messages":[{"content":"\#(String(repeating: "x", count: 33_000))"#
      let reply = try #require(
        stream.send(Message.body(.requestBody, text, endOfStream: last)).first)
      #expect(reply.immediateStatus == 503)
      #expect(reply.code == "overloaded")
      #expect(reply.immediateHeaders["retry-after"] == "1")
      #expect(stream.send(Message.body(.requestBody, "x")).isEmpty)
      stream.halfClose()
      #expect(stream.grpcStatus == 0)
    }
  }

  @Test(arguments: ["/v1/chat/completions", "/files"])
  func `what steers others and any credential goes, on every path and by both filters`(
    _ path: String
  ) throws {
    let forged: EnvoyMessage.Headers = [
      ("x-gateway-model-name-rewrite", "bge"), ("x_gateway_model_name_rewrite", "bge"),
      ("x-llm-d-model-name-rewrite", "bge"), ("x-prefiller-host-port", "10.0.0.1:80"),
      ("x_data_parallel_host_port", "10.0.0.1:80"), ("x-http-method-override", "DELETE"),
      ("x-original-url", "/admin"), ("x-rewrite-url", "/admin"),
      ("proxy-authorization", "Basic eA=="), ("x-goog-api-key", "other"), ("api-key", "other"),
      ("x_api_key", "other"),
    ]
    let names = Set(forged.map(\.0))
    let headers = Message.headers([(":path", path), ("x-mine", "kept")] + forged)
    for mode in [BodyMode.buffered, .fullDuplexStreamed] {
      let stream = try TestGateway().process()
      var replies = stream.send(Message.requestHeaders(headers, modes: (mode, mode)))
      if replies.first?.set.isEmpty ?? true {
        replies += stream.send(Message.body(.requestBody, chat))
      }
      let removed = replies.reduce(into: Set<String>()) { $0.formUnion($1.removed) }
      #expect(removed.isSuperset(of: names.union(["authorization"])))
      #expect(!removed.contains("x-mine"))
      #expect(replies.contains { $0.set["x-ai-model-route"] != nil })
    }
    let check = try #require(TestGateway().check(Message.check(headers)))
    #expect(check.isAllowed && check.removed.isSuperset(of: names.union(["authorization"])))
  }

  @Test func `trailers lose what steers and what may be a credential`() throws {
    let stream = try TestGateway().process()
    stream.send(Message.requestHeaders(Message.headers()))
    stream.send(Message.body(.requestBody, chat, endOfStream: false))
    let replies = stream.send(
      Message.trailers(
        .requestTrailers,
        [("x_llm_d_model_name_rewrite", "bge"), ("api-key", "other"), ("x-checksum", "1")]))
    #expect(replies.map(\.removed) == [["x_llm_d_model_name_rewrite", "api-key"]])
  }

  @Test func `nothing is taken out of a request that has nothing of the kind`() throws {
    let stream = try TestGateway().process()
    let replies = stream.send(
      Message.requestHeaders(
        Message.headers([("x-mine", "1")], without: ["authorization"]),
        attributes: [
          "connection.uri_san_peer_certificate": "spiffe://cluster.local/ns/a/sa/worker"
        ]))
    #expect(replies.map(\.removed) == [[]])
    #expect(replies.map { $0.tree.bytes.count } == [4])
  }

  @Test func `a token that is no key's place is removed too`() throws {
    let policy = testPolicy(
      auth: #"jwt: [{ issuer: "i", metadata_key: "jwt", tenant_claim: "t" }]"#
    ).replacing(#"["authorization", "x-api-key"]"#, with: #"["x-api-key"]"#)
    let first = try TestGateway(policy).process().send(
      Message.requestHeaders(
        Message.headers([("authorization", "Bearer a.b.c"), ("x-api-key", "key-one")])))
    #expect(first[0].removed == ["x-api-key", "authorization"])
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed])
  func `a body that goes back counts once, not as kept and as sent`(_ mode: BodyMode) throws {
    var limits = TransportLimits()
    limits.streamBufferBytesMax = 96 << 10
    let gateway = try TestGateway(limits: limits)
    gateway.step = 1000
    let filler = String(repeating: "x", count: 60_000)
    let body = #"{"messages":[{"content":"\#(filler)"}],"model":"l3"}"#
    let stream = gateway.process()
    stream.send(Message.requestHeaders(Message.headers(), modes: (mode, .streamed)))
    let replies = stream.send(Message.body(.requestBody, body))
    #expect(replies.first?.set["x-ai-model"] == "llama")
    stream.halfClose()
    #expect(stream.grpcStatus == 0)
  }

  @Test(arguments: [1, 2, 3, 7, 64, 1000, Int.max])
  func `an alias is rewritten in place, with the new length, however the bytes are cut`(
    _ step: Int
  ) throws {
    let gateway = try TestGateway()
    gateway.step = step
    let filler = String(repeating: "x", count: 40_000)
    for (before, after) in [
      (#"{"model":"l3","messages":[]}"#, #"{"model":"llama","messages":[]}"#),
      (
        #"{"messages":[{"content":"\#(filler)"}],"model":"l3"}"#,
        #"{"messages":[{"content":"\#(filler)"}],"model":"llama"}"#
      ),
    ] {
      let stream = gateway.process()
      stream.send(Message.requestHeaders(Message.headers()))
      let verdict = try #require(stream.send(Message.body(.requestBody, before)).first)
      #expect(verdict.body == after)
      #expect(verdict.set["content-length"] == String(after.utf8.count))
      #expect(verdict.set["x-ai-model"] == "llama")
    }
  }

  @Test func `a full-duplex body waits for its verdict and comes back in pieces`() throws {
    for step in [5, 1000, Int.max] {
      let gateway = try TestGateway()
      gateway.step = step
      let stream = gateway.process()
      #expect(
        stream.send(
          Message.requestHeaders(
            Message.headers([("x-ai-model", "x")]),
            modes: (.fullDuplexStreamed, .fullDuplexStreamed))
        ).isEmpty)
      #expect(
        stream.send(Message.body(.requestBody, #"{"model":"#, endOfStream: false)).isEmpty)
      let replies = stream.send(Message.body(.requestBody, #""l3","stream":true}"#))
      #expect(replies.map(\.kind) == [1, 3])
      #expect(replies[0].removed == ["x-ai-model", "authorization"])
      #expect(replies[0].set["x-ai-stream"] == "true")
      #expect(replies[0].clearsRoute)
      #expect(replies[1].streamed == #"{"model":"llama","stream":true}"#)
      #expect(replies[1].streamedEnd)
      #expect(stream.send(Message.responseHeaders()).map(\.kind) == [2])
      let part = stream.send(Message.body(.responseBody, "data: x\n\n", endOfStream: false))
      #expect(part.compactMap(\.streamed).joined() == "data: x\n\n")
      #expect(!part.contains { $0.streamedEnd })
      let end = stream.send(Message.body(.responseBody, "", endOfStream: true))
      #expect(end.map(\.streamed) == [""])
      #expect(end.allSatisfy { $0.streamedEnd })
      stream.halfClose()
      #expect(stream.grpcStatus == 0)
    }
  }

  @Test(arguments: [61_999, 62_000, 62_001, 124_000, 124_001, 200_000], [1000, Int.max])
  func `full-duplex pieces have at most 62,000 bytes, both ways`(_ size: Int, _ step: Int) throws {
    #expect(ExtProcExchange.duplexPieceBytes == 62_000)
    var limits = TransportLimits()
    limits.streamBufferBytesMax = 1 << 20
    func checkPieces(_ replies: [ProcAnswer], _ text: String) {
      let pieces = replies.compactMap { $0.tree.at(($0.kind ?? 1), 1, 3, 3, 1)?.bytes.count }
      #expect(pieces.allSatisfy { $0 <= 62_000 } && !pieces.isEmpty)
      #expect(replies.compactMap(\.streamed).joined() == text)
      #expect(replies.map(\.streamedEnd).filter { $0 }.count == 1)
      #expect(replies.last?.streamedEnd == true)
    }
    for path in ["/v1/chat/completions", "/files"] {
      let policy = testPolicy().replacing("max_body_bytes: 65536", with: "max_body_bytes: 1048576")
      let gateway = try TestGateway(policy, limits: limits)
      gateway.step = step
      let stream = gateway.process()
      stream.send(
        Message.requestHeaders(
          Message.headers([(":path", path)]), modes: (.fullDuplexStreamed, .fullDuplexStreamed)))
      let frame = #"{"model":"llama","x":""}"#
      let body =
        #"{"model":"llama","x":"\#(String(repeating: "y", count: size - frame.utf8.count))"}"#
      checkPieces(stream.send(Message.body(.requestBody, body)).filter { $0.streamed != nil }, body)
      stream.send(Message.responseHeaders())
      checkPieces(stream.send(Message.body(.responseBody, body)), body)
      stream.halfClose()
      #expect(stream.grpcStatus == 0)
    }
  }

  @Test func `a full-duplex body may end with trailers, which lose forged headers`() throws {
    let stream = try TestGateway().process()
    stream.send(
      Message.requestHeaders(
        Message.headers(), modes: (.fullDuplexStreamed, .fullDuplexStreamed)))
    stream.send(Message.body(.requestBody, chat, endOfStream: false))
    let replies = stream.send(
      Message.trailers(.requestTrailers, [("x-checksum", "1"), ("x-ai-model-route", "forged")]))
    #expect(replies.map(\.kind) == [1, 3, 5])
    #expect(replies[1].streamed == chat)
    #expect(!replies[1].streamedEnd)
    #expect(replies[2].removed == ["x-ai-model-route"])
  }

  @Test func `request trailers after a buffered body lose forged headers`() throws {
    let stream = try TestGateway().process()
    stream.send(Message.requestHeaders(Message.headers()))
    stream.send(Message.body(.requestBody, chat, endOfStream: false))
    let replies = stream.send(Message.trailers(.requestTrailers, [("x-ai-tenant", "b")]))
    #expect(replies.map(\.kind) == [5])
    #expect(replies[0].removed == ["x-ai-tenant"])
  }

  @Test func `trailers without a body are an empty body`() throws {
    let stream = try TestGateway().process()
    stream.send(Message.requestHeaders(Message.headers()))
    let replies = stream.send(Message.trailers(.requestTrailers))
    #expect(replies.map(\.immediateStatus) == [400])
  }

  @Test func `an uninspected path passes with its route and in any mode`() throws {
    for mode in [BodyMode.none, .streamed, .buffered] {
      let stream = try TestGateway().process()
      let replies = stream.send(
        Message.requestHeaders(
          Message.headers([(":path", "/files"), (":method", "PUT")]), modes: (mode, .streamed)))
      #expect(replies.map(\.kind) == [1])
      #expect(replies[0].set["x-ai-model-route"] == "files-v1")
      #expect(replies[0].set["x-ai-model"] == nil)
      #expect(
        replies[0].removed == [
          "authorization", "x-ai-model", "x-ai-traffic-class", "x-ai-stream",
          "x-gateway-model-name", "x-gateway-inference-objective", "x-llm-d-inference-objective",
        ])
      #expect(replies[0].clearsRoute)
    }
  }

  @Test func `the list of models is the caller's, without aliases`() throws {
    let stream = try TestGateway().process()
    let replies = stream.send(
      Message.requestHeaders(
        Message.headers([(":path", "/v1/models"), (":method", "GET")], without: ["content-type"]),
        endOfStream: true))
    #expect(replies.map(\.immediateStatus) == [200])
    let body = replies[0].immediateBody
    #expect(body.contains(#""id":"llama""#) && body.contains(#""id":"plain""#))
    #expect(!body.contains("l3") && !body.contains("bge"))
    #expect(replies[0].immediateHeaders["content-type"] == "application/json")
  }

  @Test(arguments: [
    ("/v1/models/llama", 200), ("/v1/models/l3", 200), ("/v1/models/bge", 404),
    ("/v1/models/none", 404),
  ])
  func `one model is shown where it is the caller's`(_ path: String, _ status: Int) throws {
    let stream = try TestGateway().process()
    let replies = stream.send(
      Message.requestHeaders(
        Message.headers([(":path", path), (":method", "GET")]), endOfStream: true))
    #expect(replies.map(\.immediateStatus) == [status])
  }

  @Test(
    arguments: [
      ("org%2Fname", 200, "org/name"), ("org%2fname", 200, "org/name"),
      ("org/name", 200, "org/name"),
      ("name%3Atag", 200, "name:tag"), ("name:tag", 200, "name:tag"),
      ("short%2Fname", 200, "short/name"),
      // Once, never twice.
      ("org%252Fname", 404, nil), ("a%252Fb", 200, "a%2Fb"), ("a%2Fb", 404, nil),
      ("org%2", 404, nil), ("org%zzname", 404, nil), ("%2e%2e%2fchat", 404, nil),
      ("org%00", 404, nil),
      ("org%2Fname?x=%2F", 200, "org/name"), ("../models/org", 404, nil), ("org//name", 404, nil),
      ("org%2Fname/", 404, nil), ("org;name", 404, nil),
    ] as [(String, Int, String?)])
  func `a model's id is decoded once, and answered under the name that was asked for`(
    _ id: String, _ status: Int, _ name: String?
  ) throws {
    let policy = testPolicy().replacing(
      #""plain": {"#,
      with: #"""
        "org/name": { aliases: ["short/name"], class: "interactive", routes: [{ name: "o" }] },
        "name:tag": { class: "interactive", routes: [{ name: "n" }] },
        "a%2Fb": { class: "interactive", routes: [{ name: "p" }] },
        "plain": {
        """#
    ).replacing(
      #"["llama", "plain"]"#, with: #"["llama", "plain", "org/name", "name:tag", "a%2Fb"]"#)
    let replies = try TestGateway(policy).process().send(
      Message.requestHeaders(
        Message.headers([(":path", "/v1/models/" + id), (":method", "GET")]), endOfStream: true))
    #expect(replies.map(\.immediateStatus) == [status])
    #expect(replies[0].immediateBody.contains("\"id\":\"\(name ?? "")\"") == (name != nil))
    // A path that servers read in two ways is none, whatever stands at its end.
    let isPath = !["..", "//", ";"].contains { id.contains($0) } && !id.hasSuffix("/")
    if status == 404 { #expect(replies[0].code == (isPath ? "model_not_found" : "unknown_path")) }
  }

  @Test func `whoever asks for models with anthropic-version is refused in that dialect`() throws {
    for (path, key) in [("/v1/models/none", "key-one"), ("/v1/models", "key-none")] {
      for (version, isAnthropic) in [([("anthropic-version", "2023-06-01")], true), ([], false)]
        as [(EnvoyMessage.Headers, Bool)]
      {
        let reply = try TestGateway().process().send(
          Message.requestHeaders(
            Message.headers(
              [(":path", path), (":method", "GET"), ("authorization", "Bearer \(key)")] + version),
            endOfStream: true))[0]
        #expect(reply.immediateBody.hasPrefix(#"{"type":"error""#) == isAnthropic)
      }
    }
  }

  @Test(arguments: ["/v1/responses", "/v1/chat/completions", "/v1/messages", "/files", "/nothing"])
  func `a WebSocket is 426 in the path's dialect, by both filters`(_ path: String) throws {
    let headers = Message.headers(
      [
        (":method", "GET"), (":path", path), ("connection", "Upgrade"), ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
      ], without: ["content-type"])
    let reply = try TestGateway().process().send(
      Message.requestHeaders(headers, endOfStream: true))[0]
    #expect(reply.immediateStatus == 426)
    #expect(
      reply.immediateBody.contains(
        path == "/v1/messages"
          ? #""type":"invalid_request_error""# : #""code":"unsupported_upgrade""#))
    #expect(try #require(TestGateway().check(Message.check(headers))).deniedStatus == 426)
    // HTTP/2's form of it (RFC 8441).
    let connect = Message.headers([(":method", "CONNECT"), (":protocol", "websocket")])
    #expect(
      try TestGateway().process().send(Message.requestHeaders(connect))[0].immediateStatus == 426)
  }

  @Test(arguments: [BodyMode.none, .streamed, .grpc])
  func `a mode that cannot enforce is refused and reported`(_ mode: BodyMode) throws {
    let gateway = try TestGateway()
    let stream = gateway.process()
    let replies = stream.send(
      Message.requestHeaders(Message.headers(), modes: (mode, .streamed)))
    #expect(replies.map(\.immediateStatus) == [500])
    #expect(replies[0].code == "gateway_misconfigured")
    #expect(gateway.log.messages.contains { $0.contains("request_body_mode") })
  }

  @Test func `a partial body is 413, a whole one in that mode is not`() throws {
    for (isWhole, expected) in [(false, 413), (true, nil as Int?)] as [(Bool, Int?)] {
      let stream = try TestGateway().process()
      stream.send(
        Message.requestHeaders(Message.headers(), modes: (.bufferedPartial, .streamed)))
      let replies = stream.send(Message.body(.requestBody, chat, endOfStream: isWhole))
      #expect(replies.map(\.immediateStatus) == [expected])
    }
  }

  @Test func `an older Envoy tells no modes: they are taken from what arrives`() throws {
    let stream = try TestGateway().process()
    stream.send(Message.requestHeaders(Message.headers(), modes: nil))
    #expect(stream.send(Message.body(.requestBody, chat))[0].set["x-ai-model"] == "llama")
  }

  @Test func `observability mode gets no reply, is reported, and never ends OK`() throws {
    let gateway = try TestGateway()
    let stream = gateway.process()
    #expect(
      stream.send(Message.requestHeaders(Message.headers(), observability: true)).isEmpty)
    #expect(stream.send(Message.body(.requestBody, chat)).isEmpty)
    #expect(stream.send(Message.responseHeaders()).isEmpty)
    stream.halfClose()
    #expect(stream.grpcStatus == 9)
    #expect(gateway.log.messages.contains { $0.contains("observability_mode") })
  }

  /// Promise 4: for every beginning of an exchange that has no verdict yet.
  @Test func `a stream that ends before its verdict ends non-OK`() throws {
    let headers = Message.requestHeaders(Message.headers())
    let duplex = Message.requestHeaders(
      Message.headers(), modes: (.fullDuplexStreamed, .fullDuplexStreamed))
    for messages in [
      [], [headers], [duplex], [duplex, Message.body(.requestBody, chat, endOfStream: false)],
      [[]], [Message.body(.requestBody, chat)], [headers, headers],
      [[0xff, 0xff]], [headers, [0x08]],
    ] {
      let stream = try TestGateway().process()
      for message in messages { stream.send(message) }
      stream.halfClose()
      #expect(stream.grpcStatus != 0, "\(messages.count)")
      #expect(stream.grpcStatus != nil)
    }
  }

  @Test func `a response without a request phase passes where it is Envoy's own`() throws {
    for (details, kind) in [("", 2), ("route_not_found", 2), ("via_upstream", 7)] {
      let gateway = try TestGateway()
      let stream = gateway.process()
      let replies = stream.send(
        Message.responseHeaders(
          attributes: details.isEmpty ? [:] : ["response.code_details": details]))
      #expect(replies.map(\.kind) == [kind], "\(details)")
      #expect(gateway.log.messages.isEmpty == (kind == 2 && !details.isEmpty))
    }
  }

  @Test func `a response to a request that waits for its verdict is withheld unless Envoy made it`()
    throws
  {
    for (details, status) in [
      ("", 500), ("via_upstream", 500), ("request_payload_too_large", nil as Int?),
    ] as [(String, Int?)] {
      let stream = try TestGateway().process()
      stream.send(Message.requestHeaders(Message.headers()))
      let replies = stream.send(
        Message.responseHeaders(
          attributes: details.isEmpty ? [:] : ["response.code_details": details]))
      #expect(replies.map(\.immediateStatus) == [status], "\(details)")
    }
  }

  @Test func `an exchange keeps the policy it began with`() throws {
    let gateway = try TestGateway()
    let stream = gateway.process()
    stream.send(Message.requestHeaders(Message.headers()))
    let other = try TestGateway(
      testPolicy().replacing("\"llama\":", with: "\"renamed\":")
        .replacing("[\"llama\", \"plain\"]", with: "[\"plain\"]"))
    gateway.loop.use(other.loop.policy.snapshot)
    #expect(stream.send(Message.body(.requestBody, chat))[0].set["x-ai-model"] == "llama")
    let next = gateway.process()
    next.send(Message.requestHeaders(Message.headers()))
    #expect(next.send(Message.body(.requestBody, chat))[0].code == "model_not_found")
  }

  @Test func `a body at the policy's limit passes, one byte over is 413`() throws {
    for (size, step) in [(65536, Int.max), (65537, Int.max), (65536, 999), (65537, 999)] {
      let gateway = try TestGateway()
      gateway.step = step
      let stream = gateway.process()
      stream.send(Message.requestHeaders(Message.headers()))
      let frame = #"{"model":"llama","x":""}"#
      let body =
        #"{"model":"llama","x":"\#(String(repeating: "y", count: size - frame.utf8.count))"}"#
      #expect(body.utf8.count == size)
      let replies = stream.send(Message.body(.requestBody, body))
      #expect(replies.map(\.immediateStatus) == [size > 65536 ? 413 : nil])
    }
  }

  @Test func `a response without request and without its origin passes, and is reported`() throws {
    let gateway = try TestGateway()
    #expect(gateway.process().send(Message.responseHeaders()).map(\.kind) == [2])
    #expect(gateway.log.messages.count == 1)
    let told = Message.responseHeaders(
      attributes: ["response.code_details": "route_not_found"])
    #expect(gateway.process().send(told).map(\.kind) == [2])
    #expect(gateway.log.messages.count == 1)
  }

  @Test func `a message that is gathered counts against the stream's limit too`() throws {
    for (padding, isOver) in [(10_000, false), (30_000, true)] {
      var limits = TransportLimits()
      limits.streamBufferBytesMax = 20_000
      let gateway = try TestGateway(limits: limits)
      gateway.step = 1000
      let stream = gateway.process()
      let headers = Message.headers([("x-padding", String(repeating: "p", count: padding))])
      let replies = stream.send(Message.requestHeaders(headers))
      #expect(replies.map(\.kind) == (isOver ? [] : [1]))
      #expect(stream.grpcStatus == (isOver ? 8 : nil))
    }
  }
}
