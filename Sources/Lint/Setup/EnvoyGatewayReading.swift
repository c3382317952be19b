/// Reads Gateway API and Envoy Gateway resources into setups, one for each Gateway.
struct EnvoyGatewayReading {
  static let gatewayGroup = "gateway.networking.k8s.io"
  static let envoyGroup = "gateway.envoyproxy.io"

  let set: LintSet
  let routes: [Resource]

  init(_ set: LintSet) {
    self.set = set
    routes = set.resources("HTTPRoute", "GRPCRoute", group: Self.gatewayGroup)
  }

  /// The setups: of the Gateways, or, where the documents hold only routes, of those.
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
    let onGateway = (extensions + securities).filter { $0.target == .gateway }
    let proxy = envoyProxy(of: gateway)
    return GatewaySetup(
      field: gateway.root, filtersByRoute: true, isWhole: true,
      rules: routes.flatMap { rules(of: $0, gateway: gateway) }, hasAllRules: true,
      isOrdered: false,
      processors: processors, authorizers: authorizers,
      verifiers: securities.map(\.policy.spec["jwt"]).filter(\.exists).map(verifier),
      isGuarded: onGateway.contains { asksTollgate($0.policy) },
      bypasses: bypasses(extensions + securities, routes)
        + uncovered(extensions + securities, of: gateway, routes),
      listener: listener(of: gateway),
      accessLog: proxy.map(accessLog), filterOrder: filterOrder(proxy),
      hasEndpointPicker: routes.contains(where: leadsToPool))
  }

  private func routesAlone() -> GatewaySetup {
    let nothing = routes[0].root["metadata"]["none"]
    return GatewaySetup(
      field: routes[0].root, filtersByRoute: true, isWhole: false,
      rules: routes.flatMap { rules(of: $0, gateway: nil) }, hasAllRules: true, isOrdered: false,
      processors: [], authorizers: [], verifiers: [], isGuarded: false, bypasses: [],
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

  enum Target: Equatable { case gateway, route }

  /// The policies of a kind that a gateway or one of its routes has, with what they are attached to.
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

  /// Whether a policy names this object, or selects it by its labels.
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

  /// The patches of each EnvoyPatchPolicy of these gateways; one of a GatewayClass is all its gateways'.
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

  /// Whether a policy has a filter of Tollgate's.
  func asksTollgate(_ policy: Resource) -> Bool {
    policy.spec["extProc"].items.contains(where: isTollgate)
      || isTollgate(policy.spec["extAuth"])
  }

  /// Routes whose own policy takes the place of the Gateway's, and does not ask Tollgate.
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
        "on this route it takes the place of the Gateway's \(policy.kind), and Tollgate is not asked"
      )
    }
  }

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

  /// Envoy Gateway's order of the filters that matter, after the proxy's own wishes.
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

/// Label selectors.
enum Labels {
  /// `matchLabels` and `matchExpressions`; an empty selector selects all.
  static func select(_ selector: Field, _ labels: Field) -> Bool {
    select(selector) { labels[$0].text }
  }

  /// The same for labels that stand elsewhere.
  static func select(_ selector: Field, _ label: (String) -> String?) -> Bool {
    let exact = selector["matchLabels"].members.allSatisfy { key, value in
      label(key) == value.text
    }
    return exact
      && selector["matchExpressions"].items.allSatisfy { expression in
        let value = label(expression["key"].text ?? "")
        let values = expression["values"].texts
        return switch expression["operator"].text {
        case "In": value.map(values.contains) ?? false
        case "NotIn": !(value.map(values.contains) ?? false)
        case "Exists": value != nil
        case "DoesNotExist": value == nil
        default: true
        }
      }
  }
}
