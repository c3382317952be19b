extension EnvoyGatewayReading {
  /// Whether a filter asks Tollgate: the name of its backend, its socket's path or the metadata namespace
  /// that it may write says so. Where no filter's does, and Tollgate is meant to be asked, it is the extProc
  /// that is sent request bodies.
  func isTollgate(_ filter: Field) -> Bool {
    guard filter.exists else { return false }
    if looksLikeTollgate(filter) { return true }
    guard filter["processingMode"]["request"]["body"].exists else { return false }
    let filters = set.resources("EnvoyExtensionPolicy", "SecurityPolicy", group: Self.envoyGroup)
      .flatMap { $0.spec["extProc"].items + [$0.spec["extAuth"]].filter(\.exists) }
    let isMeant =
      !set.policies.isEmpty
      || routes.contains { rules(of: $0, gateway: nil).contains { !$0.modelRoutes.isEmpty } }
    return isMeant && !filters.contains(where: looksLikeTollgate)
  }

  private func looksLikeTollgate(_ filter: Field) -> Bool {
    if filter["metadata"]["writableNamespaces"].texts.contains("tollgate") { return true }
    return backends(filter).contains { reference in
      if reference["name"].text?.contains("tollgate") == true { return true }
      let backend = set.resources("Backend", group: Self.envoyGroup).first {
        $0.name == reference["name"].text
      }
      return backend?.spec["endpoints"].items.contains {
        $0["unix"]["path"].text?.contains("tollgate") == true
      } ?? false
    }
  }

  /// The backend references of an ext_proc or ext_authz filter.
  func backends(_ filter: Field) -> [Field] {
    [filter, filter["grpc"], filter["http"]].flatMap { place in
      place["backendRefs"].items + [place["backendRef"]].filter(\.exists)
    }
  }

  func processor(_ field: Field) -> ProcessorSettings {
    let modes = field["processingMode"]
    let failOpen = [field["failOpen"], field["shadowMode"]].filter { $0.bool == true }
    let faults = ["request", "response"].filter { !modes[$0].exists }.map { phase in
      SettingFault(
        modes[phase], "Envoy sends nothing of the \(phase) to Tollgate",
        remedy: "write processingMode.\(phase) with its body mode")
    }
    return ProcessorSettings(
      field: field, failOpen: failOpen, statusOnError: field["statusOnError"],
      messageTimeout: field["messageTimeout"],
      requestBody: Placed(mode: modes["request"]["body"]),
      responseBody: Placed(mode: modes["response"]["body"]), modeFaults: faults,
      requestAttributes: modes["request"]["attributes"],
      responseAttributes: modes["response"]["attributes"],
      readableNamespaces: field["metadata"]["accessibleNamespaces"],
      writableNamespaces: field["metadata"]["writableNamespaces"], keepsRoute: nil,
      ignoresRefusals: nil, mutations: nil, headers: nil, wrongProtocol: nil,
      breakers: breakers(field))
  }

  func authorizer(_ field: Field) -> AuthorizerSettings {
    AuthorizerSettings(
      field: field, failOpen: [field["failOpen"]].filter { $0.bool == true },
      statusOnError: field["statusOnError"], timeout: field["timeout"],
      unsetTimeout: .seconds(10), bodyBytes: field["bodyToExtAuth"]["maxRequestBytes"],
      sendsBody: field["bodyToExtAuth"].exists, partialBody: nil,
      choosesRouteAgain: field["recomputeRoute"].bool == true,
      choosesRouteAgainField: field["recomputeRoute"],
      headers: HeaderSelection(names: field["headersToExtAuth"]),
      bodyAsBytes: Placed(value: true, field: field), faults: [], mutations: nil,
      wrongProtocol: field["http"].exists ? field["http"] : nil,
      breakers: breakers(field["grpc"]))
  }

  func verifier(_ field: Field) -> JWTSettings {
    JWTSettings(
      field: field,
      letsOthersPass: field["optional"].bool == true || field["failOpen"].bool == true,
      issuers: field["providers"].items.map { ($0["issuer"].text, $0["issuer"]) })
  }

  /// Listeners with routes to backends that no policy of a kind covers, because every policy of that kind
  /// is for another listener only (`sectionName`).
  func uncovered(
    _ policies: [(policy: Resource, target: Target)], of gateway: Resource, _ routes: [Resource]
  ) -> [(field: Field, message: String)] {
    let asking = policies.filter { $0.target == .gateway && asksTollgate($0.policy) }.map(\.policy)
    return Set(asking.map(\.kind)).sorted().flatMap { kind -> [(field: Field, message: String)] in
      let sections = asking.filter { $0.kind == kind }.flatMap { policy in
        (policy.spec["targetRefs"].items + [policy.spec["targetRef"]]).filter {
          $0["kind"].text == "Gateway" && $0["name"].text == gateway.name
        }.map { $0["sectionName"] }
      }
      // A policy without a section, or with a selector, is for all listeners.
      guard !sections.isEmpty, sections.allSatisfy(\.exists),
        asking.allSatisfy({ $0.kind != kind || !$0.spec["targetSelectors"].exists })
      else { return [] }
      let covered = Set(sections.compactMap(\.text))
      return gateway.spec["listeners"].items.compactMap { listener in
        guard let name = listener["name"].text, !covered.contains(name),
          routes.contains(where: { leadsToBackend($0, through: name, of: gateway) })
        else { return nil }
        return (
          sections[0],
          "\(kind) covers only \(covered.sorted().joined(separator: ", ")), but the listener \(name) "
            + "leads to models too"
        )
      }
    }
  }

  private func leadsToBackend(
    _ route: Resource, through section: String, of gateway: Resource
  ) -> Bool {
    let isThere = route.spec["parentRefs"].items.contains { parent in
      ObjectReference(
        parent, group: Self.gatewayGroup, kind: "Gateway", namespace: route.namespace
      ).names(gateway)
        && (parent["sectionName"].text.map { $0 == section } ?? true)
    }
    return isThere && route.spec["rules"].items.contains { !$0["backendRefs"].items.isEmpty }
  }

  /// Those of a filter's gRPC form.
  private func breakers(_ filter: Field) -> BreakerSettings {
    let field = filter["backendSettings"]["circuitBreaker"]
    let names = ["maxConnections", "maxPendingRequests", "maxParallelRequests"]
    return BreakerSettings(
      bounds: filter.exists ? names.map { ($0, field[$0].integer) } : [], field: field,
      setting: "backendSettings.circuitBreaker")
  }
}
