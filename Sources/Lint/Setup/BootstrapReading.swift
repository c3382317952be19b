/// Reads an Envoy config into chains, one for each HTTP connection manager: what Envoy makes of it on each
/// route.
struct BootstrapReading {
  let config: EnvoyConfig
  /// The clusters and gRPC targets that are Tollgate's.
  private(set) var tollgates: Set<String> = []
  private(set) var chains: [Chain] = []
  private let managers: [Manager]

  /// `isMeant`: something else in the set (a policy) says that Tollgate is to be asked.
  init(_ config: EnvoyConfig, isMeant: Bool) {
    self.config = config
    managers = Self.filterChains(config).flatMap { chain, listener in
      chain.all("filters[].typed_config").filter { $0.typeName == "HttpConnectionManager" }
        .map { Manager($0, in: chain, listener, config) }
    }
    tollgates = findTollgates(isMeant: isMeant)
    chains = managers.map(chain)
  }

  /// An HTTP connection manager, with what is in its parts or in what it fetches.
  private struct Manager {
    let field: Field
    let chain: Field
    let listener: Field
    let filters: [HTTPFilter]
    /// Nil where its routes are not in the config.
    let routing: Field?
    let routes: [EnvoyRoute]

    init(_ field: Field, in chain: Field, _ listener: Field, _ config: EnvoyConfig) {
      (self.field, self.chain, self.listener) = (field, chain, listener)
      filters = field["http_filters"].items.map { HTTPFilter($0, of: field, config) }
      routing = EnvoyRoute.config(of: field, config)
      routes = EnvoyRoute.all(of: field, routing)
    }

    /// Whether its routes are all in the config.
    var hasAllRules: Bool { routing.map { !$0["vhds"].exists } ?? false }
  }

  /// The filter chains of all listeners, each with its listener.
  private static func filterChains(_ config: EnvoyConfig) -> [(chain: Field, listener: Field)] {
    config.listeners.flatMap { listener in
      let listener = listener.named("Envoy listener \(listener["name"].text ?? "?")")
      return (listener["filter_chains"].items + [listener["default_filter_chain"]]).map {
        ($0, listener)
      }
    }
  }

  private func chain(of manager: Manager) -> Chain {
    let judged = manager.routes.filter { $0.rule.sendsToBackend || $0.takesRest }
    let asked = [FilterName.extProc, .extAuthz].map { self.asked($0, of: manager, on: judged) }
    let filters = asked.flatMap(\.filters)
    var chain = Chain(
      field: manager.field, origin: .envoy, rules: manager.routes.map(\.rule),
      hasAllRules: manager.hasAllRules, filters: filters,
      filtersByRoute: asked.contains(where: \.isByRoute),
      filtersDiffer: asked.contains { $0.isByRoute && $0.filters.count > 1 },
      bypasses: asked.flatMap(\.bypasses) + (filters.isEmpty ? [] : upgrades(manager.field)),
      verifiers: manager.filters.filter { $0.name == .jwtAuthn }.map(\.verifier))
    chain.filterOrder = manager.filters.compactMap { filter in
      filter.name.map { ($0, filter.field) }
    }
    chain.listener = ListenerSettings(manager.field, manager.listener, manager.chain)
    let log = manager.field["access_log"]
    chain.accessLog = AccessLog(
      place: NamedField(field: log, name: "access_log[].typed_config.log_format"),
      formats: log.items.map { $0["typed_config"].allText })
    chain.hasEndpointPicker = config.clusters.contains {
      $0["lb_policy"].text == "CLUSTER_PROVIDED" || $0["type"].text == "ORIGINAL_DST"
    }
    return chain
  }

  /// Upgrades with a list of filters of their own, in which none asks Tollgate.
  private func upgrades(_ manager: Field) -> [Remark] {
    manager.all("upgrade_configs[].filters").filter { filters in
      !filters.items.contains { asksTollgate($0["typed_config"]) }
    }.map { Remark($0, "upgraded requests pass these filters only, and none asks Tollgate") }
  }

  // MARK: - Who is asked on which route

  /// What the filters of one kind do on the routes.
  private struct Asked {
    /// Those that ask Tollgate, with the different settings that they have.
    var filters: [AskingFilter] = []
    /// Where it is not asked.
    var bypasses: [Remark] = []
    /// Whether a filter asks it only on routes that enable the filter.
    var isByRoute = false
  }

  private func asked(
    _ kind: FilterName, of manager: Manager, on routes: [EnvoyRoute]
  ) -> Asked {
    var asked = Asked()
    let filters = manager.filters.filter { $0.name == kind }
    let isKnown = manager.hasAllRules && !manager.routes.isEmpty
    // Without routes in the config, the filters' own settings are what is known.
    let scopes = routes.flatMap(\.scopes) + (isKnown ? [] : [[]])
    var seen: Set<[String]> = []
    for scope in scopes {
      var isAsked = false
      var reasons: [Remark] = []
      for filter in filters {
        let name = filter.field["name"].text ?? "?"
        switch FilterEffect(of: filter.field, filter.settings, on: scope) {
        case .off(let field):
          guard asksTollgate(filter.settings), !scope.isEmpty else { continue }
          reasons.append(Remark(field, "\(name) is disabled here, so Tollgate is not asked"))
        case .runs(let layered):
          let service = Self.service(layered["grpc_service"], layered["http_service"])
          if let service, tollgates.contains(service) {
            isAsked = true
            if filter.field["disabled"].bool == true { asked.isByRoute = true }
            guard seen.insert(layered.layers.map(\.path)).inserted else { continue }
            let cluster = layered["grpc_service.envoy_grpc.cluster_name"].text
            asked.filters.append(
              AskingFilter(
                kind: kind, origin: .envoy, settings: layered,
                cluster: cluster.flatMap(config.cluster)))
          } else if asksTollgate(filter.settings) {
            reasons.append(
              Remark(
                layered["grpc_service"], "\(name) asks \(service ?? "nobody") here, not Tollgate"))
          }
        }
      }
      if !isAsked { asked.bypasses += reasons }
    }
    if manager.hasAllRules, asked.filters.isEmpty, asked.bypasses.isEmpty {
      // There is no route to a model either: the filter itself is the place to say it.
      asked.bypasses = filters.map { ($0.field["disabled"], $0) }.filter { disabled, filter in
        disabled.bool == true && asksTollgate(filter.settings)
      }.map { disabled, filter in
        let name = filter.field["name"].text ?? "?"
        return Remark(disabled, "\(name) is disabled, and no route enables it")
      }
    }
    return asked
  }

  /// Whether a filter's own settings name Tollgate's service.
  private func asksTollgate(_ settings: Field) -> Bool {
    Self.service(settings).map(tollgates.contains) ?? false
  }

  private static func service(_ settings: Field) -> String? {
    service(settings["grpc_service"], settings["http_service"])
  }

  /// The cluster, or the target of Google's gRPC client, that a filter asks.
  private static func service(_ grpc: Field, _ http: Field) -> String? {
    let places = [
      grpc.at("envoy_grpc.cluster_name"), grpc.at("google_grpc.target_uri"),
      http.at("server_uri.cluster"), http.at("http_service.server_uri.cluster"),
    ]
    return places.lazy.compactMap(\.text).first
  }

  /// A cluster is Tollgate's where its name, its address or the metadata namespace that it may write says
  /// so. Where none does, and Tollgate is meant to be asked, it is the one that is sent request bodies.
  private func findTollgates(isMeant: Bool) -> Set<String> {
    let filters = managers.flatMap(\.filters).filter { $0.name?.asks == true }
    let routes = managers.flatMap(\.routes)
    let perRoute = routes.flatMap(\.scopes).flatMap { $0 }
      .flatMap { $0["typed_per_filter_config"].members.map(\.value) }
      .map { FilterEffect.unwrapped($0)["overrides"] }
    let named = (filters.map(\.settings) + perRoute).filter { settings in
      settings.at("metadata_options.receiving_namespaces.untyped").texts.contains("tollgate")
        || Self.service(settings).map(isNamed) == true
    }
    if !named.isEmpty { return Set(named.compactMap(Self.service)) }
    guard isMeant || routes.contains(where: { !$0.rule.modelRoutes.isEmpty }) else { return [] }
    let processors = filters.filter { $0.name == .extProc }.map(\.settings)
    let withBody = processors.filter {
      !["NONE", nil].contains($0.at("processing_mode.request_body_mode").text)
    }
    let checks = filters.filter {
      $0.name == .extAuthz && $0.settings["with_request_body"].exists
    }
    let likely = withBody + processors + checks.map(\.settings)
    return Set(likely.compactMap(Self.service).prefix(1))
  }

  private func isNamed(_ service: String) -> Bool {
    let addresses = config.cluster(service).map(EnvoyConfig.addresses) ?? []
    let texts = addresses.flatMap { [$0.at("pipe.path"), $0.at("socket_address.address")] }
    return service.lowercased().contains("tollgate")
      || texts.contains { $0.text?.contains("tollgate") == true }
  }

  // MARK: - What is beside the chains

  /// The TCP proxies, which pass connections on without reading them.
  func tcpProxies() -> [Field] {
    Self.filterChains(config).flatMap { $0.chain.all("filters[].typed_config") }
      .filter { $0.typeName == "TcpProxy" }
  }

  /// The clusters to which a route's action or a TCP proxy sends.
  static func clusterNames(_ action: Field) -> [String] {
    (action.all("cluster") + action.all("weighted_clusters.clusters[].name")).compactMap(\.text)
  }

  /// Configuration that Envoy fetches while it runs, so that it is not in the file, and forms of it that
  /// lint cannot follow.
  func blindSpots() -> [Remark] {
    let fetched = config.root.at("dynamic_resources.lds_config")
    var found: [Remark] = []
    if fetched.exists {
      found.append(Remark(fetched, "the listeners that Envoy fetches (lds_config)"))
    } else if config.listeners.isEmpty {
      found.append(Remark(config.root, "there is no listener here"))
    }
    return found + managers.flatMap(unread) + fetchedClusters()
  }

  private func unread(of manager: Manager) -> [Remark] {
    var found: [Remark] = []
    if let routing = manager.routing {
      found += routing.all("vhds").map { Remark($0, "the virtual hosts that Envoy fetches (vhds)") }
      found += routing.all("virtual_hosts[].matcher").map {
        Remark($0, "this virtual host's routes (matcher)")
      }
    } else {
      let name = manager.field["rds"].exists ? "rds" : "scoped_routes"
      found.append(
        Remark(manager.field[name], "this listener's routes, which Envoy fetches (\(name))"))
    }
    for filter in manager.filters {
      let name = filter.field["name"].text ?? "?"
      let discovery = filter.field["config_discovery"]
      if !filter.settings.exists, discovery.exists {
        found.append(
          Remark(discovery, "the filter \(name), which Envoy fetches (config_discovery)"))
      } else if filter.name == nil, ForeignObjects.asks(filter.settings) {
        found.append(
          Remark(filter.field, "the filter \(name), which contains another one that asks"))
      }
    }
    return found
  }

  /// The clusters of Tollgate that are not in the file: Envoy fetches them (CDS).
  private func fetchedClusters() -> [Remark] {
    chains.flatMap(\.filters).filter { $0.cluster == nil }.compactMap { filter in
      let name = filter.settings["grpc_service.envoy_grpc.cluster_name"]
      return name.text.map { text in
        let cluster = "the cluster \(text), which is not in this file"
        return Remark(name, "the circuit breakers and the socket of \(cluster)")
      }
    }
  }
}
