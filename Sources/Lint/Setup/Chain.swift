/// What Envoy makes of a gateway: its listener, its routes, and the filters that ask Tollgate on them. The
/// checks are properties of this, whether it was read from Gateway API resources or from an Envoy config.
struct Chain: Sendable {
  /// In whose words it is written.
  enum Origin: Sendable { case gatewayAPI, envoy }

  /// The Gateway, or the HTTP connection manager.
  let field: Field
  let origin: Origin
  /// Nil for an Envoy config, and for routes whose Gateway is not in the set.
  var gateway: Resource?
  /// For an Envoy config in the order in which Envoy tries them.
  let rules: [RouteRule]
  /// Whether these are all rules; otherwise Envoy fetches others while it runs.
  var hasAllRules = true
  /// The filters that ask Tollgate, with each of the different settings that they have on some route.
  var filters: [AskingFilter] = []
  /// Whether filters are enabled for each route, as Envoy Gateway does it; otherwise they run for all.
  var filtersByRoute = true
  /// Whether routes differ in whom they ask, so that a client's header can choose that.
  var filtersDiffer = true
  /// Routes to a backend for which Tollgate is not asked, and why.
  var bypasses: [Remark] = []
  var verifiers: [JWTFilter] = []
  /// The filters in their order, each with the field that decides it.
  var filterOrder: [(name: FilterName, field: Field)] = []
  /// Nil where it is not in the set.
  var listener: ListenerSettings?
  /// Nil where it is not in the set.
  var accessLog: AccessLog?
  /// Whether an endpoint picker chooses the backend's address (Gateway API Inference Extension).
  var hasEndpointPicker = false

  /// Whether the gateway itself is in the set, and not only routes.
  var isWhole: Bool { origin == .envoy || gateway != nil }

  var processors: [AskingFilter] { filters.filter { $0.kind == .extProc } }
  var authorizers: [AskingFilter] { filters.filter { $0.kind == .extAuthz } }

  var backendRules: [RouteRule] { rules.filter(\.sendsToBackend) }

  /// Whether Tollgate is asked at all.
  var asksTollgate: Bool { !filters.isEmpty }

  /// Whether it has to do with Tollgate: asks it, or matches on x-ai-model-route.
  var concernsTollgate: Bool {
    asksTollgate || !bypasses.isEmpty || rules.contains { !$0.modelRoutes.isEmpty }
  }
}

/// The filters whose order matters.
enum FilterName: String, Sendable {
  case extAuthz = "envoy.filters.http.ext_authz"
  case jwtAuthn = "envoy.filters.http.jwt_authn"
  case extProc = "envoy.filters.http.ext_proc"
  case router = "envoy.filters.http.router"

  /// Whether it asks a service about requests.
  var asks: Bool { self == .extProc || self == .extAuthz }
}

struct AccessLog: Sendable {
  let field: Field
  /// The text of each log's format; "" for the default format.
  let formats: [String]
}

struct ListenerSettings: Sendable {
  /// The listener, or the policy for it.
  let field: Field
  /// How many bytes Envoy buffers.
  let buffer: Field
  let unsetBufferBytes: Int64
  /// What removes request headers before the route is chosen.
  let early: Field
  let earlyRemovals: [TextMatcher]
  /// One for each way in which certificates are verified.
  let certificates: [CertificateFaults]

  func removes(_ header: String) -> Bool {
    earlyRemovals.contains { $0.matches(header, isName: true) }
  }
}

/// A filter that verifies JWTs.
struct JWTFilter: Sendable {
  let field: Field
  /// Whether it lets requests pass that have no JWT, or none that it could verify.
  let letsOthersPass: Bool
  /// The providers' issuers; a provider without one accepts any.
  let issuers: [Field]
}

/// What is wrong with how a listener verifies client certificates: the settings that say so.
struct CertificateFaults: Sendable {
  /// Certificates of any authority are accepted.
  let untrusted: Field?
  /// No authority is named that must have signed them.
  let unnamed: Field?
  /// Callers without one are let in.
  let optional: Field?
  /// Expired ones are accepted.
  let expired: Field?
}
