import Bytes
import Terms

/// An API key of a tenant. The key itself is not known, only its digest.
package struct APIKey: Sendable {
  /// Its name, which may be shown; unique within the tenant.
  package let id: HeaderText
  /// The SHA-256 of the whole key string.
  let digest: SHA256Digest
  /// `subject`; `key:<id>` where the policy states none.
  package let subject: HeaderText
  /// The Unix time from which the key is refused; nil for never.
  package let expiresSeconds: Int64?
  /// Whether the key is refused.
  package let disabled: Bool
  /// The key's own limits, besides its tenant's.
  package let limits: [Limit]
  /// Patterns of the models it may use, among its tenant's; nil for all of these.
  let modelPatterns: [String]?
}

/// A tenant of the policy: its keys, what it may use, and its limits.
package final class Tenant: Sendable {
  /// Its index in `PolicySnapshot.tenants`.
  package let index: Int
  package let name: HeaderText
  package let keys: [APIKey]
  /// The tenant's limits, those of its plan among them, without those of its keys.
  package let limits: [Limit]
  /// The name of its plan; nil where it has none.
  package let plan: String?
  /// The index of its group in `PolicySnapshot.groups`, and that group's name; nil where it is in none.
  package let group: (index: Int, name: String)?
  /// The models that it may use on at least one endpoint: what `GET /v1/models` lists.
  let allModels: ModelSet
  /// A digest of its hosts, principals and `allow`, to tell whether they have changed.
  let accessDigest: SHA256Digest
  private let modelsByEndpoint: [ModelSet?]
  private let routesByCustomPath: [Int: HeaderText]
  private let modelsByKey: [ModelSet?]

  init(
    index: Int, name: String, keys: [APIKey], limits: [Limit], plan: String?,
    group: (index: Int, name: String)?, allModels: ModelSet,
    modelsByEndpoint: [ModelSet?], routesByCustomPath: [Int: HeaderText], modelsByKey: [ModelSet?],
    accessDigest: SHA256Digest
  ) {
    self.index = index
    self.name = HeaderText(name)
    self.keys = keys
    self.limits = limits
    self.plan = plan
    self.group = group
    self.allModels = allModels
    self.modelsByEndpoint = modelsByEndpoint
    self.routesByCustomPath = routesByCustomPath
    self.modelsByKey = modelsByKey
    self.accessDigest = accessDigest
  }

  /// The models that it may use at `endpoint`, without those whose own `paths` do not list it; nil where
  /// no `allow` entry lists the endpoint. Computed in advance.
  package func models(at endpoint: Endpoint) -> ModelSet? {
    modelsByEndpoint[Int(endpoint.rawValue)]
  }

  /// The `route` of a custom path, by its index in `PolicySnapshot.customPaths`; nil where the tenant is
  /// not allowed it.
  package func route(forCustomPath index: Int) -> HeaderText? {
    routesByCustomPath[index]
  }

  /// The models that a key's own `models` match, by its index in `keys`; nil where the key has none.
  /// Computed in advance.
  package func models(ofKey index: Int) -> ModelSet? {
    modelsByKey[index]
  }
}

/// Which key of which tenant.
package struct KeyReference: Sendable, Hashable {
  /// `Tenant.index`
  package let tenant: Int
  /// The index in the tenant's `keys`.
  package let key: Int
}
