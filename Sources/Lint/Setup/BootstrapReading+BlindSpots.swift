extension BootstrapReading {
  /// The TCP proxies, which pass connections on without reading them.
  func tcpProxies() -> [Field] {
    chains.flatMap { name, chain, _ in
      chain["filters"].items.map { $0["typed_config"] }.filter { $0.typeName == "TcpProxy" }
        .map { $0.named(name) }
    }
  }

  /// The clusters to which a route's action or a TCP proxy sends.
  static func clusterNames(_ action: Field) -> [String] {
    let weighted = action["weighted_clusters"]["clusters"].items.map { $0["name"] }
    return ([action["cluster"]] + weighted).compactMap(\.text)
  }

  /// Configuration that Envoy fetches while it runs, so that it is not in the file, and forms of it that
  /// lint cannot follow.
  func blindSpots() -> [(field: Field, message: String)] {
    let fetched = config.root["dynamic_resources"]["lds_config"]
    var found: [(Field, String)] = []
    if fetched.exists {
      found.append((fetched, "the listeners that Envoy fetches (lds_config)"))
    } else if config.listeners.isEmpty {
      found.append((config.root, "there is no listener here"))
    }
    for (name, chain, _) in chains {
      for manager in Self.managers(of: chain) { found += unread(of: manager.named(name)) }
    }
    return found + fetchedClusters()
  }

  private func unread(of manager: Field) -> [(Field, String)] {
    var found: [(Field, String)] = []
    if let routing = routeConfig(of: manager) {
      found += [routing["vhds"]].filter(\.exists).map {
        ($0, "the virtual hosts that Envoy fetches (vhds)")
      }
      found += routing["virtual_hosts"].items.map { $0["matcher"] }.filter(\.exists).map {
        ($0, "this virtual host's routes (matcher)")
      }
    } else {
      let name = manager["rds"].exists ? "rds" : "scoped_routes"
      found.append((manager[name], "this listener's routes, which Envoy fetches (\(name))"))
    }
    for filter in filters(of: manager) {
      let name = filter.field["name"].text ?? "?"
      if !filter.settings.exists, filter.field["config_discovery"].exists {
        found.append(
          (
            filter.field["config_discovery"],
            "the filter \(name), which Envoy fetches (config_discovery)"
          ))
      } else if filter.name == nil, ForeignObjects.asks(filter.settings) {
        found.append((filter.field, "the filter \(name), which contains another one that asks"))
      }
    }
    return found
  }

  /// The clusters of Tollgate that are not in the file: Envoy fetches them (CDS).
  private func fetchedClusters() -> [(Field, String)] {
    setups.filter(\.asksTollgate).flatMap { setup in
      (setup.processors.map(\.field) + setup.authorizers.map(\.field)).compactMap { filter in
        let name = filter["grpc_service"]["envoy_grpc"]["cluster_name"]
        guard let text = name.text, config.cluster(text) == nil else { return nil }
        return (
          name,
          "the circuit breakers and the socket of the cluster \(text), which is not in this file"
        )
      }
    }
  }
}
