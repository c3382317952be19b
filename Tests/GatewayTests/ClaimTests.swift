import EnvoyAPI
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

/// What the claims of a verified token say of the caller.
@Suite struct ClaimTests {
  /// `rules`: of the entry in `auth.jwt`, beside issuer and metadata key.
  private func policy(_ rules: String) -> String {
    testPolicy(auth: #"jwt: [{ issuer: "https://issuer", metadata_key: "jwt", \#(rules) }],"#)
  }

  private struct Answer: Equatable {
    var status: Int?
    var tenant: String?
    var subject: String?
  }

  /// What ext_proc, and ext_authz where it decides, make of a token with these claims; the lines of
  /// both logs.
  private func ask(_ rules: String, _ claims: Claim) throws -> (answers: [Answer], log: [String]) {
    let token = Message.headers([("authorization", "Bearer aaa.bbb.ccc")])
    let gateway = try TestGateway(policy(rules))
    let stream = gateway.process()
    var replies = stream.send(Message.requestHeaders(token, metadata: claims.verified()))
    if replies.first?.immediateStatus == nil {
      replies = stream.send(Message.body(.requestBody, #"{"model":"plain"}"#))
    }
    let proc = try #require(replies.first)
    let enforcing = try TestGateway(
      policy(rules).replacing("version: 1,", with: #"version: 1, enforce_at: "ext_authz","#)
        .replacing(#"aliases: ["l3"], "#, with: ""))
    let check = try #require(
      enforcing.check(
        Message.check(token, body: #"{"model":"plain"}"#, metadata: claims.verified())))
    return (
      [
        Answer(
          status: proc.immediateStatus, tenant: proc.set["x-ai-tenant"],
          subject: proc.set["x-ai-subject"]),
        Answer(
          status: check.deniedStatus, tenant: check.set["x-ai-tenant"],
          subject: check.set["x-ai-subject"]),
      ], gateway.log.messages + enforcing.log.messages
    )
  }

  /// Whose the token is found to be, by both filters alike; nil where both refuse it with 401.
  private func caller(_ rules: String, _ claims: Claim) throws -> String? {
    let answers = try ask(rules, claims).answers
    #expect(answers[0] == answers[1])
    if answers[0].status == 401 { return nil }
    #expect(answers[0].status == nil)
    return "\(answers[0].tenant ?? "-") \(answers[0].subject ?? "-")"
  }

  @Test func `a claim's key is taken whole, whatever is in it`() throws {
    for key in [
      "https://example.com/tenant", "cognito:groups", "a.b", "a/b", "tenant id", "$.tenant", "[0]",
    ] {
      let rules = #"tenant_claim: "\#(key)""#
      let claims: Claim = [
        "iss": "https://issuer", "sub": "u", key: "tenant-a", "a": ["b": "tenant-b"],
      ]
      #expect(try caller(rules, claims) == "tenant-a u", "\(key)")
    }
    // It does not reach inside.
    let nested: Claim = ["iss": "https://issuer", "sub": "u", "a": ["b": "tenant-a"]]
    #expect(try caller(#"tenant_claim: "a.b""#, nested) == nil)
  }

  @Test func `a list of keys reaches inside`() throws {
    let claims: Claim = [
      "iss": "https://issuer", "kubernetes.io": ["namespace": "tenant-a", "pod": ["name": "p-1"]],
      "realm_access": ["roles": ["offline_access", "tenant-a"]], "sub": "u", "flat": "tenant-a",
      "list": [["namespace": "tenant-a"]],
    ]
    #expect(
      try caller(
        #"tenant_claim: ["kubernetes.io", "namespace"], subject_claim: ["kubernetes.io", "pod", "name"]"#,
        claims) == "tenant-a p-1")
    #expect(try caller(#"tenant_claim: ["realm_access", "roles"]"#, claims) == "tenant-a u")
    #expect(try caller(#"tenant_claim: ["flat"]"#, claims) == "tenant-a u")
    for keys in [
      #""kubernetes.io", "nothing""#, #""kubernetes.io""#, #""flat", "namespace""#,
      #""list", "namespace""#, #""realm_access", "roles", "1""#,
    ] {
      #expect(try caller("tenant_claim: [\(keys)]", claims) == nil, "\(keys)")
    }
  }

  @Test(
    arguments: [
      (["tenant-a"], "tenant-a"), (["staff", "tenant-a"], "tenant-a"),
      (["tenant-a", "staff", "other"], "tenant-a"), (["tenant-a", "tenant-a"], "tenant-a"),
      ([true, "tenant-a", "", ["tenant-b"], ["t": "tenant-b"]], "tenant-a"),
      (["tenant-a", "tenant-b"], nil), (["tenant-b", "staff", "tenant-a"], nil), ([], nil),
      (["staff"], nil), ([true], nil), ([["tenant-a"]], nil),
      (["TENANT-A"], nil), ("tenant-a", "tenant-a"), ("", nil), (true, nil),
      (["x": "tenant-a"], nil),
    ] as [(Claim, String?)])
  func `a list counts when its values lead to exactly one tenant`(
    _ groups: Claim, _ expected: String?
  ) throws {
    let claims: Claim = ["iss": "https://issuer", "sub": "u", "cognito:groups": groups]
    let found = try caller(#"tenant_claim: "cognito:groups""#, claims)
    #expect(found == expected.map { "\($0) u" })
  }

  @Test func `where tenants are given, only their entries count`() throws {
    let rules = #"""
      tenant_claim: ["kubernetes.io", "namespace"],
      tenants: { "team-search": "tenant-a", "https://x/team:1": "tenant-a", "team-b": "tenant-b" }
      """#
    func found(_ namespace: Claim) throws -> String? {
      try caller(
        rules, ["iss": "https://issuer", "sub": "u", "kubernetes.io": ["namespace": namespace]])
    }
    #expect(try found("team-search") == "tenant-a u")
    #expect(try found(["https://x/team:1", "team-search", "others"]) == "tenant-a u")
    #expect(try found(["team-search", "team-b"]) == nil)
    // Whoever may make a namespace with a tenant's name is not that tenant.
    #expect(try found("tenant-a") == nil)
    #expect(try found(["tenant-a", "tenant-b"]) == nil)
    #expect(try found(["tenant-b", "team-search"]) == "tenant-a u")
  }

  @Test(
    arguments: [
      ("ada", "ada"), (["ada"], "ada"), (["ada", "ada"], "ada"), (["ada", "bob"], nil), ([], nil),
      (true, nil), ("", nil), ("a\nb", nil),
    ] as [(Claim, String?)])
  func `a subject is one text`(_ subject: Claim, _ expected: String?) throws {
    let claims: Claim = ["iss": "https://issuer", "t": "tenant-a", "sub": subject]
    #expect(try caller(#"tenant_claim: "t""#, claims) == expected.map { "tenant-a \($0)" })
  }

  @Test(
    arguments: [
      (["iss": "https://issuer", "sub": "secret-u"], "its claim g > t is missing or is no text"),
      (
        ["iss": "https://issuer", "sub": "secret-u", "g": ["t": "secret-x"]],
        "its claim g > t leads to no tenant of the policy"
      ),
      (
        ["iss": "https://issuer", "sub": "secret-u", "g": ["t": ["tenant-a", "tenant-b"]]],
        "its claim g > t leads to more than one tenant"
      ),
      (
        ["iss": "https://issuer", "g": ["t": "tenant-a"]], "its claim sub is missing or is no text"
      ),
      (
        ["iss": "https://issuer", "g": ["t": "tenant-a"], "sub": ["secret-u", "secret-v"]],
        "its claim sub has more than one value"
      ),
      (
        ["iss": "https://secret-other", "g": ["t": "tenant-a"], "sub": "secret-u"],
        "Envoy verified it for another issuer than those with the metadata_key jwt"
      ),
    ] as [(Claim, String)])
  func `which claim does not say who calls is logged, without values`(
    _ claims: Claim, _ expected: String
  ) throws {
    let (answers, log) = try ask(#"tenant_claim: ["g", "t"]"#, claims)
    #expect(answers.map(\.status) == [401, 401])
    #expect(log.count == 2)
    for line in log {
      #expect(line.hasSuffix(expected), "\(line)")
      #expect(!line.contains("secret") && !line.contains("tenant-"), "\(line)")
    }
  }

  @Test func `a good token logs nothing`() throws {
    let claims: Claim = ["iss": "https://issuer", "t": "tenant-a", "sub": "u"]
    #expect(try ask(#"tenant_claim: "t""#, claims).log.isEmpty)
  }
}
