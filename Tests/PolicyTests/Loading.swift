import Terms
import Testing

@testable import Policy

/// 2026-11-01T00:00:00Z
let testNow: Int64 = 1_793_491_200

/// Loads one file named `p`.
func load(
  _ text: String, bounds: PolicyBounds = .standard
) -> (policy: PolicySnapshot?, problems: [String]) {
  load([("p", text)], bounds: bounds)
}

/// Loads several files.
func load(
  _ files: [(String, String)], bounds: PolicyBounds = .standard
) -> (policy: PolicySnapshot?, problems: [String]) {
  let (policy, problems) = PolicyLoader.load(
    files.map { PolicySource(name: $0.0, bytes: Array($0.1.utf8)) }, nowSeconds: testNow,
    bounds: bounds)
  #expect((policy == nil) == problems.contains { $0.severity == .error })
  return (policy, problems.map(\.description))
}

extension PolicySnapshot {
  func model(_ name: String) -> Model? { model(named: Array(name.utf8).span) }
  func tenant(_ name: String) -> Tenant? { tenant(named: Array(name.utf8).span) }
  func owner(_ host: String) -> HostOwner { owner(ofHost: Array(host.utf8).span) }
  func principal(_ uri: String) -> String? {
    tenant(ofPrincipal: Array(uri.utf8).span)?.name.string
  }
  func match(_ path: String) -> PathMatch { match(path: Array(path.utf8).span) }

  /// The names of a set's models.
  func names(_ set: ModelSet?) -> [String]? { set?.indices.map { models[$0].name.string } }
}

/// An example of a whole policy, with a real digest.
let examplePolicy = """
  {
    version: 1,
    timezone: "UTC",                                  // for calendar windows
    shared_hostnames: ["api.ai.example.com"],
    max_body_bytes: 33554432,
    enforce_at: "ext_proc",                           // or "ext_authz"
    auth: {
      api_key_headers: ["authorization", "x-api-key", "api-key"],
      jwt: [{ issuer: "https://issuer.example.com", metadata_key: "jwt", tenant_claim: "tenant", subject_claim: "sub" }],
      client_certificates: true                       // identity that Envoy verified
    },
    classes: {
      interactive_inference: { latency_sensitive: true, streaming: true, retry_friendly: false },
      batch_inference:       { latency_sensitive: false, streaming: false, retry_friendly: true, max_concurrent: 64 }
    },
    models: {
      "llama3-8b": {
        aliases: ["llama3"],
        class: "interactive_inference",
        routes: [
          { name: "chat-llama3-8b-v1", weight: 90 },
          { name: "chat-llama3-8b-v2", weight: 10, upstream_model: "llama3-8b-2026-10" }
        ],
        sticky: "request",
        paths: ["/v1/chat/completions"],
        max_output_tokens: 4096,
        stream_usage: "inject",
        price_usd_per_million: { prompt: 0.20, cached_prompt: 0.10, cache_write_prompt: 0.25, completion: 0.60 }
      },
      "bge-small": { class: "batch_inference", routes: [{ name: "embed-bge-small-v1" }], price_usd_per_million: { prompt: 0.02 } }
    },
    tenants: {
      "tenant-a": {
        hostnames: ["tenant-a.ai.example.com"],
        keys: [{ id: "agents", sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", subject: "svc:agent-platform",
                 expires: "2027-01-01T00:00:00Z", disabled: false }],
        principals: [{ uri: "spiffe://cluster.local/ns/tenant-a/sa/*" }],          // * stops at /
        allow: [{ paths: ["/v1/chat/completions"], models: ["llama3-8b"] },
                { paths: ["/v1/embeddings"], models: ["bge-*"] }],
        limits: [
          { name: "rpm", requests: 600, per: "minute" },
          { name: "tpm", tokens: 100000, per: "minute" },
          { name: "llama-tpm", tokens: 50000, per: "minute", models: ["llama3-8b"] },
          { name: "each-caller", requests: 60, per: "minute", scope: "subject" },
          { name: "monthly", usd: 500, per: "month" },
          { name: "parallel", concurrent: 32 }
        ]
      }
    }
  }
  """
