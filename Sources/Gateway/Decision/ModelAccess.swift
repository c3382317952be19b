import Bytes
import Policy
import Terms

/// Which models a caller may use: the tenant's allowance at an endpoint, the key's own narrowing,
/// and the paths a model serves.
struct ModelAccess {
  private let policy: PolicySnapshot
  private let tenant: Tenant
  private let ofKey: ModelSet?

  init(_ policy: PolicySnapshot, _ identity: Identity) {
    self.policy = policy
    tenant = identity.tenant
    ofKey = identity.keyIndex.flatMap { identity.tenant.models(ofKey: $0) }
  }

  func mayUse(_ model: Model, at endpoint: Endpoint, allowed: ModelSet) -> Bool {
    allowed.contains(model.index) && ofKey?.contains(model.index) ?? true
      && model.paths?.contains(endpoint) ?? true
  }

  /// At some endpoint.
  func mayUse(_ model: Model) -> Bool {
    Endpoint.allCases.contains { endpoint in
      guard let allowed = tenant.models(at: endpoint) else { return false }
      return mayUse(model, at: endpoint, allowed: allowed)
    }
  }

  /// In the policy's order.
  var models: [Model] { policy.models.filter(mayUse) }
}

/// The answers to `GET /v1/models` and `/v1/models/{id}`. One shape serves the readers of OpenAI's
/// and of Anthropic's list: each ignores the other's fields.
enum ModelsAnswer {
  static func list(_ models: [Model]) -> [UInt8] {
    JSONWriter.object { json in
      json.field("object", "list")
      json.array("data") { json in
        for model in models { json.object { add(model.name.string, to: &$0) } }
      }
      json.field("has_more", false)
      json.field("first_id", models.first?.name.string)
      json.field("last_id", models.last?.name.string)
    }
  }

  /// `name`: the one that was asked for.
  static func detail(_ name: String) -> [UInt8] { JSONWriter.object { add(name, to: &$0) } }

  private static func add(_ name: String, to json: inout JSONWriter) {
    json.field("id", name)
    json.field("object", "model")
    json.field("type", "model")
    json.field("display_name", name)
    json.field("created", 0)
    json.field("created_at", "1970-01-01T00:00:00Z")
    json.field("owned_by", "tollgate")
  }
}
