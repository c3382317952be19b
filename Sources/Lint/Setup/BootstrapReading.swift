/// Reads an Envoy config into gateway setups, one for each HTTP connection manager: what Envoy makes of it
/// on each route.
struct BootstrapReading {
  let config: EnvoyConfig
  /// The clusters and gRPC targets that are Tollgate's.
  private(set) var tollgates: Set<String> = []
  private(set) var setups: [GatewaySetup] = []

  /// `isMeant`: something else in the set (a policy) says that Tollgate is to be asked.
  init(_ config: EnvoyConfig, isMeant: Bool) {
    self.config = config
    tollgates = findTollgates(isMeant: isMeant)
    setups = chains.flatMap { name, chain, listener in
      Self.managers(of: chain).map {
        setup($0.named(name), listener.named(name), chain.named(name))
      }
    }
  }

  /// The filter chains of all listeners, with the listener and what findings call it.
  var chains: [(name: String, chain: Field, listener: Field)] {
    config.listeners.flatMap { listener in
      let name = "Envoy listener \(listener["name"].text ?? "?")"
      return (listener["filter_chains"].items + [listener["default_filter_chain"]]).map {
        (name, $0, listener)
      }
    }
  }

  /// The HTTP connection managers of a filter chain.
  static func managers(of chain: Field) -> [Field] {
    chain["filters"].items.map { $0["typed_config"] }.filter {
      $0.typeName == "HttpConnectionManager"
    }
  }

  private func setup(_ manager: Field, _ listener: Field, _ chain: Field) -> GatewaySetup {
    let routes = routes(of: manager)
    let filters = filters(of: manager)
    let hasAllRules = routeConfig(of: manager).map { !$0["vhds"].exists } ?? false
    let judged = routes.filter { $0.rule.sendsToBackend || $0.takesRest }
    func all(_ kind: FilterName) -> Asked {
      asked(
        filters.filter { $0.kind == kind }, judged, isWhole: hasAllRules && !routes.isEmpty)
    }
    let (processors, authorizers) = (all(.extProc), all(.extAuthz))
    return GatewaySetup(
      field: manager, origin: .envoy,
      filtersByRoute: processors.isByRoute || authorizers.isByRoute,
      filtersDiffer: processors.differ || authorizers.differ,
      isWhole: true, rules: routes.map(\.rule), hasAllRules: hasAllRules,
      processors: processors.settings.map(processor),
      authorizers: authorizers.settings.map(authorizer),
      verifiers: filters.filter { $0.name == .jwtAuthn }.map { verifier($0.settings) },
      bypasses: processors.bypasses + authorizers.bypasses
        + (processors.settings + authorizers.settings).prefix(1).flatMap { _ in upgrades(manager) },
      listener: listenerSettings(manager, listener, chain), accessLog: accessLog(manager),
      filterOrder: filters.compactMap { filter in
        filter.name.map { Placed(value: $0, field: filter.field) }
      },
      hasEndpointPicker: config.clusters.contains {
        $0["lb_policy"].text == "CLUSTER_PROVIDED" || $0["type"].text == "ORIGINAL_DST"
      })
  }

  /// Upgrades with a list of filters of their own, in which none asks Tollgate.
  private func upgrades(_ manager: Field) -> [(field: Field, message: String)] {
    manager["upgrade_configs"].items.map { $0["filters"] }.filter { filters in
      filters.exists && !filters.items.contains { asksTollgate($0["typed_config"]) }
    }.map { ($0, "upgraded requests pass these filters only, and none asks Tollgate") }
  }

  // MARK: - Who is asked on which route

  /// What the filters of one kind do on the routes.
  private struct Asked {
    /// The different settings with which Tollgate is asked.
    var settings: [Layered] = []
    /// Where it is not asked.
    var bypasses: [(field: Field, message: String)] = []
    /// Whether a filter asks it only on routes that enable the filter.
    var isByRoute = false

    var differ: Bool { isByRoute && settings.count > 1 }
  }

  private func asked(_ filters: [HTTPFilter], _ routes: [EnvoyRoute], isWhole: Bool) -> Asked {
    var asked = Asked()
    // Without routes in the config, the filters' own settings are what is known.
    let scopes = routes.flatMap(\.scopes) + (isWhole ? [] : [[]])
    var seen: Set<[String]> = []
    for scope in scopes {
      var isAsked = false
      var reasons: [(field: Field, message: String)] = []
      for filter in filters {
        let name = filter.field["name"].text ?? "?"
        switch FilterEffect(of: filter.field, filter.settings, on: scope) {
        case .off(let field):
          guard asksTollgate(filter.settings), !scope.isEmpty else { continue }
          reasons.append((field, "\(name) is disabled here, so Tollgate is not asked"))
        case .runs(let layered):
          let service = Self.service(layered["grpc_service"], layered["http_service"])
          if let service, tollgates.contains(service) {
            isAsked = true
            if filter.field["disabled"].bool == true { asked.isByRoute = true }
            if seen.insert(layered.layers.map(\.path)).inserted { asked.settings.append(layered) }
          } else if asksTollgate(filter.settings) {
            reasons.append(
              (layered["grpc_service"], "\(name) asks \(service ?? "nobody") here, not Tollgate"))
          }
        }
      }
      if !isAsked { asked.bypasses += reasons }
    }
    return asked
  }

  /// Whether a filter's own settings name Tollgate's service.
  private func asksTollgate(_ settings: Field) -> Bool {
    Self.service(settings["grpc_service"], settings["http_service"]).map(tollgates.contains)
      ?? false
  }

  /// The cluster, or the target of Google's gRPC client, that a filter asks.
  static func service(_ grpc: Field, _ http: Field) -> String? {
    grpc["envoy_grpc"]["cluster_name"].text ?? grpc["google_grpc"]["target_uri"].text
      ?? [http, http["http_service"]].lazy.compactMap { $0["server_uri"]["cluster"].text }.first
  }

  /// A cluster is Tollgate's where its name, its address or the metadata namespace that it may write says
  /// so. Where none does, and Tollgate is meant to be asked, it is the one that is sent request bodies.
  private func findTollgates(isMeant: Bool) -> Set<String> {
    let managers = chains.flatMap { Self.managers(of: $0.chain) }
    let filters = managers.flatMap(filters).filter { $0.kind != nil }
    let perRoute = managers.flatMap(routes).flatMap(\.scopes).flatMap { $0 }
      .flatMap { $0["typed_per_filter_config"].members.map(\.value) }
      .map { ($0.typeName == "FilterConfig" ? $0["config"] : $0)["overrides"] }
    let all = filters.map(\.settings) + perRoute
    let named = all.filter { settings in
      settings.at("metadata_options.receiving_namespaces.untyped").texts.contains("tollgate")
        || Self.service(settings["grpc_service"], settings["http_service"]).map(isNamed) == true
    }
    func services(_ settings: [Field]) -> [String] {
      settings.compactMap { Self.service($0["grpc_service"], $0["http_service"]) }
    }
    if !named.isEmpty { return Set(services(named)) }
    let routesByModel = managers.flatMap(routes).contains { !$0.rule.modelRoutes.isEmpty }
    guard isMeant || routesByModel else { return [] }
    let processors = filters.filter { $0.kind == .extProc }.map(\.settings)
    let withBody = processors.filter {
      !["NONE", nil].contains($0["processing_mode"]["request_body_mode"].text)
    }
    let checks = filters.filter { $0.kind == .extAuthz && $0.settings["with_request_body"].exists }
    return Set(services(withBody + processors + checks.map(\.settings)).prefix(1))
  }

  private func isNamed(_ service: String) -> Bool {
    service.lowercased().contains("tollgate")
      || config.cluster(service).map(Self.addresses)?.contains {
        ($0["pipe"]["path"].text ?? $0["socket_address"]["address"].text)?.contains("tollgate")
          == true
      } == true
  }

  static func addresses(_ cluster: Field) -> [Field] {
    cluster["load_assignment"]["endpoints"].items.flatMap { group in
      group["lb_endpoints"].items.map { $0["endpoint"]["address"] }
    }
  }

  private func accessLog(_ manager: Field) -> AccessLogSettings {
    AccessLogSettings(
      field: manager["access_log"],
      formats: manager["access_log"].items.map { AccessLogText.text(of: $0["typed_config"]) },
      setting: "access_log[].typed_config.log_format")
  }
}
