/// Reads Gateway API and Envoy Gateway resources into gateway setups, one for each Gateway.
struct EnvoyGatewayReading {
  static let gatewayGroup = "gateway.networking.k8s.io"
  static let envoyGroup = "gateway.envoyproxy.io"

  let set: LintSet
  let routes: [Resource]

  init(_ set: LintSet) {
    self.set = set
    routes = set.resources("HTTPRoute", "GRPCRoute", group: Self.gatewayGroup)
  }

  /// One setup for each Gateway, or one of the routes alone where the set has no Gateway.
  func setups() -> [GatewaySetup] {
    let gateways = set.resources("Gateway", group: Self.gatewayGroup)
    if gateways.isEmpty { return routes.isEmpty ? [] : [routesAlone()] }
    return gateways.map(setup)
  }

  private func setup(of gateway: Resource) -> GatewaySetup {
    let routes = routes.filter { isAttached($0, to: gateway) }
    let extensions = policies("EnvoyExtensionPolicy", of: gateway, routes)
    let securities = policies("SecurityPolicy", of: gateway, routes)
    let processors = extensions.flatMap { entry in
      entry.policy.spec["extProc"].items.filter(isTollgate)
        .map { processor($0) }
    }
    let authorizers = securities.map(\.policy.spec["extAuth"]).filter(isTollgate).map(authorizer)
    let proxy = envoyProxy(of: gateway)
    return GatewaySetup(
      field: gateway.root, origin: .gatewayAPI, filtersByRoute: true, filtersDiffer: true,
      isWhole: true,
      rules: routes.flatMap { rules(of: $0, gateway: gateway) }, hasAllRules: true,
      processors: processors, authorizers: authorizers,
      verifiers: securities.map(\.policy.spec["jwt"]).filter(\.exists).map(verifier),
      bypasses: bypasses(extensions + securities, routes)
        + uncovered(extensions + securities, of: gateway, routes),
      listener: listener(of: gateway),
      accessLog: proxy.map(accessLog), filterOrder: filterOrder(proxy),
      hasEndpointPicker: routes.contains(where: leadsToPool))
  }

  private func routesAlone() -> GatewaySetup {
    let nothing = routes[0].root["metadata"]["none"]
    return GatewaySetup(
      field: routes[0].root, origin: .gatewayAPI, filtersByRoute: true, filtersDiffer: true,
      isWhole: false,
      rules: routes.flatMap { rules(of: $0, gateway: nil) }, hasAllRules: true,
      processors: [], authorizers: [], verifiers: [], bypasses: [],
      listener: ListenerSettings(
        field: nothing, bufferBytes: nil, bufferField: nothing, defaultBufferBytes: 0,
        bufferSetting: "", earlyRemovals: [], earlyRemovalField: nothing, earlyRemovalSetting: "",
        certificateFaults: []),
      accessLog: nil, filterOrder: [], hasEndpointPicker: routes.contains(where: leadsToPool))
  }

  func isAttached(_ route: Resource, to gateway: Resource) -> Bool {
    route.spec["parentRefs"].items.contains { parent in
      ObjectReference(
        parent, group: Self.gatewayGroup, kind: "Gateway", namespace: route.namespace
      ).names(gateway)
    }
  }

  private func leadsToPool(_ route: Resource) -> Bool {
    route.spec["rules"].items.contains { rule in
      rule["backendRefs"].items.contains { $0["kind"].text == "InferencePool" }
    }
  }

  // MARK: - What is attached

  /// What a policy is attached to: the Gateway or one of its routes.
  enum Target: Equatable { case gateway, route }

  /// The policies of a kind that are attached to a gateway or one of its routes, with which of them.
  func policies(
    _ kind: String, of gateway: Resource, _ routes: [Resource]
  ) -> [(policy: Resource, target: Target)] {
    set.resources(kind, group: Self.envoyGroup).flatMap { policy in
      let targets: [Target?] = [
        Self.targets(policy, gateway) ? .gateway : nil,
        routes.contains { Self.targets(policy, $0) } ? .route : nil,
      ]
      return targets.compactMap { $0 }.map { (policy, $0) }
    }
  }

  /// Whether a policy names an object, or selects it by its labels.
  static func targets(_ policy: Resource, _ object: Resource) -> Bool {
    guard policy.namespace == object.namespace || policy.spec["targetSelectors"].exists else {
      return false
    }
    let named = policy.spec["targetRefs"].items + [policy.spec["targetRef"]].filter(\.exists)
    if policy.namespace == object.namespace,
      named.contains(where: { target in
        target["kind"].text == object.kind && target["name"].text == object.name
      })
    {
      return true
    }
    return policy.spec["targetSelectors"].items.contains { selector in
      selector["kind"].text == object.kind
        && (policy.namespace == object.namespace || selector["namespaces"].exists)
        && Labels.select(selector, object.root["metadata"]["labels"])
    }
  }

  /// The patches of each EnvoyPatchPolicy that is attached to one of these gateways or its GatewayClass.
  func patches(on setups: [GatewaySetup]) -> [[EnvoyPatch]] {
    let gateways = set.resources("Gateway", group: Self.gatewayGroup).filter { gateway in
      setups.contains { $0.field.object == gateway.root.object }
    }
    return set.resources("EnvoyPatchPolicy", group: Self.envoyGroup).filter { policy in
      let target = policy.spec["targetRef"]
      return gateways.contains { gateway in
        Self.targets(policy, gateway)
          || target["kind"].text == "GatewayClass"
            && target["name"].text == gateway.spec["gatewayClassName"].text
      }
    }.map { $0.spec["jsonPatches"].items.map(EnvoyPatch.init) }
  }

  /// Whether a policy has a filter that asks Tollgate.
  func asksTollgate(_ policy: Resource) -> Bool {
    policy.spec["extProc"].items.contains(where: isTollgate)
      || isTollgate(policy.spec["extAuth"])
  }

  /// Routes whose own policy replaces the Gateway's and does not ask Tollgate.
  private func bypasses(
    _ policies: [(policy: Resource, target: Target)], _ routes: [Resource]
  ) -> [(field: Field, message: String)] {
    policies.compactMap { policy, target in
      guard target == .route, !policy.spec["mergeType"].exists, !asksTollgate(policy),
        policies.contains(where: {
          $0.target == .gateway && $0.policy.kind == policy.kind && asksTollgate($0.policy)
        })
      else { return nil }
      return (
        policy.spec,
        "on this route it replaces the Gateway's \(policy.kind), so Tollgate is not asked"
      )
    }
  }

  /// The EnvoyProxy of a Gateway, or of its GatewayClass; nil where it is not in the set.
  func envoyProxy(of gateway: Resource) -> Resource? {
    let proxies = set.resources("EnvoyProxy", group: Self.envoyGroup)
    let own = gateway.spec["infrastructure"]["parametersRef"]
    if let name = own["name"].text {
      return proxies.first { $0.name == name && $0.namespace == gateway.namespace }
    }
    let gatewayClass = set.resources("GatewayClass").first {
      $0.name == gateway.spec["gatewayClassName"].text
    }
    guard let parameters = gatewayClass?.spec["parametersRef"] else { return nil }
    return proxies.first {
      $0.name == parameters["name"].text && $0.namespace == parameters["namespace"].text
    }
  }

  private func accessLog(of proxy: Resource) -> AccessLogSettings {
    let field = proxy.spec["telemetry"]["accessLog"]
    let isOff = field["disable"].bool == true
    let formats = field["settings"].items.map { setting in
      AccessLogText.text(of: setting["format"])
    }
    return AccessLogSettings(
      field: field, formats: isOff ? [] : formats,
      setting: "EnvoyProxy spec.telemetry.accessLog.settings[].format")
  }

  /// The order in which Envoy Gateway puts the filters that matter here, with the EnvoyProxy's
  /// `filterOrder` applied.
  private func filterOrder(_ proxy: Resource?) -> [Placed<FilterName>] {
    guard let proxy else { return [] }
    let wishes = proxy.spec["filterOrder"]
    var order: [FilterName] = [.extAuthz, .jwtAuthn, .extProc]
    for wish in wishes.items {
      guard let name = wish["name"].text.flatMap(FilterName.init),
        let from = order.firstIndex(of: name)
      else { continue }
      let isBefore = wish["before"].exists
      guard
        let anchor = (isBefore ? wish["before"] : wish["after"]).text.flatMap(FilterName.init),
        anchor != name
      else { continue }
      order.remove(at: from)
      let at = order.firstIndex(of: anchor) ?? order.endIndex
      order.insert(name, at: isBefore ? at : min(at + 1, order.endIndex))
    }
    return order.map { Placed(value: $0, field: wishes) }
  }
}
