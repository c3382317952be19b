import Bytes
import Terms

/// An API key, known by its digest only.
package struct APIKey: Sendable {
  package let id: HeaderText
  /// SHA-256 of the whole key string.
  package let digest: SHA256Digest
  /// `key:<id>` where the policy gives none.
  package let subject: HeaderText
  /// Unix time from which on the key is refused.
  package let expiresSeconds: Int64?
  package let disabled: Bool
  package let limits: [Limit]
  package let modelPatterns: [String]?
}

/// A team: who it is, what it may do, and how much.
package final class Tenant: Sendable {
  package let index: Int
  package let name: HeaderText
  package let keys: [APIKey]
  package let limits: [Limit]
  /// Models this tenant may use on some endpoint: what `GET /v1/models` lists.
  package let allModels: ModelSet
  /// Tells whether its hosts, its principals or what it may do have changed.
  let accessDigest: SHA256Digest
  private let modelsByEndpoint: [ModelSet?]
  private let routesByCustomPath: [Int: HeaderText]
  private let modelsByKey: [ModelSet?]

  init(
    index: Int, name: String, keys: [APIKey], limits: [Limit], allModels: ModelSet,
    modelsByEndpoint: [ModelSet?], routesByCustomPath: [Int: HeaderText], modelsByKey: [ModelSet?],
    accessDigest: SHA256Digest
  ) {
    self.index = index
    self.name = HeaderText(name)
    self.keys = keys
    self.limits = limits
    self.allModels = allModels
    self.modelsByEndpoint = modelsByEndpoint
    self.routesByCustomPath = routesByCustomPath
    self.modelsByKey = modelsByKey
    self.accessDigest = accessDigest
  }

  /// Models this tenant may use at `endpoint`, those left out whose own `paths` do not list it; nil
  /// where no `allow` entry lists the path. Precomputed: O(1).
  package func models(at endpoint: Endpoint) -> ModelSet? {
    modelsByEndpoint[Int(endpoint.rawValue)]
  }

  /// The `route:` of an allowed uninspected path; nil where it is not this tenant's.
  package func route(forCustomPath index: Int) -> HeaderText? {
    routesByCustomPath[index]
  }

  /// Narrowing by a key's own `models`; nil where the key has none. Precomputed.
  package func models(ofKey index: Int) -> ModelSet? {
    modelsByKey[index]
  }
}

/// Where a key is: the tenant's index, and the key's among its `keys`.
package struct KeyReference: Sendable, Equatable {
  package let tenant: Int
  package let key: Int
}
