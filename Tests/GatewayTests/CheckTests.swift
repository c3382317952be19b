import EnvoyAPI
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

@Suite struct CheckTests {
  @Test func `an allowed Check sets identity, takes out what must not go on, hands identity over`()
    throws
  {
    let gateway = try TestGateway()
    for rawHeaders in [true, false] {
      let answer = try #require(
        gateway.check(
          Message.check(
            Message.headers([
              ("x-ai-model-route", "forged"), ("x_ai_tenant", "b"), ("accept-encoding", "br"),
            ]),
            rawHeaders: rawHeaders)))
      #expect(answer.isAllowed)
      #expect(answer.set["x-ai-tenant"] == "tenant-a")
      #expect(answer.set["x-ai-subject"] == "svc:one")
      #expect(answer.set["x-ai-model-route"] == nil)
      #expect(
        answer.removed == [
          "x-ai-model-route", "x_ai_tenant", "authorization", "accept-encoding", "x-ai-model",
          "x-ai-traffic-class", "x-ai-stream", "x-gateway-model-name",
          "x-gateway-inference-objective", "x-llm-d-inference-objective",
        ])
      #expect(answer.metadata["tenant"] == "tenant-a")
      #expect(answer.metadata["key_id"] == "one")
    }
  }

  @Test func `what Check hands over is who calls, for ext_proc behind it`() throws {
    let gateway = try TestGateway()
    let answer = try #require(gateway.check(Message.check(Message.headers())))
    for (fields, tenant) in [
      (answer.metadata, "tenant-a" as String?),
      (answer.metadata.merging(["key_id": "old"]) { $1 }, nil),
      (answer.metadata.merging(["tenant": "tenant-x"]) { $1 }, nil),
    ] {
      let stream = gateway.process()
      stream.send(
        Message.requestHeaders(
          Message.headers(without: ["authorization"]),
          metadata: { writer in
            Message.namespace("envoy.filters.http.ext_authz", &writer) {
              Message.structEntry("tollgate", fields, &$0)
            }
          }))
      let replies = stream.send(Message.body(.requestBody, #"{"model":"llama"}"#))
      #expect(replies.first?.set["x-ai-tenant"] == tenant)
      if tenant != nil {
        #expect(replies.first?.set["x-ai-request-id"] == answer.metadata["request_id"])
      }
    }
  }

  @Test func `two credentials of one tenant that name two callers disagree`() throws {
    let gateway = try TestGateway()
    for (subject, isRefused) in [("svc:one", false), ("svc:two", true)] {
      let stream = gateway.process()
      let replies = stream.send(
        Message.requestHeaders(
          Message.headers(),
          metadata: { writer in
            Message.namespace("envoy.filters.http.ext_authz", &writer) {
              Message.structEntry("tollgate", ["tenant": "tenant-a", "subject": subject], &$0)
            }
          }))
      #expect(replies.map(\.immediateStatus) == [isRefused ? 401 : nil])
    }
  }

  @Test func `a certificate's principal is an identity where nothing contradicts it`() throws {
    let gateway = try TestGateway()
    let uri = "spiffe://cluster.local/ns/a/sa/worker"
    let bare = Message.headers(without: ["authorization"])
    let allowed = try #require(gateway.check(Message.check(bare, principal: uri)))
    #expect(allowed.set["x-ai-subject"] == uri)
    let stranger = try #require(
      gateway.check(Message.check(bare, principal: "spiffe://cluster.local/ns/z/sa/worker")))
    #expect(stranger.deniedStatus == 401)
    let contradicted = try #require(
      gateway.check(
        Message.check(Message.headers([("authorization", "Bearer key-three")]), principal: uri)))
    #expect(contradicted.deniedStatus == 401)
    let stream = gateway.process()
    let replies = stream.send(
      Message.requestHeaders(
        bare, attributes: ["connection.uri_san_peer_certificate": uri]))
    #expect(replies.map(\.kind) == [1])
  }

  @Test func `a JWT counts with its verified claims, and only the configured issuer's`() throws {
    let policy = testPolicy(
      auth: """
        jwt: [{ issuer: "https://issuer", metadata_key: "jwt", tenant_claim: "tenant",
                subject_claim: "sub" }],
        """)
    let token = Message.headers([("authorization", "Bearer aaa.bbb.ccc")])
    for (claims, status) in [
      (["iss": "https://issuer", "tenant": "tenant-a", "sub": "alice"], nil as Int?),
      (["iss": "https://other", "tenant": "tenant-a", "sub": "alice"], 401),
      (["iss": "https://issuer", "tenant": "tenant-x", "sub": "alice"], 401),
      (["iss": "https://issuer", "tenant": "tenant-a"], 401),
      (["iss": "https://issuer", "tenant": "tenant-a", "sub": "a\nb"], 401),
      (["iss": "https://issuer", "tenant": "tenant-b", "sub": "alice"], 403),
      ([:], 401),
    ] as [([String: String], Int?)] {
      let gateway = try TestGateway(policy)
      let stream = gateway.process()
      let replies = stream.send(
        Message.requestHeaders(
          token,
          metadata: { writer in
            Message.namespace("envoy.filters.http.jwt_authn", &writer) {
              if !claims.isEmpty { Message.structEntry("jwt", claims, &$0) }
            }
          }))
      #expect(replies.map(\.immediateStatus) == [status], "\(claims)")
    }
  }

  @Test func `where JWTs are configured, Check leaves their callers to ext_proc`() throws {
    let gateway = try TestGateway(
      testPolicy(
        auth: """
          jwt: [{ issuer: "https://issuer", metadata_key: "jwt", tenant_claim: "tenant",
                  subject_claim: "sub" }],
          """))
    let answer = try #require(
      gateway.check(
        Message.check(
          Message.headers([("authorization", "Bearer aaa.bbb.ccc"), ("x-ai-tenant", "b")]))))
    #expect(answer.isAllowed)
    #expect(answer.set.isEmpty)
    #expect(answer.removed == ["x-ai-tenant", "x-ai-model-route"])
    #expect(answer.metadata.isEmpty)
  }

  @Test func `ext_authz alone inspects the body, chooses and sets everything`() throws {
    let gateway = try TestGateway(Self.enforcing)
    let chat = #"{"model":"plain","stream":true}"#
    for rawBody in [true, false] {
      let answer = try #require(
        gateway.check(
          Message.check(Message.headers(), body: chat, rawBody: rawBody)))
      #expect(answer.isAllowed)
      #expect(answer.set["x-ai-model-route"] == "plain-v1")
      #expect(answer.set["x-ai-stream"] == "true")
      #expect(answer.set["x-gateway-model-name"] == "plain")
      #expect(!answer.removed.contains("x-ai-model-route"))
      #expect(answer.metadata["model_route"] == "plain-v1")
    }
    for (body, headers, status) in [
      (nil, Message.headers(), 400),
      (chat, Message.headers([("x-envoy-auth-partial-body", "true")]), 413),
      (chat, Message.headers([("content-length", "500")]), 413),
      (#"{"model":"none"}"#, Message.headers(), 404),
    ] as [(String?, EnvoyMessage.Headers, Int)] {
      let answer = try #require(gateway.check(Message.check(headers, body: body)))
      #expect(answer.deniedStatus == status)
    }
  }

  @Test func `ext_authz alone sets the response's headers, as of the reservation`() throws {
    let body = #"{"model":"llama","max_tokens":50}"#
    for path in ["/v1/chat/completions", "/v1/messages", "/files"] {
      let kept = try KeptGateway(keptPolicy(requests: 10, tokens: 1000, enforceAt: "ext_authz"))
      let answer = try #require(
        kept.gateway.check(Message.check(Message.headers([(":path", path)]), body: body)))
      let id = try #require(answer.set["x-ai-request-id"])
      #expect(answer.onResponse["x-ai-request-id"] == id)
      #expect(
        answer.onResponse["x-ai-model-route"] == (path == "/files" ? "files-v1" : "chat-v1"))
      let names =
        path == "/v1/messages"
        ? ("anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining")
        : ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
      #expect(answer.onResponse[names.0] == "10")
      #expect(answer.onResponse[names.1] == "9")
      #expect(answer.onResponse.keys.contains { $0.contains("tokens") } == (path != "/files"))
      // Nobody's answer has another's.
      let denied = try #require(
        kept.gateway.check(Message.check(Message.headers(without: ["authorization"]))))
      #expect(denied.onResponse.isEmpty)
      _ = try kept.close()
    }
    // Where ext_proc decides it sets them.
    let gateway = try TestGateway()
    #expect(try #require(gateway.check(Message.check(Message.headers()))).onResponse.isEmpty)
  }

  @Test func `ext_proc behind an enforcing ext_authz follows it, and refuses without it`() throws {
    let gateway = try TestGateway(Self.enforcing)
    let answer = try #require(
      gateway.check(Message.check(Message.headers(), body: #"{"model":"plain"}"#)))
    let followed = gateway.process().send(
      Message.requestHeaders(
        Message.headers(without: ["authorization"]),
        metadata: { writer in
          Message.namespace("envoy.filters.http.ext_authz", &writer) {
            Message.structEntry("tollgate", answer.metadata, &$0)
          }
        }))
    #expect(followed.map(\.kind) == [1])
    #expect(followed[0].removed.isEmpty)
    let alone = gateway.process().send(Message.requestHeaders(Message.headers()))
    #expect(alone.map(\.immediateStatus) == [500])
  }

  /// The test policy for ext_authz: nothing that needs a rewrite.
  private static let enforcing = testPolicy("enforce_at: \"ext_authz\",")
    .replacing("aliases: [\"l3\"], ", with: "")

  @Test func `a malformed Check fails the call`() throws {
    #expect(try TestGateway().check([0xff, 0xff]) == nil)
  }
}
