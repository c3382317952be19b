import Policy
import Testing

@testable import Lint

/// 2026-11-01T00:00:00Z
let testNow: Int64 = 1_793_491_200

func node(_ json: String) throws -> Node { try Node(json: Array(json.utf8)) }

/// The findings in some documents, as `check: object field`.
func lint(_ documents: [String], policy: String? = nil) throws -> [String] {
  try findings(documents, policy: policy).map { "\($0.check): \($0.place.subject)" }
}

func findings(_ documents: [String], policy: String? = nil) throws -> [Finding] {
  let policies = policy.map { text in
    PolicyLoader.load([PolicySource(name: "p", bytes: Array(text.utf8))], nowSeconds: testNow)
  }
  if let policies { try #require(policies.policy != nil, "\(policies.problems)") }
  let set = LintSet(
    documents: try documents.map { text in
      Document(source: "test.json", hasLines: true, root: try node(text))
    },
    policies: [policies?.policy].compactMap { $0 }, nowSeconds: testNow)
  return Checks.findings(in: set)
}

/// A Kubernetes object.
func object(_ apiVersion: String, _ kind: String, _ name: String, _ spec: String) -> String {
  """
  {"apiVersion": "\(apiVersion)", "kind": "\(kind)",
   "metadata": {"name": "\(name)", "namespace": "n"}, "spec": \(spec)}
  """
}

/// An HTTPRoute of one rule on the Gateway `g`.
func route(_ name: String, _ rule: String, host: String = "a.example.com") -> String {
  object(
    "gateway.networking.k8s.io/v1", "HTTPRoute", name,
    #"{"parentRefs": [{"name": "g"}], "hostnames": ["\#(host)"], "rules": [\#(rule)]}"#)
}

/// A rule to the Service `s`.
func rule(
  header: String? = "m", path: String = "/v1/chat/completions", timeouts: String = "\"120s\""
) -> String {
  let headers = header.map { #"[{"name": "X-AI-Model-Route", "value": "\#($0)"}]"# } ?? "[]"
  return """
    {"matches": [{"path": {"type": "Exact", "value": "\(path)"}, "headers": \(headers)}],
     "timeouts": {"request": \(timeouts)}, "backendRefs": [{"name": "s"}]}
    """
}

let catchAll = route(
  "rest", #"{"matches": [{"path": {"value": "/"}}], "filters": [{"type": "ExtensionRef"}]}"#)

/// Two models, chat `m` and embeddings `e`.
let twoModels = """
  { version: 1,
    classes: { talk: { latency_sensitive: true, streaming: true, retry_friendly: false },
               batch: { latency_sensitive: false, streaming: false, retry_friendly: true } },
    models: { chat: { class: "talk", routes: [{ name: "m" }] },
              embed: { class: "batch", routes: [{ name: "e" }] } },
    tenants: { t: { allow: [{ paths: ["/v1/chat/completions"], models: ["chat"] },
                            { paths: ["/v1/embeddings"], models: ["embed"] }] } } }
  """
