/// A filter that asks Tollgate, ext_proc or ext_authz, with the settings that it has on a route. Each is read
/// by what it means, from Envoy's own configuration and from Envoy Gateway's policies alike.
struct AskingFilter: Sendable {
  /// How bodies are sent to ext_proc.
  enum BodyMode: String, Sendable {
    case none, buffered, streamed
    case bufferedPartial = "bufferedpartial"
    case fullDuplexStreamed = "fullduplexstreamed"

    /// `BUFFERED_PARTIAL` in Envoy's words, `BufferedPartial` in Envoy Gateway's.
    init(_ field: Field) {
      let word = (field.text ?? "").filter { $0 != "_" }.lowercased()
      self = BodyMode(rawValue: word) ?? .none
    }
  }

  /// `.extProc` or `.extAuthz`.
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
    [
      setting("failure_mode_allow", "failOpen"), setting("observability_mode", "shadowMode"),
    ].filter { $0.bool == true }
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
    if kind == .extProc, requestMode == .fullDuplexStreamed { return nil }
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

  /// The circuit breakers of the backend through which Tollgate is asked, and the settings that count
  /// calls; nil where the backend is not in the input.
  var breakers: (field: Field, bounds: [String], name: String)? {
    if origin == .gatewayAPI {
      let place = kind == .extProc ? field : field["grpc"]
      return place.exists
        ? (
          place.at("backendSettings.circuitBreaker"),
          ["maxConnections", "maxPendingRequests", "maxParallelRequests"],
          "backendSettings.circuitBreaker"
        ) : nil
    }
    return cluster.map { cluster in
      let thresholds = cluster.at("circuit_breakers.thresholds")
      let standard = thresholds.items.first { ($0["priority"].text ?? "DEFAULT") == "DEFAULT" }
      return (
        standard ?? thresholds, ["max_connections", "max_pending_requests", "max_requests"],
        "circuit_breakers.thresholds of the cluster"
      )
    }
  }

  // MARK: - What Tollgate is sent

  var requestBody: Field {
    setting("processing_mode.request_body_mode", "processingMode.request.body")
  }
  var responseBody: Field {
    setting("processing_mode.response_body_mode", "processingMode.response.body")
  }
  var requestMode: BodyMode { BodyMode(requestBody) }
  var responseMode: BodyMode { BodyMode(responseBody) }

  /// How ext_authz is sent the body.
  private var checkedBody: Field { setting("with_request_body", "bodyToExtAuth") }
  /// Whether ext_authz is sent the body.
  var sendsBody: Bool {
    checkedBody.exists && settings["disable_request_body_buffering"].bool != true
  }
  /// The most bytes of the body that ext_authz is sent.
  var bodyBytes: Field {
    checkedBody[origin == .envoy ? "max_request_bytes" : "maxRequestBytes"]
  }
  /// The setting by which ext_authz is sent the first part of a larger body.
  var partialBody: Field { checkedBody["allow_partial_message"] }
  /// The setting by which ext_authz is sent the body as bytes and not as text; Envoy Gateway sets it.
  var bodyAsBytes: Field? { origin == .envoy ? checkedBody["pack_as_bytes"] : nil }

  /// Whether Envoy holds bodies of requests back until they are complete.
  var holdsRequests: Bool {
    kind == .extProc ? [.buffered, .bufferedPartial].contains(requestMode) : sendsBody
  }

  /// The headers of the request that are sent.
  var headers: HeaderSelection {
    if kind == .extProc { return HeaderSelection(settings["forward_rules"]) }
    return origin == .envoy
      ? HeaderSelection(field) : HeaderSelection(names: settings["headersToExtAuth"])
  }

  var requestAttributes: Field {
    setting("request_attributes", "processingMode.request.attributes")
  }
  var responseAttributes: Field {
    setting("response_attributes", "processingMode.response.attributes")
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
    let (disabled, action) = (settings["disable_clear_route_cache"], settings["route_cache_action"])
    return disabled.bool == true ? disabled : action.text == "RETAIN" ? action : nil
  }

  /// The setting by which Envoy does not send Tollgate's refusals, where it is true.
  var ignoresRefusals: Field { settings["disable_immediate_response"] }

  var mutations: MutationRules {
    MutationRules(
      settings[kind == .extProc ? "mutation_rules" : "decoder_header_mutation_rules"])
  }
}

/// Which headers of the client a filter sends: `allowed_headers`, all where there are none, without
/// `disallowed_headers`.
struct HeaderSelection: Sendable {
  let field: Field
  private let allowed: [TextMatcher]?
  private let withheld: [TextMatcher]

  /// The two lists of Envoy's filters.
  init(_ settings: Field) {
    func matchers(_ list: Field) -> [TextMatcher]? {
      list.exists ? TextMatcher.known(list["patterns"].items.map(TextMatcher.init(envoy:))) : nil
    }
    let (allowed, withheld) = (settings["allowed_headers"], settings["disallowed_headers"])
    self.allowed = matchers(allowed)
    self.withheld = matchers(withheld) ?? []
    field = allowed.exists ? allowed : withheld
  }

  /// A list of names, as Envoy Gateway has it.
  init(names: Field) {
    field = names
    allowed = names.exists ? names.texts.map(TextMatcher.exact) : nil
    withheld = []
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
    if matches("disallow_expression", unread: false) { return field["disallow_expression"] }
    let all = field["disallow_all"]
    return all.bool == true && !matches("allow_expression", unread: true) ? all : nil
  }
}
