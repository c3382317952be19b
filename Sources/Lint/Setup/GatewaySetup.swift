/// A gateway with everything that is attached to it. The checks look at this, whether it was read from
/// Gateway API resources or from an Envoy config.
struct GatewaySetup: Sendable {
  /// What it was read from. Envoy takes the first rule that matches, the Gateway API the most specific one.
  enum Origin: Sendable { case gatewayAPI, envoy }

  /// The Gateway, or the HTTP connection manager.
  let field: Field
  let origin: Origin
  /// Whether filters are enabled for each route, as Envoy Gateway does it; otherwise they run for all.
  let filtersByRoute: Bool
  /// Whether routes differ in whom they ask, so that a client's header can choose that.
  let filtersDiffer: Bool
  /// Whether the gateway itself is in the set, and not only routes.
  let isWhole: Bool
  /// For an Envoy config in the order in which Envoy tries them.
  let rules: [RouteRule]
  /// Whether these are all rules; otherwise Envoy fetches others while it runs.
  let hasAllRules: Bool
  let processors: [ProcessorSettings]
  let authorizers: [AuthorizerSettings]
  let verifiers: [JWTSettings]
  /// Routes to a backend for which Tollgate is not asked, and why.
  let bypasses: [(field: Field, message: String)]
  let listener: ListenerSettings
  /// Nil where it is not in the set.
  let accessLog: AccessLogSettings?
  /// The filters in their order, each with the field that decides it.
  let filterOrder: [Placed<FilterName>]
  /// Whether an endpoint picker chooses the backend's address (Gateway API Inference Extension).
  let hasEndpointPicker: Bool

  /// The rules that send requests to a backend.
  var backendRules: [RouteRule] { rules.filter(\.sendsToBackend) }

  /// Whether Tollgate is asked at all.
  var asksTollgate: Bool { !processors.isEmpty || !authorizers.isEmpty }

  /// Whether any rule matches on x-ai-model-route.
  var routesByModel: Bool { rules.contains { !$0.modelRoutes.isEmpty } }

  /// Whether it has to do with Tollgate.
  var concernsTollgate: Bool { asksTollgate || routesByModel || !bypasses.isEmpty }
}

/// The filters whose order matters.
enum FilterName: String, Sendable {
  case extAuthz = "envoy.filters.http.ext_authz"
  case jwtAuthn = "envoy.filters.http.jwt_authn"
  case extProc = "envoy.filters.http.ext_proc"
  case router = "envoy.filters.http.router"
}
