extension BootstrapReading {
  /// The TCP proxies, which pass connections on without reading them.
  func tcpProxies() -> [Field] {
    chains.flatMap { name, chain, _ in
      chain["filters"].items.map { $0["typed_config"] }.filter {
        $0["@type"].text?.hasSuffix(".TcpProxy") == true
      }.map { $0.named(name) }
    }
  }

  /// The clusters to which a route's action or a TCP proxy sends.
  static func clusterNames(_ action: Field) -> [String] {
    let weighted = action["weighted_clusters"]["clusters"].items.map { $0["name"] }
    return ([action["cluster"]] + weighted).compactMap(\.text)
  }

  /// Configuration that Envoy fetches while it runs, so that it is not in the file.
  func blindSpots() -> [(field: Field, message: String)] {
    var found: [(Field, String)] = []
    let listeners = root["dynamic_resources"]["lds_config"]
    if listeners.exists {
      found.append((listeners, "not checked: the listeners that Envoy fetches (lds_config)"))
    }
    for (name, chain, _) in chains {
      for manager in Self.managers(of: chain) { found += fetched(by: manager.named(name)) }
    }
    return found + fetchedClusters()
  }

  private func fetched(by manager: Field) -> [(Field, String)] {
    let sources = Self.routeSources.filter { manager[$0].exists }.map { name in
      (manager[name], "not checked: this listener's routes, which Envoy fetches (\(name))")
    }
    let hosts = [manager["route_config"]["vhds"]].filter(\.exists).map {
      ($0, "not checked: the virtual hosts that Envoy fetches (vhds)")
    }
    let filters = manager["http_filters"].items.filter { $0["config_discovery"].exists }.map {
      (
        $0["config_discovery"],
        "not checked: the filter \($0["name"].text ?? "?"), which Envoy fetches (config_discovery)"
      )
    }
    return sources + hosts + filters
  }

  /// Whether all routes of a connection manager are in the file.
  func hasAllRules(_ manager: Field) -> Bool {
    !Self.routeSources.contains { manager[$0].exists } && !manager["route_config"]["vhds"].exists
  }

  /// The clusters of Tollgate that are not in the file: Envoy fetches them (CDS).
  private func fetchedClusters() -> [(Field, String)] {
    setups().filter(\.asksTollgate).flatMap { setup in
      (setup.processors.map(\.field) + setup.authorizers.map(\.field)).compactMap { filter in
        let name = filter["grpc_service"]["envoy_grpc"]["cluster_name"]
        guard let text = name.text, cluster(text) == nil else { return nil }
        return (
          name,
          "not checked: the circuit breakers and the socket of the cluster \(text), which is not in this file"
        )
      }
    }
  }

  /// The fields of an HTTP connection manager that fetch its routes, in place of its `route_config`.
  static let routeSources = ["rds", "scoped_routes"]
}
