/// Reads an Envoy config into chains, one for each HTTP connection manager.
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
    let log = manager.field["access_log"]
    var chain = Chain(
      field: manager.field, origin: .envoy, rules: manager.routes.map(\.rule),
      hasAllRules: manager.hasAllRules, filtersByRoute: false, filtersDiffer: false,
      verifiers: manager.filters.filter { $0.name == .jwtAuthn }.map(\.verifier),
      filterOrder: manager.filters.compactMap { filter in filter.name.map { ($0, filter.field) } },
      listener: ListenerSettings(manager.field, manager.listener, manager.chain),
      accessLog: AccessLog(field: log, formats: log.items.map { $0["typed_config"].allText }),
      hasEndpointPicker: config.clusters.contains {
        $0["lb_policy"].text == "CLUSTER_PROVIDED" || $0["type"].text == "ORIGINAL_DST"
      })
    for kind in [FilterName.extProc, .extAuthz] { ask(kind, of: manager, in: &chain) }
    if chain.asksTollgate { chain.bypasses += upgrades(manager.field) }
    return chain
  }

  /// Upgrades with a list of filters of their own, in which none asks Tollgate.
  private func upgrades(_ manager: Field) -> [Remark] {
    manager.all("upgrade_configs[].filters").filter { filters in
      !filters.items.contains { asksTollgate($0["typed_config"]) }
    }.map { Remark($0, "upgraded requests pass these filters only, and none asks Tollgate") }
  }

  // MARK: - Who is asked on which route

  /// Adds the filters of one kind that ask Tollgate on some route, with each of the different settings that
  /// they have, and where it is not asked.
  private func ask(_ kind: FilterName, of manager: Manager, in chain: inout Chain) {
    let filters = manager.filters.filter { $0.name == kind }
    let routes = manager.routes.filter { $0.rule.sendsToBackend || $0.takesRest }
    var asking: [AskingFilter] = []
    var bypasses: [Remark] = []
    // Whether a filter asks it only on routes that enable the filter.
    var isByRoute = false
    let isKnown = manager.hasAllRules && !manager.routes.isEmpty
    // Without routes in the config, the filters' own settings are what is known.
    let scopes = routes.flatMap(\.scopes) + (isKnown ? [] : [[]])
    var seen: Set<[String]> = []
    for scope in scopes {
      var isAsked = false
      var reasons: [Remark] = []
      for filter in filters {
        switch FilterEffect(of: filter.field, filter.settings, on: scope) {
        case .off(let field):
          guard asksTollgate(filter.settings), !scope.isEmpty else { continue }
          reasons.append(Remark(field, "\(filter.title) is disabled here: Tollgate is not asked"))
        case .runs(let settings):
          let service = Self.service { settings[$0] }
          if let service, tollgates.contains(service) {
            isAsked = true
            if filter.field["disabled"].bool == true { isByRoute = true }
            guard seen.insert(settings.layers.map(\.path)).inserted else { continue }
            let cluster = settings["grpc_service.envoy_grpc.cluster_name"].text
            asking.append(
              AskingFilter(
                kind: kind, origin: .envoy, settings: settings,
                cluster: cluster.flatMap(config.cluster)))
          } else if asksTollgate(filter.settings) {
            let what = "\(filter.title) asks \(service ?? "nobody") here, not Tollgate"
            reasons.append(Remark(settings["grpc_service"], what))
          }
        }
      }
      if !isAsked { bypasses += reasons }
    }
    if manager.hasAllRules, asking.isEmpty, bypasses.isEmpty {
      // There is no route to a model either: the filter itself is the place to say it.
      bypasses = filters.filter { asksTollgate($0.settings) }.compactMap { filter in
        filter.field["disabled"].ifTrue.map {
          Remark($0, "\(filter.title) is disabled, and no route enables it")
        }
      }
    }
    chain.filters += asking
    chain.bypasses += bypasses
    chain.filtersByRoute = chain.filtersByRoute || isByRoute
    chain.filtersDiffer = chain.filtersDiffer || isByRoute && asking.count > 1
  }

  private func asksTollgate(_ settings: Field) -> Bool {
    Self.service(settings).map(tollgates.contains) ?? false
  }

  private static func service(_ settings: Field) -> String? { service { settings[$0] } }

  /// The cluster, or the target of Google's gRPC client, that a filter asks.
  private static func service(_ setting: (String) -> Field) -> String? {
    let (grpc, http) = (setting("grpc_service"), setting("http_service"))
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
    let perRoute = routes.flatMap { $0.scopes.joined() }
      .flatMap { $0["typed_per_filter_config"].members }
      .map { FilterEffect.unwrapped($0.value)["overrides"] }
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
    let checks = filters.filter { $0.name == .extAuthz }.map(\.settings)
    let likely = withBody + processors + checks.filter { $0["with_request_body"].exists }
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

  /// Configuration that Envoy fetches while it runs, and forms of it that lint cannot follow.
  func blindSpots() -> [Remark] {
    let fetched = config.root.at("dynamic_resources.lds_config")
    var found = managers.flatMap(unread)
    for filter in chains.flatMap(\.filters) where filter.cluster == nil {
      let name = filter.settings["grpc_service.envoy_grpc.cluster_name"]
      guard let text = name.text else { continue }
      found.append(Remark(name, "the cluster \(text), which is not in this file"))
    }
    if fetched.exists {
      found.append(Remark(fetched, "the listeners that Envoy fetches (lds_config)"))
    } else if config.listeners.isEmpty {
      found.append(Remark(config.root, "there is no listener here"))
    }
    return found
  }

  private func unread(of manager: Manager) -> [Remark] {
    let filters = manager.filters.compactMap(\.unread)
    guard let routing = manager.routing else {
      let name = manager.field["rds"].exists ? "rds" : "scoped_routes"
      let what = "this listener's routes, which Envoy fetches (\(name))"
      return filters + [Remark(manager.field[name], what)]
    }
    return filters
      + routing.all("vhds").map { Remark($0, "the virtual hosts that Envoy fetches (vhds)") }
      + routing.all("virtual_hosts[].matcher").map {
        Remark($0, "this virtual host's routes (matcher)")
      }
  }
}
