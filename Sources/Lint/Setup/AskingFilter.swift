/// A filter that asks Tollgate, ext_proc or ext_authz, with the settings that it has on a route. Each is read
/// by what it means, from Envoy's own configuration and from Envoy Gateway's policies alike.
struct AskingFilter: Sendable {
  /// How bodies are sent to ext_proc.
  enum BodyMode: String {
    case none, buffered, streamed
    case bufferedPartial = "bufferedpartial"
    case fullDuplexStreamed = "fullduplexstreamed"

    /// `BUFFERED_PARTIAL` in Envoy's words, `BufferedPartial` in Envoy Gateway's.
    init(_ field: Field) {
      let text = field.text?.filter { $0 != "_" }.lowercased()
      self = text.flatMap(Self.init(rawValue:)) ?? .none
    }
  }

  let kind: FilterName
  let origin: Chain.Origin
  let settings: Layered
  /// The cluster that it asks, of Envoy's configuration; nil where that is not in the file.
  var cluster: Field?

  var field: Field { settings.own }

  /// A setting by its path in Envoy's filter and in Envoy Gateway's policy. A path that only one of them
  /// knows stands for both: the other never has it.
  private func setting(_ envoy: String, _ gateway: String) -> Field {
    settings[origin == .envoy ? envoy : gateway]
  }

  // MARK: - Whether Tollgate is waited for

  /// The settings by which it fails open, or does not wait for a reply.
  var failOpen: [Field] {
    [setting("failure_mode_allow", "failOpen"), setting("observability_mode", "shadowMode")]
      .compactMap(\.ifTrue)
  }

  var statusOnError: Field { setting("status_on_error.code", "statusOnError") }
  var unsetStatus: String { kind == .extProc ? "500" : "403" }

  var timeout: Field {
    if kind == .extProc { return setting("message_timeout", "messageTimeout") }
    let service = settings["grpc_service"].exists ? "grpc_service" : "http_service.server_uri"
    return setting("\(service).timeout", "timeout")
  }
  /// How long Envoy waits for a reply; nil where the timeout does not apply.
  var patience: Duration? {
    if kind == .extProc, mode("request") == .fullDuplexStreamed { return nil }
    return timeout.duration
      ?? (kind == .extAuthz && origin == .gatewayAPI ? .seconds(10) : .milliseconds(200))
  }

  /// What does not speak gRPC: the filter's HTTP form, or a cluster without HTTP/2; nil where all does.
  var wrongProtocol: Field? {
    let http = setting("http_service", "http")
    if origin == .gatewayAPI || !settings["grpc_service"].exists { return http.exists ? http : nil }
    guard let cluster else { return nil }
    let options = cluster["typed_extension_protocol_options"][
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
    let places = [cluster] + options.members.map(\.value)
    return places.contains { $0["http2_protocol_options"].exists } ? nil : cluster
  }

  /// The circuit breakers of Tollgate's backend, and those that count calls; nil where it is not known.
  var breakers: (field: Field, bounds: [String])? {
    if origin == .gatewayAPI {
      let place = kind == .extProc ? field : field["grpc"]
      let bounds = ["maxConnections", "maxPendingRequests", "maxParallelRequests"]
      return place.exists ? (place.at("backendSettings.circuitBreaker"), bounds) : nil
    }
    return cluster.map { cluster in
      let thresholds = cluster.at("circuit_breakers.thresholds")
      let standard = thresholds.items.first { ($0["priority"].text ?? "DEFAULT") == "DEFAULT" }
      let bounds = ["max_connections", "max_pending_requests", "max_requests"]
      return (standard ?? thresholds, bounds)
    }
  }

  // MARK: - What Tollgate is sent

  /// The setting of how bodies are sent to ext_proc; `phase` is `request` or `response`.
  func body(_ phase: String) -> Field {
    setting("processing_mode.\(phase)_body_mode", "processingMode.\(phase).body")
  }
  func mode(_ phase: String) -> BodyMode { BodyMode(body(phase)) }

  func attributes(_ phase: String) -> Field {
    setting("\(phase)_attributes", "processingMode.\(phase).attributes")
  }

  private var checkedBody: Field { setting("with_request_body", "bodyToExtAuth") }
  var sendsBody: Bool {
    checkedBody.exists && settings["disable_request_body_buffering"].bool != true
  }
  /// The most bytes of the body that ext_authz is sent.
  var bodyBytes: Field { checkedBody[origin == .envoy ? "max_request_bytes" : "maxRequestBytes"] }
  /// The setting by which ext_authz is sent the first part of a larger body.
  var partialBody: Field { checkedBody["allow_partial_message"] }
  /// The setting for lack of which ext_authz is sent the body as text; Envoy Gateway makes it.
  var bodyAsText: Field? { origin == .envoy ? checkedBody["pack_as_bytes"].unlessTrue : nil }

  /// Whether Envoy holds bodies of requests back until they are complete.
  var holdsRequests: Bool {
    kind == .extProc ? [.buffered, .bufferedPartial].contains(mode("request")) : sendsBody
  }

  /// The headers of the request that are sent.
  var headers: HeaderSelection {
    let lists = kind == .extProc ? settings["forward_rules"] : field
    return HeaderSelection(
      allowed: origin == .envoy ? lists["allowed_headers"] : field["headersToExtAuth"],
      withheld: lists["disallowed_headers"])
  }

  var readableNamespaces: Field {
    setting("metadata_options.forwarding_namespaces.untyped", "metadata.accessibleNamespaces")
  }
  var writableNamespaces: Field {
    setting("metadata_options.receiving_namespaces.untyped", "metadata.writableNamespaces")
  }

  // MARK: - What Tollgate may change

  /// The setting by which Envoy chooses the route again after ext_authz.
  var choosesRouteAgain: Field { setting("clear_route_cache", "recomputeRoute") }

  /// The setting by which Envoy keeps its route although ext_proc clears the route cache; nil where none.
  var keepsRoute: Field? {
    let action = settings["route_cache_action"]
    return settings["disable_clear_route_cache"].ifTrue ?? (action.text == "RETAIN" ? action : nil)
  }

  /// The setting by which Envoy does not send Tollgate's refusals; nil where it does.
  var ignoresRefusals: Field? { settings["disable_immediate_response"].ifTrue }

  var mutations: MutationRules {
    MutationRules(settings[kind == .extProc ? "mutation_rules" : "decoder_header_mutation_rules"])
  }
}

/// Which headers of the client a filter sends: the allowed ones, or all, without the withheld ones.
struct HeaderSelection: Sendable {
  let field: Field
  private let allowed: [TextMatcher]?
  private let withheld: [TextMatcher]

  /// Envoy's lists have matchers, Envoy Gateway's has names.
  init(allowed: Field, withheld: Field) {
    func matchers(_ list: Field) -> [TextMatcher] {
      list.texts.map(TextMatcher.exact)
        + TextMatcher.known(list["patterns"].items.map(TextMatcher.init(envoy:)))
    }
    field = allowed.exists ? allowed : withheld
    self.allowed = allowed.exists ? matchers(allowed) : nil
    self.withheld = matchers(withheld)
  }

  func shows(_ header: String) -> Bool {
    func isIn(_ list: [TextMatcher]) -> Bool { list.contains { $0.matches(header, isName: true) } }
    return allowed.map(isIn) ?? true && !isIn(withheld)
  }
}

/// Envoy's HeaderMutationRules: which headers a service may change.
struct MutationRules: Sendable {
  let field: Field

  init(_ field: Field) { self.field = field }

  /// Nil for a header that may be changed, or else the rule against it.
  func rule(against header: String) -> Field? {
    // An expression that Swift cannot read is taken to be harmless.
    func matches(_ name: String, unread: Bool) -> Bool {
      field[name]["regex"].text.map { Pattern.matches($0, header) ?? unread } ?? false
    }
    if !field.exists { return nil }
    if matches("disallow_expression", unread: false) { return field["disallow_expression"] }
    return matches("allow_expression", unread: true) ? nil : field["disallow_all"].ifTrue
  }
}
