/// Reads Gateway API and Envoy Gateway resources into chains, one for each Gateway.
struct EnvoyGatewayReading: Sendable {
  let set: LintSet
  let routes: [Resource]

  init(_ set: LintSet) {
    self.set = set
    routes = set.resources("HTTPRoute", "GRPCRoute")
  }

  /// One chain for each Gateway, or one of the routes alone where the set has no Gateway.
  func chains() -> [Chain] {
    let gateways = set.resources("Gateway")
    if !gateways.isEmpty { return gateways.map(chain) }
    return routes.prefix(1).map { first in
      Chain(
        field: first.root, origin: .gatewayAPI, rules: routes.flatMap { rules(of: $0, nil) },
        hasEndpointPicker: routes.contains(where: leadsToPool))
    }
  }

  private func chain(of gateway: Resource) -> Chain {
    let routes = routes.filter { $0.isAttached(to: gateway) }
    let extensions = attached("EnvoyExtensionPolicy", to: gateway, routes)
    let securities = attached("SecurityPolicy", to: gateway, routes)
    let proxy = envoyProxy(of: gateway)
    func asking(_ kind: FilterName, _ fields: [Field]) -> [AskingFilter] {
      fields.filter(isTollgate).map {
        AskingFilter(kind: kind, origin: .gatewayAPI, settings: Layered(layers: [$0]))
      }
    }
    return Chain(
      field: gateway.root, origin: .gatewayAPI, gateway: gateway,
      rules: routes.flatMap { rules(of: $0, gateway) },
      filters: asking(.extProc, extensions.flatMap { $0.policy.spec["extProc"].items })
        + asking(.extAuthz, securities.map(\.policy.spec["extAuth"])),
      bypasses: replaced(extensions + securities) + uncovered(extensions + securities, of: gateway),
      verifiers: securities.flatMap { $0.policy.spec.all("jwt") }.map { jwt in
        JWTFilter(
          field: jwt, letsOthersPass: ["optional", "failOpen"].contains { jwt[$0].bool == true },
          issuers: jwt["providers"].items.map { $0["issuer"] })
      },
      filterOrder: proxy.map { Self.filterOrder($0.spec["filterOrder"]) } ?? [],
      listener: listener(of: gateway), accessLog: proxy.map(accessLog),
      hasEndpointPicker: routes.contains(where: leadsToPool))
  }

  private func leadsToPool(_ route: Resource) -> Bool {
    route.backends.contains { $0.target.kind == "InferencePool" }
  }

  // MARK: - What is attached

  /// A policy, and whether it is attached to the Gateway or to one of its routes.
  typealias Attached = (policy: Resource, isOnRoute: Bool)

  private func attached(_ kind: String, to gateway: Resource, _ routes: [Resource]) -> [Attached] {
    set.resources(kind).flatMap { policy in
      (Self.targets(policy, gateway) ? [(policy, false)] : [])
        + (routes.contains { Self.targets(policy, $0) } ? [(policy, true)] : [])
    }
  }

  /// The references of a policy to what it is attached to.
  static func targets(of policy: Resource) -> [Field] {
    policy.spec["targetRefs"].items + policy.spec.all("targetRef")
  }

  /// Whether a policy names an object, or selects it by its labels.
  static func targets(_ policy: Resource, _ object: Resource) -> Bool {
    let isBeside = policy.namespace == object.namespace
    return isBeside
      && targets(of: policy).contains {
        $0["kind"].text == object.kind && $0["name"].text == object.name
      }
      || policy.spec["targetSelectors"].items.contains { selector in
        selector["kind"].text == object.kind && (isBeside || selector["namespaces"].exists)
          && Labels.select(selector, Labels.all(object.root.at("metadata.labels")))
      }
  }

  /// The patches of each EnvoyPatchPolicy that is attached to one of these gateways or its GatewayClass.
  func patches(on gateways: [Resource]) -> [EnvoyPatch] {
    set.resources("EnvoyPatchPolicy").filter { policy in
      let target = policy.spec["targetRef"]
      return gateways.contains { gateway in
        Self.targets(policy, gateway)
          || target["kind"].text == "GatewayClass"
            && target["name"].text == gateway.spec["gatewayClassName"].text
      }
    }.flatMap { $0.spec["jsonPatches"].items.map(EnvoyPatch.init) }
  }

  /// Routes whose own policy replaces the Gateway's and does not ask Tollgate.
  private func replaced(_ policies: [Attached]) -> [Remark] {
    policies.filter { policy, isOnRoute in
      isOnRoute && !policy.spec["mergeType"].exists && !asksTollgate(policy)
        && policies.contains {
          !$0.isOnRoute && $0.policy.kind == policy.kind && asksTollgate($0.policy)
        }
    }.map { policy, _ in
      Remark(policy.spec, "it replaces the Gateway's \(policy.kind): Tollgate is not asked")
    }
  }

  /// Listeners with routes to backends, where each policy of a kind is for another one (`sectionName`).
  private func uncovered(_ policies: [Attached], of gateway: Resource) -> [Remark] {
    let asking = policies.filter { !$0.isOnRoute && asksTollgate($0.policy) }.map(\.policy)
    let byKind = Dictionary(grouping: asking, by: \.kind)
    return byKind.sorted { $0.key < $1.key }.flatMap { kind, asking -> [Remark] in
      let sections = asking.flatMap(Self.targets(of:)).filter {
        $0["kind"].text == "Gateway" && $0["name"].text == gateway.name
      }.map { $0["sectionName"] }
      // A policy without a section, or with a selector, is for all listeners.
      guard let first = sections.first, sections.allSatisfy(\.exists),
        !asking.contains(where: { $0.spec["targetSelectors"].exists })
      else { return [] }
      let covered = sections.compactMap(\.text)
      let open = gateway.spec.all("listeners[].name").compactMap(\.text).filter { name in
        !covered.contains(name)
          && routes.contains { route in
            !route.backends.isEmpty
              && route.parents(gateway).contains { [nil, name].contains($0["sectionName"].text) }
          }
      }
      return open.map {
        Remark(first, "\(kind) does not cover the listener \($0), which leads to models too")
      }
    }
  }

  // MARK: - Who is Tollgate

  /// Whether a policy has a filter that asks Tollgate.
  func asksTollgate(_ policy: Resource) -> Bool { filters(of: policy).contains(where: isTollgate) }

  private func filters(of policy: Resource) -> [Field] {
    policy.spec.all("extProc[]") + policy.spec.all("extAuth")
  }

  /// Whether a filter asks Tollgate: its backend's name, its socket or the metadata that it may write says
  /// so. Where none does, and Tollgate is meant to be asked, it is the extProc that is sent request bodies.
  private func isTollgate(_ filter: Field) -> Bool {
    if looksLikeTollgate(filter) { return true }
    guard filter.at("processingMode.request.body").exists else { return false }
    let filters = set.resources("EnvoyExtensionPolicy", "SecurityPolicy").flatMap(filters(of:))
    let isMeant =
      !set.policies.isEmpty
      || routes.contains { rules(of: $0, nil).contains { !$0.modelRoutes.isEmpty } }
    return isMeant && !filters.contains(where: looksLikeTollgate)
  }

  private func looksLikeTollgate(_ filter: Field) -> Bool {
    filter.at("metadata.writableNamespaces").texts.contains("tollgate")
      || backends(filter).contains { $0["name"].text?.contains("tollgate") == true }
      || sockets(of: filter).contains { $0.contains("tollgate") }
  }

  /// The backend references of an ext_proc or ext_authz filter.
  private func backends(_ filter: Field) -> [Field] {
    [filter, filter["grpc"], filter["http"]].flatMap {
      $0["backendRefs"].items + $0.all("backendRef")
    }
  }

  /// The paths of the sockets of the Backends that a filter asks.
  func sockets(of filter: Field) -> [String] {
    let names = Set(backends(filter).compactMap { $0["name"].text })
    return set.resources("Backend").filter { names.contains($0.name) }
      .flatMap { $0.spec.all("endpoints[].unix.path") }.compactMap(\.text)
  }

  // MARK: - The EnvoyProxy

  /// The EnvoyProxy of a Gateway, or of its GatewayClass; nil where it is not in the set.
  func envoyProxy(of gateway: Resource) -> Resource? {
    if let name = gateway.spec.at("infrastructure.parametersRef.name").text {
      return set.resource("EnvoyProxy", name, in: gateway.namespace)
    }
    let name = gateway.spec["gatewayClassName"].text
    let parameters = set.resource("GatewayClass", name, in: "")?.spec["parametersRef"]
    return set.resource("EnvoyProxy", parameters?["name"].text, in: parameters?["namespace"].text)
  }

  private func accessLog(of proxy: Resource) -> AccessLog {
    let log = proxy.spec.at("telemetry.accessLog")
    let formats = log["settings"].items.map { $0["format"].allText }
    return AccessLog(field: log, formats: log["disable"].bool == true ? [] : formats)
  }

  /// The order in which Envoy Gateway puts the filters that matter, after the EnvoyProxy's `filterOrder`.
  private static func filterOrder(_ wishes: Field) -> [(name: FilterName, field: Field)] {
    var order: [FilterName] = [.extAuthz, .jwtAuthn, .extProc]
    for wish in wishes.items {
      let isBefore = wish["before"].exists
      guard let name = wish["name"].text.flatMap(FilterName.init),
        let from = order.firstIndex(of: name),
        let anchor = (isBefore ? wish["before"] : wish["after"]).text.flatMap(FilterName.init),
        anchor != name
      else { continue }
      order.remove(at: from)
      let at = order.firstIndex(of: anchor) ?? order.endIndex
      order.insert(name, at: isBefore ? at : min(at + 1, order.endIndex))
    }
    return order.map { ($0, wishes) }
  }
}
