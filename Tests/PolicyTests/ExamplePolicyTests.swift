import Bytes
import Terms
import Testing

@testable import Policy

@Suite struct ExamplePolicyTests {
  let policy: PolicySnapshot

  init() throws {
    let (policy, problems) = load(examplePolicy)
    #expect(problems == [])
    self.policy = try #require(policy)
  }

  @Test func `the example's settings are as written`() {
    #expect(policy.timeZone == "UTC")
    #expect(policy.maxBodyBytes == 33_554_432)
    #expect(policy.enforceAt == .extProc)
    #expect(policy.apiKeyHeaders == ["authorization", "x-api-key", "api-key"])
    #expect(
      policy.jwt == [
        JWTIssuer(
          issuer: "https://issuer.example.com", metadataKey: "jwt",
          tenantClaim: .init(keys: ["tenant"]), subjectClaim: .init(keys: ["sub"]), tenants: nil)
      ])
    #expect(policy.clientCertificates)
    #expect(policy.summary.description == "1 tenant, 2 models, 1 key, 6 limits")
  }

  @Test func `the example's models are as written`() throws {
    let llama = try #require(policy.model("llama3-8b"))
    #expect(policy.model("llama3")?.index == llama.index)
    #expect(policy.model("llama") == nil)
    #expect(llama.trafficClass.inferenceObjective.string == "interactive-inference")
    #expect(llama.routes.map(\.name.string) == ["chat-llama3-8b-v1", "chat-llama3-8b-v2"])
    #expect(llama.routes.map(\.weight) == [90, 10])
    #expect(llama.routes.map(\.upstreamModel?.string) == [nil, "llama3-8b-2026-10"])
    #expect(llama.totalWeight == 100)
    #expect(llama.sticky == .request)
    #expect(llama.paths == [.chatCompletions])
    #expect(llama.maxOutputTokens == 4_096)
    #expect(llama.streamUsage == .inject)
    #expect(
      llama.prices
        == Prices(
          promptNanos: 200, cachedPromptNanos: 100, cacheWritePromptNanos: 250,
          completionNanos: 600, perRequestNanos: nil))
    let bge = try #require(policy.model("bge-small"))
    #expect(bge.trafficClass.maxConcurrent == 64)
    #expect(
      bge.prices
        == Prices(
          promptNanos: 20, cachedPromptNanos: 20, cacheWritePromptNanos: 20, completionNanos: 0,
          perRequestNanos: nil))
  }

  @Test func `the example's tenant may do what it says`() throws {
    let tenant = try #require(policy.tenant("tenant-a"))
    #expect(policy.names(tenant.models(at: .chatCompletions)) == ["llama3-8b"])
    #expect(policy.names(tenant.models(at: .embeddings)) == ["bge-small"])
    #expect(tenant.models(at: .completions) == nil)
    #expect(policy.names(tenant.allModels) == ["llama3-8b", "bge-small"])
    #expect(policy.owner("Tenant-A.ai.example.com:443") == .tenant(0))
    #expect(policy.owner("api.ai.example.com") == .shared)
    #expect(policy.owner("elsewhere.example.com") == .nobody)
    #expect(policy.principal("spiffe://cluster.local/ns/tenant-a/sa/agents") == "tenant-a")
    #expect(policy.principal("spiffe://cluster.local/ns/tenant-a/sa/agents/x") == nil)
    let digest = SHA256.digest(of: Array("abc".utf8).span)
    #expect(policy.key(digest) == KeyReference(tenant: 0, key: 0))
    #expect(tenant.keys[0].subject.string == "svc:agent-platform")
    #expect(tenant.keys[0].expiresSeconds == 1_798_761_600)
    #expect(tenant.models(ofKey: 0) == nil)
  }

  @Test func `the example's limits are as written`() throws {
    let limits = try #require(policy.tenant("tenant-a")).limits
    func limit(
      _ name: String, _ kind: LimitKind, _ amount: Int64, _ per: Limit.Period?,
      scope: Limit.Scope = .tenant, models: [String]? = nil
    ) -> Limit {
      Limit(
        name: name, kind: kind, amount: amount, per: per, burst: nil, scope: scope, models: models,
        statedStoreLoss: nil, maxSubjects: 100_000)
    }
    #expect(
      limits == [
        limit("rpm", .requests, 600, .minute), limit("tpm", .tokens, 100_000, .minute),
        limit("llama-tpm", .tokens, 50_000, .minute, models: ["llama3-8b"]),
        limit("each-caller", .requests, 60, .minute, scope: .subject),
        limit("monthly", .usd, 500_000_000_000, .month),
        limit("parallel", .concurrent, 32, nil),
      ])
  }

  @Test func `the revision is that of the bytes and names, wherever the files lie`() {
    let revision = policy.revision
    #expect(revision.utf8.count == 12)
    #expect(load([("/etc/tollgate/p", examplePolicy)]).policy?.revision == revision)
    #expect(load([("q", examplePolicy)]).policy?.revision != revision)
    #expect(load([("p", examplePolicy + " ")]).policy?.revision != revision)
  }
}
