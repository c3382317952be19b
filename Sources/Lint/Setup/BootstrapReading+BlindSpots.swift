extension BootstrapReading {
  /// The filters that pass connections on as they are.
  func tcpProxies() -> [Field] {
    chains.flatMap { name, chain, _ in
      chain["filters"].items.map { $0["typed_config"] }.filter {
        $0["@type"].text?.hasSuffix(".TcpProxy") == true
      }.map { $0.named(name) }
    }
  }

  /// Where a route's action, or a TCP proxy, leads to.
  static func clusterNames(_ action: Field) -> [String] {
    let weighted = action["weighted_clusters"]["clusters"].items.map { $0["name"] }
    return ([action["cluster"]] + weighted).compactMap(\.text)
  }

  /// What is fetched while Envoy runs, and so is not here.
  func blindSpots() -> [(field: Field, message: String)] {
    var found: [(Field, String)] = []
    let listeners = root["dynamic_resources"]["lds_config"]
    if listeners.exists {
      found.append((listeners, "not checked: the listeners that come from elsewhere (lds_config)"))
    }
    for (name, chain, _) in chains {
      for manager in Self.managers(of: chain) { found += fetched(by: manager.named(name)) }
    }
    return found + fetchedClusters()
  }

  private func fetched(by manager: Field) -> [(Field, String)] {
    let sources = Self.routeSources.filter { manager[$0].exists }.map { name in
      (manager[name], "not checked: this listener's routes, which come from elsewhere (\(name))")
    }
    let hosts = [manager["route_config"]["vhds"]].filter(\.exists).map {
      ($0, "not checked: the virtual hosts that come from elsewhere (vhds)")
    }
    let filters = manager["http_filters"].items.filter { $0["config_discovery"].exists }.map {
      (
        $0["config_discovery"],
        "not checked: the filter \($0["name"].text ?? "?"), which comes from elsewhere"
      )
    }
    return sources + hosts + filters
  }

  /// Whether no route of a manager comes from elsewhere.
  func hasAllRules(_ manager: Field) -> Bool {
    !Self.routeSources.contains { manager[$0].exists } && !manager["route_config"]["vhds"].exists
  }

  /// Clusters of Tollgate's that CDS gives: their breakers and their socket.
  private func fetchedClusters() -> [(Field, String)] {
    setups().filter(\.asksTollgate).flatMap { setup in
      (setup.processors.map(\.field) + setup.authorizers.map(\.field)).compactMap { filter in
        let name = filter["grpc_service"]["envoy_grpc"]["cluster_name"]
        guard let text = name.text, cluster(text) == nil else { return nil }
        return (
          name, "not checked: the cluster \(text), which is not here: its breakers, its socket"
        )
      }
    }
  }

  /// Where an HTTP connection manager's routes may come from, instead of its own `route_config`.
  static let routeSources = ["rds", "scoped_routes"]
}
