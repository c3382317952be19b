/// A gateway with everything that is attached to it, read out of Gateway API resources or of an Envoy
/// config: what the checks look at.
struct GatewaySetup: Sendable {
  /// The Gateway, or the HTTP connection manager.
  let field: Field
  /// Whether filters are turned on route by route, as Envoy Gateway does; else they stand before all.
  let filtersByRoute: Bool
  /// Whether the gateway itself is among the documents, and not only routes to it.
  let isWhole: Bool
  /// In the order in which they are tried, for Envoy.
  let rules: [RouteRule]
  /// Whether these are all; else some come from elsewhere while Envoy runs.
  let hasAllRules: Bool
  /// Whether the first rule that matches wins, as in Envoy; else the most specific one.
  let isOrdered: Bool
  let processors: [ProcessorSettings]
  let authorizers: [AuthorizerSettings]
  let verifiers: [JWTSettings]
  /// Whether Tollgate is asked for every route, and not for single ones only.
  let isGuarded: Bool
  /// Routes to a backend for which a filter of Tollgate's is off, with why.
  let bypasses: [(field: Field, message: String)]
  let listener: ListenerSettings
  /// nil where it is not among the documents.
  let accessLog: AccessLogSettings?
  /// Filters in their order, each with where that is written down.
  let filterOrder: [Placed<FilterName>]
  /// Whether an endpoint picker chooses among backends.
  let hasEndpointPicker: Bool

  /// Rules that lead to a backend.
  var backendRules: [RouteRule] { rules.filter(\.sendsToBackend) }

  /// Whether Tollgate is asked at all.
  var asksTollgate: Bool { !processors.isEmpty || !authorizers.isEmpty }

  /// Whether any rule is meant for Tollgate's routing.
  var routesByModel: Bool { rules.contains { !$0.modelRoutes.isEmpty } }

  /// Whether it has to do with Tollgate.
  var concernsTollgate: Bool { asksTollgate || routesByModel }
}

/// The filters whose order matters.
enum FilterName: String, Sendable {
  case extAuthz = "envoy.filters.http.ext_authz"
  case jwtAuthn = "envoy.filters.http.jwt_authn"
  case extProc = "envoy.filters.http.ext_proc"
  case router = "envoy.filters.http.router"
}

/// What holds for a listener's connections.
struct ListenerSettings: Sendable {
  let field: Field
  /// How much of a body may be held; nil for the default.
  let bufferBytes: Int64?
  let bufferField: Field
  let defaultBufferBytes: Int64
  /// `ClientTrafficPolicy.spec.connection.bufferLimit`: for the remedy.
  let bufferSetting: String
  /// Which headers are removed before anything looks.
  let earlyRemovals: [NameMatcher]
  let earlyRemovalField: Field
  let earlyRemovalSetting: String
  /// What is asked of client certificates; faults only, with why.
  let certificateFaults: [CertificateFault]
}

/// A listener that lets in certificates of unknown authorities, or none.
struct CertificateFault: Sendable {
  let severity: Finding.Severity
  let field: Field
  let message: String
  let remedy: String
  /// Whether it is no more than that callers without a certificate are let in.
  var isOptional = false
}

/// How a header's name is matched for removal.
enum NameMatcher: Sendable {
  case exact(String)
  case prefix(String)
  case suffix(String)
  case containing(String)
  case regex(String)

  func matches(_ name: String) -> Bool {
    switch self {
    case .exact(let text): text.lowercased() == name
    case .prefix(let text): name.hasPrefix(text.lowercased())
    case .suffix(let text): name.hasSuffix(text.lowercased())
    case .containing(let text): name.contains(text.lowercased())
    // One that cannot be read here is given the benefit of the doubt.
    case .regex(let pattern): Pattern.matches(pattern, name) ?? true
    }
  }
}

/// The access log.
struct AccessLogSettings: Sendable {
  let field: Field
  /// Every format's texts, one string a log; empty where only a default format is written.
  let formats: [String]
  /// `EnvoyProxy.spec.telemetry.accessLog.settings[].format`: for the remedy.
  let setting: String
}
