import Testing

@testable import Lint

/// Small trees; the whole deployments with a planted mistake for each check are in
/// Tests/EndToEnd/test_lint.py.
struct CheckTests {
  @Test func `names are unique and every check has words`() {
    let names = Checks.all.map(\.name)
    #expect(Set(names).count == names.count)
    for check in Checks.all {
      #expect(!check.summary.isEmpty && !check.remedy.isEmpty, "\(check.name)")
      #expect(check.name.allSatisfy { $0.isLowercase || $0 == "-" }, "\(check.name)")
    }
  }

  @Test func `routes alone are looked at as far as they tell`() throws {
    let good = [route("chat", rule()), catchAll]
    #expect(try lint(good).isEmpty)
    #expect(try lint([route("chat", rule())]) == ["no-catch-all: HTTPRoute n/chat spec.rules[0]"])
    #expect(
      try lint(good + [route("open", rule(header: nil))])
        == ["route-without-model-header: HTTPRoute n/open spec.rules[0]"])
  }

  @Test func `unknown kinds and empty documents are passed over`() throws {
    #expect(
      try lint([
        "null", "[]", "1", "{}", #"{"kind": "X"}"#, object("x/v1", "Y", "y", "[]"),
        object("gateway.networking.k8s.io/v1", "HTTPRoute", "odd", "[]"),
        object("gateway.envoyproxy.io/v1alpha1", "EnvoyExtensionPolicy", "odd", "3"),
      ]).isEmpty)
    #expect(try lint([#"{"static_resources": {"listeners": 3}}"#]) == ["not-checked: Envoy"])
  }

  @Test func `a list's items are objects like others`() throws {
    let list =
      #"{"apiVersion": "v1", "kind": "List", "items": [\#(route("chat", rule()))]}"#
    #expect(try lint([list]) == ["no-catch-all: HTTPRoute n/chat spec.rules[0]"])
  }

  @Test(arguments: [
    ("\"120s\"", "\"30s\"", [String]()),
    ("\"30s\"", "\"30s\"", ["shared-timeout: HTTPRoute n/embed spec.rules[0].timeouts.request"]),
    ("null", "\"30s\"", ["missing-timeout: HTTPRoute n/chat spec.rules[0]"]),
  ])
  func `chat and embeddings have timeouts of their own`(
    _ chat: String, _ embed: String, _ expected: [String]
  ) throws {
    let documents = [
      route("chat", rule(timeouts: chat)),
      route("embed", rule(header: "e", path: "/v1/embeddings", timeouts: embed)), catchAll,
    ]
    // The same by the policy's classes and by the paths alone.
    #expect(try lint(documents, policy: twoModels) == expected)
    #expect(try lint(documents) == expected)
  }

  @Test func `a path in front of an endpoint's chooses a model and the endpoint's own does not`()
    throws
  {
    // The policy's model is called chat, and so is a part of the endpoint's path.
    let own = [
      route("chat", rule()), route("azure", rule(path: "/openai/deployments/chat/x")), catchAll,
    ]
    #expect(try lint(own, policy: twoModels).isEmpty)
    for path in ["/llama/v1/chat/completions", "/chat", "/m/generate"] {
      #expect(
        try lint([route("x", rule(path: path)), catchAll], policy: twoModels)
          == ["model-by-path: HTTPRoute n/x spec.rules[0]"], "\(path)")
    }
  }

  @Test func `what the policy does not know is a warning`() throws {
    let found = try findings([route("chat", rule(header: "nobody")), catchAll], policy: twoModels)
    #expect(found.map(\.check) == ["unknown-model-route"])
    #expect(found.map(\.severity) == [.warning])
  }

  @Test func `a policy of a ConfigMap is loaded and its problems are findings`() throws {
    let text = twoModels.replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
    func configMap(_ text: String, key: String = "policy.json5") -> String {
      """
      {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "p", "namespace": "n"},
       "data": {"\(key)": "\(text)"}}
      """
    }
    let documents = [route("chat", rule(header: "nobody")), catchAll]
    #expect(try findings(documents).isEmpty)
    #expect(
      try findings(documents + [configMap(text)]).contains { $0.check == "unknown-model-route" })
    let broken = try lint([configMap("{")])
    #expect(!broken.isEmpty)
    #expect(broken.allSatisfy { $0 == "policy: ConfigMap n/p data[policy.json5]" })
    // A ConfigMap with other JSON does not contain a policy.
    #expect(try lint([configMap("{", key: "dashboard.json")]).isEmpty)
  }

  @Test func `problems in a literal block have the file's own lines`() throws {
    let data = Node(line: 7, kind: .string("{\n  version: 2 }\n", isLiteral: true))
    func map(_ members: [(String, Node)]) -> Node {
      let members = members.map { Node.Member(key: $0.0, line: $0.1.line, value: $0.1) }
      return Node(line: 1, kind: .map(members))
    }
    func text(_ text: String) -> Node { Node(line: 1, kind: .string(text, isLiteral: false)) }
    let root = map([
      ("apiVersion", text("v1")), ("kind", text("ConfigMap")),
      ("metadata", map([("name", text("p"))])), ("data", map([("a.json5", data)])),
    ])
    for (hasLines, line) in [(true, Int?(9)), (false, nil)] {
      let set = LintSet(
        documents: [Document(source: "f", hasLines: hasLines, root: root)], policies: [],
        nowSeconds: testNow)
      #expect(set.policyFindings.contains { $0.place.line == line })
    }
  }

  @Test func `selectors of labels select as Kubernetes does`() throws {
    let labels = Field(
      document: Document(source: "", hasLines: true, root: try node(#"{"a": "1", "b": "2"}"#)),
      object: "")
    func select(_ selector: String) throws -> Bool {
      Labels.select(
        Field(document: Document(source: "", hasLines: true, root: try node(selector)), object: ""),
        Labels.all(labels))
    }
    #expect(try select("{}"))
    #expect(try select(#"{"matchLabels": {"a": "1"}}"#))
    #expect(try !select(#"{"matchLabels": {"a": "2"}}"#))
    for (expression, selects) in [
      (#"{"key": "a", "operator": "In", "values": ["1", "3"]}"#, true),
      (#"{"key": "a", "operator": "NotIn", "values": ["1"]}"#, false),
      (#"{"key": "c", "operator": "NotIn", "values": ["1"]}"#, true),
      (#"{"key": "c", "operator": "Exists"}"#, false),
      (#"{"key": "c", "operator": "DoesNotExist"}"#, true),
    ] {
      #expect(try select(#"{"matchExpressions": [\#(expression)]}"#) == selects)
    }
  }

  @Test func `ignored checks are not run`() throws {
    let document = Document(source: "f", hasLines: true, root: try node(route("chat", rule())))
    let set = LintSet(documents: [document], policies: [], nowSeconds: testNow)
    #expect(Checks.findings(in: set).map(\.check) == ["no-catch-all"])
    #expect(Checks.findings(in: set, ignoring: ["no-catch-all"]).isEmpty)
  }

  @Test func `retries are one finding for all the routes they hit`() throws {
    let retries = object(
      "gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy", "b",
      #"{"targetRefs": [{"kind": "HTTPRoute", "name": "chat"}], "retry": {}}"#)
    let found = try findings([
      route("chat", rule() + "," + rule(header: "k")), catchAll, retries,
    ])
    #expect(found.map(\.check) == ["retries-on-streams"])
    #expect(found.first?.message.contains("m, k,") == true)
  }

  @Test(arguments: [
    (#"{"numRetries": 0}"#, String?.none), (#"{}"#, "by default"),
    (#"{"retryOn": {}}"#, "by default"),
    (#"{"retryOn": {"triggers": ["connect-failure", "refused-stream"]}}"#, nil),
    (#"{"retryOn": {"triggers": ["reset-before-request"]}}"#, nil),
    (#"{"retryOn": {"triggers": ["reset", "connect-failure", "5xx"]}}"#, "reset, 5xx"),
    (#"{"retryOn": {"triggers": ["retriable-status-codes"]}}"#, "retriable-status-codes"),
  ])
  func `a batch job is not sent again once a model server had it`(
    retry: String, triggers: String?
  ) throws {
    let policy = object(
      "gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy", "b",
      #"{"targetRefs": [{"kind": "HTTPRoute", "name": "embed"}], "retry": \#(retry)}"#)
    let found = try findings([
      route("embed", rule(path: "/v1/embeddings")), catchAll, policy,
    ])
    #expect(found.map(\.check) == (triggers == nil ? [] : ["retries-repeat-work"]))
    #expect(found.allSatisfy { $0.message.hasSuffix("retried \(triggers ?? "")") })
  }

  @Test func `a grant that may be in other files is only asked for`() throws {
    let elsewhere = rule().replacing(#"{"name": "s"}"#, with: #"{"name": "s", "namespace": "x"}"#)
    let documents = [route("chat", elsewhere), catchAll]
    #expect(try findings(documents).map(\.severity) == [.warning])
    let service =
      #"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "o", "namespace": "x"}}"#
    #expect(try findings(documents + [service]).map(\.severity) == [.error])
  }
}
