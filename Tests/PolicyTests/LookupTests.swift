import SeededRandom
import Terms
import Testing

@testable import Policy

@Suite struct PathTests {
  private let policy: PolicySnapshot

  init() throws {
    policy = try #require(
      load(
        Sketch(
          allow: """
            { paths: ["/v1/chat/completions", "/chat"], models: ["m"] },
            { paths: ["/openai/deployments/{model}/embeddings"], models: ["m"] },
            { paths: ["/inference.GRPCInferenceService/ModelInfer", "/a%20b", "/c/"], route: "triton" }
            """, top: ", path_aliases: { \"/chat\": \"/v1/chat/completions\" }"
        ).text
      ).policy)
  }

  @Test func `each endpoint is found by its own path and by Azure's`() {
    let azure: [Endpoint: String] = [
      .chatCompletions: "chat/completions", .completions: "completions", .embeddings: "embeddings",
      .responses: "responses", .imageGenerations: "images/generations",
      .audioSpeech: "audio/speech", .audioTranscriptions: "audio/transcriptions",
      .audioTranslations: "audio/translations",
    ]
    for endpoint in Endpoint.allCases {
      #expect(policy.match(endpoint.path.string) == .endpoint(endpoint, azureModel: nil))
      #expect(
        policy.match(endpoint.path.string + "?a=//..;%2f") == .endpoint(endpoint, azureModel: nil))
      let suffix = azure[endpoint] ?? String(endpoint.path.string.dropFirst("/v1/".count))
      #expect(
        policy.match("/openai/deployments/gpt-4o/\(suffix)?api-version=1")
          == (azure[endpoint] == nil ? .unknown : .endpoint(endpoint, azureModel: 20..<26)))
    }
    #expect(policy.match("/chat") == .endpoint(.chatCompletions, azureModel: nil))
  }

  @Test(
    arguments: [
      ("/v1/models", .modelList), ("/v1/models?x", .modelList),
      ("/v1/models/m", .modelDetail(id: 11..<12)),
      ("/v1/models/a/b:c@d?x", .modelDetail(id: 11..<18)),
      ("/inference.GRPCInferenceService/ModelInfer", .custom(0)), ("/a%20b", .custom(1)),
      ("/c/", .custom(2)), ("/v1/models/a%20b", .modelDetail(id: 11..<16)),
      ("/v1/models/a%2fb", .modelDetail(id: 11..<16)),
      ("/v1/models/%41", .modelDetail(id: 11..<14)),
      ("/v1/models/a%25", .modelDetail(id: 11..<15)), ("/v1/models/a%2", .modelDetail(id: 11..<14)),
      ("/v1/models/%2e%2e%2fv1", .modelDetail(id: 11..<22)),
      ("/v1/models/a%zz?b", .modelDetail(id: 11..<15)),
    ] as [(String, PathMatch)])
  func `the models and a tenant's own paths are found`(path: String, expected: PathMatch) {
    #expect(policy.match(path) == expected)
  }

  @Test(arguments: [
    "", "/", "v1/chat/completions", "http://h/v1/chat/completions", "*", "/v1/chat/completions/",
    "/v1/chat/completion", "/v1/chat/completionss", "/V1/chat/completions", "//v1/chat/completions",
    "/v1//chat/completions", "/v1/./chat/completions", "/v1/../v1/chat/completions",
    "/v1/chat/completions/..",
    "/v1/chat/completions;x", "/v1/chat/completions;", "/v1/chat%2fcompletions",
    "/v1/chat%2Fcompletions",
    "/v1/ch%61t/completions", "/v1/chat\\completions", "/v1/chat%5ccompletions",
    "/v1/chat/completions#",
    "/v1/chat/completions?a#b", "/v1/chat/completions ", "/v1/chat/completions\t",
    "/v1/chat/completions?\u{1}",
    "/v1/chat/completions\u{7f}", "/v1/chat/completions?é", "/é", "/v1/chat/completions%",
    "/v1/chat/completions%0",
    "/v1/models/", "/v1/models/..", "/v1/models/.", "/v1/models/a/../b", "/v1/models/a//b",
    "/v1/models/a/",
    "/v1/models/a;b", "/v1/models/a\\b", "/v1/%6dodels/a", "/v1%2fmodels/a", "/v1/models%2fa",
    "/openai/deployments//embeddings", "/openai/deployments/embeddings",
    "/openai/deployments/a/b/embeddings",
    "/openai/deployments/a/embeddings/", "/openai/deployments/../embeddings",
    "/openai/deployments/a%2fb/embeddings",
    "/openai/deployments/a/messages", "/openai/deployments/a", "/openai/deployments/a/", "/a b",
    "/a%20B", "/c",
    "/?", "?", "/v1/chat/completions%3f",
  ])
  func `any other path is unknown, and so is one that two servers could read two ways`(path: String)
  {
    #expect(policy.match(path) == .unknown)
  }

  @Test(
    arguments: [
      ("m", "m"), ("org%2Fname", "org/name"), ("org%2fname", "org/name"), ("org/name", "org/name"),
      ("name%3Atag", "name:tag"), ("name:tag", "name:tag"), ("a%20b", "a b"), ("a+b", "a+b"),
      // Once, never twice.
      ("a%252Fb", "a%2Fb"), ("a%25zz", "a%zz"), ("%41%5c", "A\\"), ("", ""), ("%00", "\0"),
      ("%", nil), ("a%", nil), ("a%2", nil), ("a%zz", nil), ("a%2gb", nil), ("%%41", nil),
      ("a% 41", nil), ("a%+1", nil),
    ] as [(String, String?)])
  func `a model's id is decoded once`(id: String, expected: String?) {
    #expect(ModelID.decoded(Array(id.utf8).span) == expected.map { Array($0.utf8) })
  }

  @Test func `every byte is judged, in the path and in the query`() {
    for byte in UInt8.min...UInt8.max {
      let isGood = (0x21...0x7e).contains(byte) && byte != UInt8(ascii: "#")
      let query = Array("/v1/embeddings?".utf8) + [byte]
      #expect((policy.match(path: query.span) != .unknown) == isGood, "byte \(byte)")
      let detail = Array("/v1/models/a".utf8) + [byte] + Array("zz".utf8)
      let isGoodInPath = isGood && !";\\".utf8.contains(byte)
      #expect((policy.match(path: detail.span) != .unknown) == isGoodInPath, "byte \(byte)")
    }
  }

  @Test func `an entry for an endpoint holds for its aliases and Azure's form, and the reverse`() {
    let tenant = policy.tenants[0]
    #expect(policy.names(tenant.models(at: .chatCompletions)) == ["m"])
    #expect(policy.names(tenant.models(at: .embeddings)) == ["m"])
    #expect(tenant.models(at: .responses) == nil)
    #expect(tenant.route(forCustomPath: 1)?.string == "triton")
    #expect(tenant.route(forCustomPath: 3) == nil)
    #expect(policy.customPaths == ["/inference.GRPCInferenceService/ModelInfer", "/a%20b", "/c/"])
  }

  @Test func `endpoints know their dialect, their form and whether they have usage`() {
    #expect(Endpoint.allCases.filter { $0.dialect == .anthropic } == [.messages, .countTokens])
    #expect(
      Endpoint.allCases.filter(\.isMultipart) == [.audioTranscriptions, .audioTranslations])
    #expect(Endpoint.allCases.filter { !$0.isMetered } == [.countTokens, .moderations])
  }
}

@Suite struct HostTests {
  private func policy(shared: String?) throws -> PolicySnapshot {
    try #require(
      load(
        Sketch(
          moreTenant: ", hostnames: [\"A.example\", \"[2001:DB8::1]\", \"127.0.0.1\", \"x_y.b\"]",
          top: shared.map { ", shared_hostnames: [\($0)]" } ?? ""
        ).text
      ).policy)
  }

  @Test(
    arguments: [
      ("a.example", .tenant(0)), ("A.EXAMPLE", .tenant(0)), ("a.example:8443", .tenant(0)),
      ("a.example.", .tenant(0)), ("a.example.:1", .tenant(0)), ("a.example:65535", .tenant(0)),
      ("[2001:db8::1]", .tenant(0)), ("[2001:0db8:0:0::0:1]:443", .tenant(0)),
      ("127.0.0.1:80", .tenant(0)),
      ("X_Y.B", .tenant(0)), ("s.example", .shared), ("S.example.:80", .shared), ("[::1]", .shared),
      ("[::ffff:1.2.3.4]", .shared), ("[::FFFF:102:304]", .shared),
      ("b.example", .nobody), ("xa.example", .nobody), ("a.example.com", .nobody),
      ("[2001:db8::2]", .nobody),
    ] as [(String, HostOwner)])
  func `a host is found whatever its case, port and last dot`(host: String, owner: HostOwner) throws
  {
    let policy = try policy(shared: "\"s.example\", \"[::1]\", \"[::ffff:1.2.3.4]\"")
    #expect(policy.owner(host) == owner)
    // Without shared_hostnames, a host that is no tenant's is shared.
    let open = try self.policy(shared: nil)
    #expect(open.owner(host) == (owner == .nobody ? .shared : owner == .shared ? .shared : owner))
  }

  @Test(arguments: [
    "", ".", "..", "a..example", ".a", "a.example..", "a example", " a.example", "a.example ",
    "u@a.example",
    "a.example,b.example", "a.example:", "a.example:0", "a.example:65536", "a.example:8x",
    "a.example:-1",
    "a.example:80:80", "a.example:000080", "a/b", "a?b", "a#b", "a%41", "é.example", "a\0",
    "a\u{7f}", "[]", "[", "[::1",
    "::1", "[::1]x", "[::1]:", "[:::1]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]",
    "[::12345]",
    "[::1%eth0]", "[::1.2.3]", "[::256.1.1.1]", "[::01.1.1.1]", "[1:2:3:4:5:6:7:1.2.3.4]",
    "[1:2:3:4:5:6:7:]", "[:1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8::]",
    String(repeating: "a", count: 64), "a." + String(repeating: "a", count: 64),
    String(repeating: "a.", count: 127) + "b", String(repeating: "a", count: 256),
  ])
  func `a malformed host is nobody's, even where any host is shared`(host: String) throws {
    #expect(try policy(shared: nil).owner(host) == .nobody)
  }

  @Test func `a host's length is bounded at 253 bytes, and at 255 with its port`() throws {
    let open = try policy(shared: nil)
    let longest = String(repeating: "a.", count: 126) + "a"
    #expect(longest.utf8.count == 253)
    #expect(open.owner(longest) == .shared)
    #expect(open.owner(longest + "a") == .nobody)
    #expect(open.owner(longest + ":8") == .shared)
    #expect(open.owner(longest + ":80") == .nobody)
    #expect(open.owner(String(repeating: "a", count: 63)) == .shared)
  }
}

@Suite struct PrincipalTests {
  private func policy(_ patterns: [String: [String]]) throws -> PolicySnapshot {
    let tenants = patterns.sorted { $0.key < $1.key }.map { name, uris in
      """
      , \(name): { principals: [\(uris.map { "{ uri: \"\($0)\" }" }.joined(separator: ","))],
        allow: [{ paths: ["/v1/embeddings"], models: ["m"] }] }
      """
    }.joined()
    let loaded = load(Sketch(moreTenants: tenants, auth: "client_certificates: true").text)
    #expect(loaded.problems == [])
    return try #require(loaded.policy)
  }

  @Test func `a principal is matched in full, and * stops at a slash`() throws {
    let policy = try policy([
      "a": ["spiffe://d/ns/a/sa/*", "spiffe://d/exact"], "b": ["spiffe://d/ns/*/sb/x-*-y"],
      "c": ["spiffe://d/ns/c/*/z", "https://h/*"],
    ])
    for (uri, tenant) in [
      ("spiffe://d/ns/a/sa/x", "a"), ("spiffe://d/ns/a/sa/x.y", "a"), ("spiffe://d/exact", "a"),
      ("spiffe://d/ns/q/sb/x--y", "b"), ("spiffe://d/ns/q/sb/x-1-2-y", "b"),
      ("spiffe://d/ns/c/q/z", "c"),
      ("https://h/p", "c"),
      ("spiffe://d/ns/a/sa/", nil), ("spiffe://d/ns/a/sa", nil), ("spiffe://d/ns/a/sa/x/y", nil),
      ("spiffe://d/ns/b/sa/x", nil), ("spiffe://e/exact", nil), ("spiffe://d/exact/", nil),
      ("spiffe://D/exact", nil), ("spiffe://d/ns//sb/x--y", nil), ("spiffe://d/ns/q/sb/x-y", nil),
      ("spiffe://d/ns/q/r/sb/x--y", nil), ("", nil), ("/", nil), ("https://h/", nil),
      ("https://h/p/q", nil),
      ("xspiffe://d/exact", nil), ("spiffe://d/ns/*/sb/x-*-y", "b"),
    ] as [(String, String?)] {
      #expect(policy.principal(uri) == tenant, "\(uri)")
    }
  }

  @Test func `an identity of two tenants is nobody's`() {
    var table = PrincipalTable()
    table.insert(PrincipalPattern("spiffe://d/*/x"), tenant: 0)
    table.insert(PrincipalPattern("spiffe://d/y/*"), tenant: 1)
    table.insert(PrincipalPattern("spiffe://d/z/x"), tenant: 2)
    table.insert(PrincipalPattern("spiffe://d/y/w*"), tenant: 1)
    func tenant(_ uri: String) -> Int? { table.tenant(of: Array(uri.utf8).span) }
    #expect(tenant("spiffe://d/q/x") == 0)
    #expect(tenant("spiffe://d/y/w1") == 1)
    #expect(tenant("spiffe://d/y/x") == nil)
    #expect(tenant("spiffe://d/z/x") == nil)
  }

  @Test func `an identity is bounded at 2,048 bytes`() throws {
    let policy = try policy(["a": ["spiffe://d/*"]])
    let longest = "spiffe://d/" + String(repeating: "x", count: 2_037)
    #expect(policy.principal(longest) == "a")
    #expect(policy.principal(longest + "x") == nil)
  }

  @Test func `patterns overlap exactly when some text matches both`() {
    // Every text of up to four letters is tried against every pair of patterns.
    let letters = ["a", "b"]
    var texts = [""]
    for _ in 0..<4 { texts += texts.flatMap { text in letters.map { text + $0 } } }
    let patterns = ["a", "*", "a*", "*a", "a*b", "*ab*", "ba*", "**", "*b*a", "", "ab", "a*a*"]
      .map { WildcardPattern($0) }
    for a in patterns {
      for b in patterns {
        let common = texts.contains { a.matches($0) && b.matches($0) }
        #expect(
          a.overlaps(b) == common,
          "\(String(decoding: a.bytes, as: UTF8.self)) and \(String(decoding: b.bytes, as: UTF8.self))"
        )
      }
    }
  }
}

@Suite struct ByteTableTests {
  @Test func `a table agrees with a dictionary over thousands of keys`() {
    var table = ByteTable()
    var reference: [[UInt8]: Int] = [:]
    var random = SeededRandom(7)
    for value in 0..<5_000 {
      let key = (0..<Int(random.next() % 12)).map { _ in
        UInt8(truncatingIfNeeded: random.next() % 4)
      }
      let isNew = reference[key] == nil
      #expect(table.insert(key, value: value) == isNew)
      if isNew { reference[key] = value }
    }
    #expect(table.count == reference.count)
    for (key, value) in reference { #expect(table[key.span] == value) }
    for _ in 0..<2_000 {
      let key = (0..<Int(random.next() % 14)).map { _ in
        UInt8(truncatingIfNeeded: random.next() % 5)
      }
      #expect(table[key.span] == reference[key])
    }
  }

  @Test func `only ASCII letters are folded, and only where asked`() {
    var folding = ByteTable(foldsCase: true)
    folding.insert("Az[@", value: 1)
    for (key, value) in [("aZ[@", 1), ("az{@", nil), ("az[`", nil), ("AZ[@", 1)] as [(String, Int?)]
    {
      #expect(folding[Array(key.utf8).span] == value)
    }
    var exact = ByteTable()
    exact.insert("a", value: 1)
    #expect(exact[Array("A".utf8).span] == nil)
  }
}
