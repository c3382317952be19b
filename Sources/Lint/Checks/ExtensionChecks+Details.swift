import Policy

extension Checks {
  private static let ownNamespace = "tollgate"

  static func ignoredDecisions(
    _ setup: GatewaySetup, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let keys = Set(context.policies.flatMap(\.apiKeyHeaders)).sorted()
    let wanted = HeaderNames.own + ["content-length"] + (keys.isEmpty ? ["authorization"] : keys)
    let rules = setup.processors.map(\.mutations) + setup.authorizers.map(\.mutations)
    return setup.processors.compactMap { processor in
      processor.keepsRoute.map {
        check.finding($0, "Envoy keeps the route that it chose before Tollgate named one")
      }
    }
      + setup.processors.compactMap { processor in
        processor.ignoresRefusals.flatMap { field in
          field.bool == true
            ? check.finding(field, "a request that Tollgate refuses is not answered by its refusal")
            : nil
        }
      }
      + rules.compactMap { $0 }.compactMap { rules in
        let kept = wanted.filter { rules.rule(against: $0) != nil }
        return kept.first.flatMap(rules.rule).map {
          check.finding($0, "Tollgate may not change \(kept.joined(separator: ", "))")
        }
      }
  }

  static func namespaces(
    _ setup: GatewaySetup, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    setup.processors.flatMap { processor in
      var findings: [Finding] = []
      if !processor.writableNamespaces.texts.contains(ownNamespace) {
        findings.append(
          check.finding(
            processor.writableNamespaces,
            "Tollgate may not write the metadata namespace tollgate, so its access log fields stay empty"
          ))
      }
      var wanted: [(FilterName, String)] = []
      if !setup.authorizers.isEmpty { wanted.append((.extAuthz, "the result of ext_authz")) }
      if context.policies.contains(where: { !$0.jwt.isEmpty }) {
        wanted.append((.jwtAuthn, "the claims that jwt_authn verified"))
      }
      for (name, what) in wanted
      where !processor.readableNamespaces.texts.contains(name.rawValue) {
        findings.append(
          check.finding(
            processor.readableNamespaces, "Tollgate does not get \(what) (\(name.rawValue))"))
      }
      return findings
    }
  }

  static func attributes(
    _ setup: GatewaySetup, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    var request = ["request.id", "source.address"]
    if context.policies.contains(where: \.clientCertificates) {
      request.append("connection.uri_san_peer_certificate")
    }
    let response = ["response.flags", "response.code_details", "upstream.address"]
    return setup.processors.flatMap { processor in
      let lists = [
        (processor.requestAttributes, request), (processor.responseAttributes, response),
      ]
      return lists.flatMap { field, wanted in
        let given = field.texts
        let missing = wanted.filter { !given.contains($0) }
        var findings =
          missing.isEmpty
          ? []
          : [
            check.finding(field, "Tollgate does not get \(missing.joined(separator: ", "))")
          ]
        for item in field.items where setup.origin == .gatewayAPI && !isAllowed(item.text ?? "") {
          findings.append(
            check.finding(
              item, "Envoy Gateway does not allow the attribute \(item.text ?? "")",
              remedy: "leave it out; upstream.address names the backend"))
        }
        return findings
      }
    }
  }

  /// Whether Envoy Gateway allows an attribute; it has a list of prefixes.
  private static func isAllowed(_ attribute: String) -> Bool {
    let prefixes = [
      "connection.", "source.", "destination.", "request.", "response.", "upstream.", "xds.route_",
    ]
    return prefixes.contains { attribute.hasPrefix($0) }
  }

  static func filterOrder(
    _ setup: GatewaySetup, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let order = setup.filterOrder
    func position(_ name: FilterName) -> Int? { order.firstIndex { $0.value == name } }
    var findings: [Finding] = []
    if let processor = position(.extProc) {
      for name in [FilterName.jwtAuthn, .extAuthz] {
        guard let other = position(name), other > processor else { continue }
        findings.append(
          check.finding(
            order[processor].field,
            "ext_proc runs before \(name.rawValue), so Tollgate does not get its result"))
      }
    }
    let enforcesAtCheck = context.policies.contains { $0.enforceAt == .extAuthz }
    let readsJWT = context.policies.contains { !$0.jwt.isEmpty }
    if enforcesAtCheck, readsJWT, let checker = position(.extAuthz), let jwt = position(.jwtAuthn),
      checker < jwt
    {
      findings.append(
        check.finding(
          order[checker].field,
          "the policy enforces at ext_authz, which runs before jwt_authn: no JWT is verified yet",
          remedy: setup.origin == .envoy
            ? "put jwt_authn before ext_authz"
            : "put jwt_authn first (EnvoyProxy spec.filterOrder: jwt_authn before ext_authz)"))
    }
    if let router = position(.router), router != order.count - 1 {
      findings.append(
        check.finding(order[router].field, "filters after the router never run"))
    }
    return findings
  }

  static func enforcement(
    _ policy: PolicySnapshot, _ setup: GatewaySetup, _ check: Check
  ) -> [Finding] {
    switch policy.enforceAt {
    case .extProc:
      return setup.processors.isEmpty
        ? [
          check.finding(
            setup.field, "the policy enforces at ext_proc, but only ext_authz asks Tollgate")
        ] : []
    case .extAuthz:
      guard let authorizer = setup.authorizers.first else {
        return [
          check.finding(
            setup.field, "the policy enforces at ext_authz, but only ext_proc asks Tollgate")
        ]
      }
      var findings: [Finding] = []
      if !authorizer.sendsBody {
        findings.append(
          check.finding(
            authorizer.bodyBytes,
            "the policy enforces at ext_authz, which does not send the body with the model"))
      }
      if authorizer.sendsBody, !authorizer.bodyAsBytes.value {
        findings.append(
          check.finding(
            authorizer.bodyAsBytes.field,
            "ext_authz sends the body as text and replaces what is not UTF-8, so Tollgate does not "
              + "check the bytes that the backend gets",
            remedy: "write with_request_body.pack_as_bytes: true"))
      }
      if !authorizer.choosesRouteAgain {
        findings.append(
          check.finding(
            authorizer.choosesRouteAgainField,
            "Envoy does not choose the route again after the check"))
      }
      return findings
    }
  }

  static func sockets(_ context: LintContext, _ check: Check) -> [Finding] {
    var findings: [Finding] = []
    var ours: [Field] = []
    for backend in context.set.resources("Backend", group: EnvoyGatewayReading.envoyGroup) {
      ours += backend.spec["endpoints"].items.map { $0["unix"]["path"] }.filter(\.exists)
    }
    for cluster in context.set.configs.flatMap(\.clusters) {
      let named = cluster.named("Envoy cluster \(cluster["name"].text ?? "?")")
      ours += BootstrapReading.addresses(named).map { $0["pipe"]["path"] }.filter(\.exists)
    }
    for path in ours where (path.text ?? "").utf8.count > socketPathBytesMax {
      findings.append(
        check.finding(
          path,
          "the path has \((path.text ?? "").utf8.count) bytes; a socket's path may have at most "
            + "\(socketPathBytesMax)"))
    }
    let listening = context.pods.filter(\.isBesideEnvoy)
      .flatMap { pod -> [String] in pod.settings("listen") }
      .flatMap { list -> [String] in list.split(separator: ",").map { String($0) } }
    for path in ours where !listening.isEmpty {
      guard let text = path.text, text.contains("tollgate"), !listening.contains("unix:\(text)")
      else { continue }
      findings.append(
        check.finding(
          path, "Tollgate listens on \(listening.joined(separator: ", ")), not on unix:\(text)"))
    }
    return findings
  }

  /// `sun_path` has 108 bytes, one of which is for the terminating zero.
  private static let socketPathBytesMax = 107
}
