import Bytes
import Terms

/// What has been read of a policy, each piece with its node, before the pieces are held against one
/// another.
struct PolicyDraft {
  var settings = PolicySettings()
  var sharedHostnames: [PlacedText]?
  var sharedHostnamesNode: Node?
  var classes: [ClassDraft] = []
  var pathAliases: [PathAliasDraft] = []
  var models: [ModelDraft] = []
  var tenants: [TenantDraft] = []
  var limits: [LimitDraft] = []
}

struct ClassDraft {
  let named: NamedNode
  let trafficClass: TrafficClass
  let maxConcurrentNode: Node?
}

struct PathAliasDraft {
  let named: NamedNode
  let endpoint: Endpoint
}

struct ModelDraft {
  let named: NamedNode
  var aliases: [PlacedText] = []
  var className: PlacedText?
  var routes: [ModelRoute] = []
  var upstreamModelNodes: [Node] = []
  var sticky = Stickiness.request
  var paths: [PlacedText]?
  var maxOutputTokens: Int?
  /// Nil where the policy does not say.
  var streamUsage: StreamUsage?
  var streamUsageNode: Node?
  var prices: Prices?
  var lacksCompletionPrice = false
  var name: String { named.name }
}

struct TenantDraft {
  let named: NamedNode
  var hostnames: [PlacedText] = []
  var keys: [KeyDraft] = []
  var principals: [PlacedText] = []
  var allow: [AllowDraft] = []
  var limits: [LimitDraft] = []
  /// Whether `keys`, `principals` hold anything, readable or not.
  var hasKeys = false
  var hasPrincipals = false
  var hasAllow = false
}

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

struct AllowDraft {
  let node: Node
  var paths: [PlacedText] = []
  var models: [PlacedText]?
  var route: PlacedText?
  /// Whether there is a `route`, readable or not.
  var hasRoute = false
}

struct LimitDraft {
  let node: Node
  /// Nil where it could not be read.
  let limit: Limit?
  let name: PlacedText?
  let models: [PlacedText]?
}
