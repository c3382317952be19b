import Bytes
import Terms

/// A policy whose parts have been read one by one but not yet checked against each other. Each part
/// keeps its node, so that a later problem can name its place.
struct PolicyDraft {
  var settings = PolicySettings()
  /// The tenants in the `tenants` of all issuers.
  var claimedTenants: [PlacedText] = []
  var sharedHostnames: [PlacedText]?
  var sharedHostnamesNode: Node?
  /// Nil where the policy does not say.
  var responseIDsNode: Node?
  var classes: [ClassDraft] = []
  var pathAliases: [PathAliasDraft] = []
  var models: [ModelDraft] = []
  var plans: [PlanDraft] = []
  var groups: [GroupDraft] = []
  var tenants: [TenantDraft] = []
  var limits: [LimitDraft] = []
}

/// An entry of `auth.jwt`, and the names of tenants in it.
struct IssuerDraft {
  let issuer: JWTIssuer
  let tenants: [PlacedText]
}

/// An entry of `classes`.
struct ClassDraft {
  let named: NamedNode
  let trafficClass: TrafficClass
  let maxConcurrentNode: Node?
}

/// An entry of `path_aliases`.
struct PathAliasDraft {
  let named: NamedNode
  let endpoint: Endpoint
}

/// An entry of `models`.
struct ModelDraft {
  let named: NamedNode
  var aliases: [PlacedText] = []
  var className: PlacedText?
  var provider: String?
  var routes: [ModelRoute] = []
  var upstreamModelNodes: [Node] = []
  var sticky = Stickiness.request
  var paths: [PlacedText]?
  var requests = ModelRequests()
  /// `bound` and `bound_above`.
  var boundNode: Node?
  var boundAboveNode: Node?
  /// Nil where the policy does not say.
  var streamUsage: StreamUsage?
  var streamUsageNode: Node?
  var prices: Prices?
  var lacksCompletionPrice = false
  var name: String { named.name }
}

/// An entry of `plans`.
struct PlanDraft {
  let named: NamedNode
  var allow: [AllowDraft] = []
  var limits: [LimitDraft] = []
  /// Whether `allow` has entries, valid or not.
  var hasAllow = false
}

/// An entry of `groups`.
struct GroupDraft {
  let named: NamedNode
  var tenants: [PlacedText] = []
  var limits: [LimitDraft] = []
}

/// An entry of `tenants`. `allow` and `limits` are its own, without those of its plan.
struct TenantDraft {
  let named: NamedNode
  var plan: PlacedText?
  var hostnames: [PlacedText] = []
  var keys: [KeyDraft] = []
  var principals: [PlacedText] = []
  var allow: [AllowDraft] = []
  var limits: [LimitDraft] = []
  /// Whether `keys`, `principals` and `allow` have entries, valid or not: an invalid entry has been
  /// reported, and needs no warning that there is none.
  var hasKeys = false
  var hasPrincipals = false
  var hasAllow = false
}

/// An entry of a tenant's `keys`.
struct KeyDraft {
  let node: Node
  var id: PlacedText?
  var digest: SHA256Digest?
  var digestNode: Node?
  var subject: String?
  var expiresSeconds: Int64?
  var disabled = false
  var limits: [LimitDraft] = []
  var models: [PlacedText]?
}

/// An entry of a tenant's `allow`.
struct AllowDraft {
  let node: Node
  var paths: [PlacedText] = []
  var models: [PlacedText]?
  var route: PlacedText?
  /// Whether there is a `route`, valid or not.
  var hasRoute = false
}

/// An entry of `limits`: of the policy, a plan, a group, a tenant or a key.
struct LimitDraft {
  let node: Node
  /// Nil where a field of it is invalid.
  var limit: Limit?
  let name: PlacedText?
  let models: [PlacedText]?
  /// The nodes of `limit`'s raises, in their order.
  var raiseNodes: [Node] = []
}
