/// What Envoy makes of a gateway: its listener, its routes, and the filters that ask Tollgate on them. The
/// checks are properties of this, whether it was read from Gateway API resources or from an Envoy config.
struct Chain: Sendable {
  /// In whose words it is written. Envoy takes the first rule that matches, the Gateway API the most
  /// specific one.
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

  /// The rules that send requests to a backend.
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
}

/// A setting with its name for messages: `ClientTrafficPolicy spec.connection.bufferLimit`.
struct NamedField: Sendable {
  let field: Field
  let name: String
}

struct AccessLog: Sendable {
  let place: NamedField
  /// The text of each log's format; "" for the default format.
  let formats: [String]
}

struct ListenerSettings: Sendable {
  /// The listener, or the policy for it.
  let field: Field
  /// How many bytes Envoy buffers.
  let buffer: NamedField
  let unsetBufferBytes: Int64
  /// What removes request headers before the route is chosen.
  let early: NamedField
  let earlyRemovals: [TextMatcher]
  let certificateFaults: [CertificateFault]

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

/// What is wrong with how a listener verifies client certificates.
struct CertificateFault: Sendable {
  enum Kind: String, Sendable {
    case untrusted =
      "certificates of any authority are accepted, although the policy trusts them as identity"
    case unnamed = "it does not say which authority must have signed client certificates"
    case optional =
      "callers without a certificate are let in, although the policy has no other credentials"
    case expired = "expired certificates are accepted as identity"
  }

  let kind: Kind
  let field: Field
  let remedy: String

  /// Those that are there: each of these whose field is not nil.
  static func all(_ faults: [(kind: Kind, field: Field?, remedy: String)]) -> [CertificateFault] {
    faults.compactMap { kind, field, remedy in
      field.map { CertificateFault(kind: kind, field: $0, remedy: remedy) }
    }
  }
}
