import Terms
import Testing

@testable import Policy

struct PolicyDifferenceTests {
  private static let old = examplePolicy

  private func difference(_ edits: (String, String)...) throws -> PolicyDifference {
    var text = Self.old
    for (from, to) in edits {
      #expect(text.contains(from))
      text = text.replacing(from, with: to, maxReplacements: 1)
    }
    let before = try #require(load(Self.old).policy)
    let (after, problems) = load(text)
    return PolicyDifference(from: before, to: try #require(after, "\(problems)"))
  }

  private func names(
    added: [String] = [], removed: [String] = [], changed: [String] = []
  ) -> PolicyDifference.Names {
    PolicyDifference.Names(added: added, removed: removed, changed: changed)
  }

  @Test func `another text of the same policy differs in nothing`() throws {
    let same = try difference(
      ("timezone: \"UTC\",                                  // for calendar windows", ""),
      ("weight: 90", "weight: 9e1"))
    #expect(same.isEmpty)
  }

  @Test func `a new tenant brings its keys and limits`() throws {
    let digest = String(repeating: "1", count: 64)
    let found = try difference(
      (
        "\"tenant-a\": {",
        "\"tenant-b\": { keys: [{ id: \"k\", sha256: \"\(digest)\", "
          + "limits: [{ name: \"slow\", requests: 1, per: \"second\" }] }], "
          + "allow: [{ paths: [\"/v1/embeddings\"], models: [\"*\"] }], "
          + "limits: [{ name: \"rpm\", requests: 5, per: \"minute\" }] }, \"tenant-a\": {"
      ))
    #expect(found.tenants == names(added: ["tenant-b"]))
    #expect(found.keys == names(added: ["tenant-b/k"]))
    #expect(found.limits == names(added: ["tenant-b/k/slow", "tenant-b/rpm"]))
    #expect(found.models.isEmpty && found.routes.isEmpty && found.settings == [])
  }

  @Test(arguments: [
    ("hostnames: [\"tenant-a.ai.example.com\"]", "hostnames: [\"tenant-b.ai.example.com\"]"),
    ("ns/tenant-a/sa/*", "ns/tenant-b/sa/*"), ("\"bge-*\"", "\"bge-small\""),
    ("paths: [\"/v1/embeddings\"]", "paths: [\"/v1/embeddings\", \"/v1/completions\"]"),
  ])
  func `a tenant has changed where its hosts, principals or rights have`(
    from: String, to: String
  ) throws {
    let found = try difference((from, to))
    #expect(found.tenants == names(changed: ["tenant-a"]))
    #expect(found.keys.isEmpty && found.limits.isEmpty)
  }

  @Test(arguments: [
    ("disabled: false", "disabled: true"), ("svc:agent-platform", "svc:other"),
    ("2027-01-01", "2028-01-01"), ("ba7816bf", "ba7816be"),
    ("disabled: false", "models: [\"bge-*\"]"),
  ])
  func `a key has changed where anything of it has, and is told by its name`(
    from: String, to: String
  ) throws {
    let found = try difference((from, to))
    #expect(found.keys == names(changed: ["tenant-a/agents"]))
    #expect(found.tenants.isEmpty)
  }

  @Test func `limits, routes, models and classes are told apart`() throws {
    let found = try difference(
      ("requests: 600", "requests: 601"), ("name: \"tpm\"", "name: \"tokens\""),
      ("weight: 90", "weight: 80"),
      ("name: \"chat-llama3-8b-v2\"", "name: \"chat-llama3-8b-v3\""),
      ("completion: 0.60", "completion: 0.70"), ("max_concurrent: 64", "max_concurrent: 65"))
    #expect(
      found.limits
        == names(
          added: ["tenant-a/tokens"], removed: ["tenant-a/tpm"], changed: ["tenant-a/rpm"]))
    #expect(
      found.routes
        == names(
          added: ["llama3-8b/chat-llama3-8b-v3"], removed: ["llama3-8b/chat-llama3-8b-v2"],
          changed: ["llama3-8b/chat-llama3-8b-v1"]))
    #expect(found.models == names(changed: ["llama3-8b"]))
    #expect(found.classes == names(changed: ["batch_inference"]))
    #expect(found.tenants.isEmpty && found.keys.isEmpty)
  }

  @Test(arguments: [
    "context_tokens: 5", "bound: \"inject\"", "bound_above: \"clamp\"",
    "bound_fields: [\"max_tokens\"]", "allow_fields: [\"lora\"]", "max_output_tokens: 4095",
  ])
  func `a model has changed where anything of its requests has`(to: String) throws {
    let from = "max_output_tokens: 4096"
    let more = to.hasPrefix("max_output") ? to : "\(from), \(to)"
    let found = try difference((from, more))
    #expect(found.models == names(changed: ["llama3-8b"]))
  }

  @Test(arguments: [
    ("timezone: \"UTC\"", "timezone: \"Europe/Berlin\"", "timezone"),
    ("[\"api.ai.example.com\"]", "[\"api2.ai.example.com\"]", "shared_hostnames"),
    ("max_body_bytes: 33554432", "max_body_bytes: 33554433", "max_body_bytes"),
    ("version: 1", "version: 1, log_level: \"debug\"", "log_level"),
    ("version: 1", "version: 1, response_ids: \"known\"", "response_ids"),
    ("version: 1", "version: 1, path_aliases: { \"/x\": \"/v1/embeddings\" }", "path_aliases"),
    ("\"x-api-key\", \"api-key\"", "\"x-api-key\"", "auth.api_key_headers"),
    ("tenant_claim: \"tenant\"", "tenant_claim: \"team\"", "auth.jwt"),
    ("tenant_claim: \"tenant\"", "tenant_claim: [\"tenant\", \"name\"]", "auth.jwt"),
    (
      "tenant_claim: \"tenant\"", "tenant_claim: \"tenant\", tenants: { \"x\": \"tenant-a\" }",
      "auth.jwt"
    ),
    ("version: 1", "version: 1, max_headers_count: 200", "max_headers_count"),
    ("version: 1", "version: 1, max_headers_kb: 96", "max_headers_kb"),
  ])
  func `settings of the whole policy are told by their names`(
    from: String, to: String, name: String
  ) throws {
    #expect(try difference((from, to)).settings == [name])
  }

  @Test func `the log's level is read, and absent where it is not given`() throws {
    #expect(try #require(load(Self.old).policy).logLevel == nil)
    for level in LogLevel.allCases {
      let (policy, problems) = load(
        "{ version: 1, models: {}, tenants: {}, log_level: \"\(level.rawValue)\" }")
      #expect(policy?.logLevel == level, "\(problems)")
    }
  }
}
