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
    let first = models.first.map { Refusal.quoted($0.name.string) } ?? "null"
    let last = models.last.map { Refusal.quoted($0.name.string) } ?? "null"
    return Array(
      """
      {"object":"list","data":[\(models.map(object).joined(separator: ","))],\
      "has_more":false,"first_id":\(first),"last_id":\(last)}
      """.utf8)
  }

  static func detail(_ model: Model) -> [UInt8] { Array(object(model).utf8) }

  private static func object(_ model: Model) -> String {
    let name = Refusal.quoted(model.name.string)
    return """
      {"id":\(name),"object":"model","type":"model","display_name":\(name),"created":0,\
      "created_at":"1970-01-01T00:00:00Z","owned_by":"tollgate"}
      """
  }
}
