/// Reads an Envoy bootstrap config into gateway setups, one for each HTTP connection manager.
struct BootstrapReading {
  let root: Field
  private let clusters: [Field]

  init(_ root: Field) {
    self.root = root
    clusters = root["static_resources"]["clusters"].items
  }

  func setups() -> [GatewaySetup] {
    chains.flatMap { name, chain, listener in
      Self.managers(of: chain).map {
        setup($0.named(name), listener.named(name), chain.named(name))
      }
    }
  }

  /// The filter chains of all listeners, with the listener and what findings call it.
  var chains: [(name: String, chain: Field, listener: Field)] {
    root["static_resources"]["listeners"].items.flatMap { listener in
      let name = "Envoy listener \(listener["name"].text ?? "?")"
      return (listener["filter_chains"].items + [listener["default_filter_chain"]]).map {
        (name, $0, listener)
      }
    }
  }

  /// The HTTP connection managers of a filter chain.
  static func managers(of chain: Field) -> [Field] {
    chain["filters"].items.map { $0["typed_config"] }.filter {
      $0["@type"].text?.hasSuffix(".HttpConnectionManager") == true
    }
  }

  private func setup(_ manager: Field, _ listener: Field, _ chain: Field) -> GatewaySetup {
    let filters = manager["http_filters"].items
    let processors = filters.filter { isFilter($0, "ExternalProcessor") && isTollgate($0, filters) }
    let authorizers = filters.filter { isFilter($0, "ExtAuthz") && isTollgate($0, filters) }
    let own = processors + authorizers
    return GatewaySetup(
      field: manager, filtersByRoute: own.contains { $0["disabled"].bool == true },
      isWhole: true, rules: rules(manager), hasAllRules: hasAllRules(manager), isOrdered: true,
      processors: processors.map { processor($0["typed_config"]) },
      authorizers: authorizers.map { authorizer($0["typed_config"]) },
      verifiers: filters.filter { isFilter($0, "JwtAuthentication") }.map {
        verifier($0["typed_config"])
      },
      isGuarded: !own.isEmpty,
      bypasses: bypasses(manager, own.compactMap { $0["name"].text }),
      listener: listenerSettings(manager, listener, chain), accessLog: accessLog(manager),
      filterOrder: filters.compactMap { filter in
        Self.name(of: filter).map { Placed(value: $0, field: filter) }
      },
      hasEndpointPicker: clusters.contains {
        $0["lb_policy"].text == "CLUSTER_PROVIDED" || $0["type"].text == "ORIGINAL_DST"
      })
  }

  private func isFilter(_ filter: Field, _ type: String) -> Bool {
    filter["typed_config"]["@type"].text?.hasSuffix("." + type) == true
  }

  private static func name(of filter: Field) -> FilterName? {
    switch filter["typed_config"]["@type"].text?.split(separator: ".").last {
    case "ExtAuthz": .extAuthz
    case "JwtAuthentication": .jwtAuthn
    case "ExternalProcessor": .extProc
    case "Router": .router
    default: nil
    }
  }

  /// Whether a filter asks Tollgate: its cluster's name or address, or its metadata namespace says so, or
  /// no filter's does. As `EnvoyGatewayReading.isTollgate`.
  private func isTollgate(_ filter: Field, _ filters: [Field]) -> Bool {
    looksLikeTollgate(filter)
      || !filters.contains {
        (isFilter($0, "ExternalProcessor") || isFilter($0, "ExtAuthz")) && looksLikeTollgate($0)
      }
  }

  private func looksLikeTollgate(_ filter: Field) -> Bool {
    let settings = filter["typed_config"]
    let receiving = settings["metadata_options"]["receiving_namespaces"]["untyped"].texts
    if receiving.contains("tollgate") { return true }
    let name = settings["grpc_service"]["envoy_grpc"]["cluster_name"].text ?? ""
    return name.contains("tollgate")
      || cluster(name).map(endpoints)?.contains { $0.contains("tollgate") } == true
  }

  func cluster(_ name: String) -> Field? {
    clusters.first { $0["name"].text == name }?.named("Envoy cluster \(name)")
  }

  private func endpoints(_ cluster: Field) -> [String] {
    Self.addresses(cluster).compactMap {
      $0["pipe"]["path"].text ?? $0["socket_address"]["address"].text
    }
  }

  static func addresses(_ cluster: Field) -> [Field] {
    cluster["load_assignment"]["endpoints"].items.flatMap { group in
      group["lb_endpoints"].items.map { $0["endpoint"]["address"] }
    }
  }

  /// The virtual hosts and routes to a backend for which a filter that asks Tollgate is disabled.
  private func bypasses(
    _ manager: Field, _ names: [String]
  ) -> [(field: Field, message: String)] {
    manager["route_config"]["virtual_hosts"].items.flatMap { host in
      ([host] + host["routes"].items.filter { $0["route"].exists }).flatMap { place in
        names.compactMap { name in
          let setting = place["typed_per_filter_config"][name]
          let switchedOff = [setting["disabled"], setting["is_disabled"]].first {
            $0.bool == true
          }
          return switchedOff.map { ($0, "\(name) is disabled here, so Tollgate is not asked") }
        }
      }
    }
  }

  private func accessLog(_ manager: Field) -> AccessLogSettings {
    AccessLogSettings(
      field: manager["access_log"],
      formats: manager["access_log"].items.map { AccessLogText.text(of: $0["typed_config"]) },
      setting: "access_log[].typed_config.log_format")
  }
}
