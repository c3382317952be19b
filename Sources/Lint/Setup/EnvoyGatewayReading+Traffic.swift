extension EnvoyGatewayReading {
  // MARK: - The routes and the policies for them

  /// The rules of an HTTPRoute or GRPCRoute; of a Gateway, where that is in the set.
  func rules(of route: Resource, _ gateway: Resource?) -> [RouteRule] {
    let hosts = hosts(of: route, gateway)
    let silence = gateway.flatMap {
      listenerPolicy(of: $0).at("timeout.http.streamIdleTimeout").ifDuration
    }
    return route.spec["rules"].items.map { rule in
      let traffic = traffic(for: route, rule, gateway)
      let matches = rule["matches"].items.map {
        route.kind == "GRPCRoute" ? grpcMatch($0) : httpMatch($0)
      }
      // What the most specific policy says that says anything.
      func first(_ path: String) -> Field? {
        traffic.lazy.compactMap { $0.at(path).ifDuration }.first
      }
      return RouteRule(
        field: rule, hosts: hosts, matches: matches.isEmpty ? [.anything] : matches,
        backends: rule["backendRefs"].items, mirrors: rule.all("filters[].requestMirror"),
        timeout: rule.at("timeouts.request").ifDuration ?? first("timeout.http.requestTimeout"),
        takesTimeouts: route.kind == "HTTPRoute",
        attemptTimeouts: [
          rule.at("timeouts.backendRequest").ifDuration, first("retry.perRetry.timeout"),
        ].compactMap { $0 },
        retries: retries(rule, traffic),
        streamBound: traffic.lazy.compactMap {
          $0.at("timeout.http.maxStreamDuration").duration
        }.first { $0 != .zero },
        idleTimeout: first("timeout.http.streamIdleTimeout") ?? silence)
    }
  }

  /// The route's own hosts, or those of the listeners to which it is attached; `*` where neither names
  /// any.
  private func hosts(of route: Resource, _ gateway: Resource?) -> [String] {
    let own = route.spec["hostnames"].texts.map { $0.lowercased() }
    guard own.isEmpty, let gateway else { return own.isEmpty ? ["*"] : own }
    let sections = route.parents(gateway).map { $0["sectionName"].text }
    let listeners = gateway.spec["listeners"].items.filter { listener in
      sections.contains { $0 == nil || $0 == listener["name"].text }
    }
    let hosts = listeners.map { $0["hostname"].text?.lowercased() ?? "*" }
    return hosts.isEmpty ? ["*"] : hosts
  }

  private func headers(of match: Field) -> [RouteMatch.Header] {
    match["headers"].items.map { header in
      RouteMatch.Header(
        name: (header["name"].text ?? "").lowercased(),
        value: TextMatcher(header["type"].text ?? "Exact", header["value"].text ?? ""))
    }
  }

  private func httpMatch(_ match: Field) -> RouteMatch {
    let path = match["path"]
    return RouteMatch(
      path: TextMatcher(path["type"].text ?? "PathPrefix", path["value"].text ?? "/"),
      headers: headers(of: match),
      isNarrower: match["method"].exists || !match["queryParams"].items.isEmpty)
  }

  private func grpcMatch(_ match: Field) -> RouteMatch {
    let method = match["method"]
    let path: TextMatcher =
      switch (method["service"].text, method["method"].text) {
      case (let service?, let name?): .exact("/\(service)/\(name)")
      case (let service?, nil): .prefix("/\(service)/")
      case (nil, _): method.exists ? .other : .prefix("/")
      }
    return RouteMatch(path: path, headers: headers(of: match))
  }

  /// The specs of the BackendTrafficPolicies that apply to a rule, the most specific first. A policy
  /// without `mergeType` replaces the less specific ones.
  private func traffic(for route: Resource, _ rule: Field, _ gateway: Resource?) -> [Field] {
    let all = set.resources("BackendTrafficPolicy")
    // The rules of the route that a policy is for; none where it is for the whole route.
    func sections(_ policy: Resource) -> [String?] {
      policy.spec["targetRefs"].items.filter {
        $0["name"].text == route.name && $0["sectionName"].exists
      }.map { $0["sectionName"].text }
    }
    let onRoute = all.filter { Self.targets($0, route) }
    let levels = [
      onRoute.first { sections($0).contains(rule["name"].text) },
      onRoute.first { sections($0).isEmpty },
      gateway.flatMap { gateway in all.first { Self.targets($0, gateway) } },
    ].compactMap { $0?.spec }
    let last = levels.firstIndex { !$0["mergeType"].exists } ?? levels.count - 1
    return Array(levels.prefix(last + 1))
  }

  private func retries(_ rule: Field, _ traffic: [Field]) -> Field? {
    if rule["retry"].exists {
      return rule.at("retry.attempts").integer == 0 ? nil : rule["retry"]
    }
    guard let retry = traffic.map({ $0["retry"] }).first(where: \.exists) else { return nil }
    return retry["numRetries"].integer == 0 ? nil : retry
  }

  // MARK: - The listeners' policies

  private func listenerPolicies(of gateway: Resource) -> [Resource] {
    set.resources("ClientTrafficPolicy").filter { Self.targets($0, gateway) }
  }

  /// The policy for all listeners, or else the first.
  private func main(of policies: [Resource]) -> Resource? {
    policies.first { $0.spec.all("targetRefs[].sectionName").isEmpty } ?? policies.first
  }

  /// The spec of the ClientTrafficPolicy for all listeners of a Gateway.
  private func listenerPolicy(of gateway: Resource) -> Field {
    main(of: listenerPolicies(of: gateway))?.spec ?? gateway.spec["clientTrafficPolicy"]
  }

  /// The settings of the ClientTrafficPolicy for all listeners, and the certificate faults of all.
  func listener(of gateway: Resource) -> ListenerSettings {
    let policies = listenerPolicies(of: gateway)
    let spec = listenerPolicy(of: gateway)
    let early = spec.at("headers.earlyRequestHeaders")
    return ListenerSettings(
      field: main(of: policies)?.root ?? gateway.root,
      buffer: NamedField(
        field: spec.at("connection.bufferLimit"),
        name: "ClientTrafficPolicy spec.connection.bufferLimit"),
      unsetBufferBytes: 32_768,
      early: NamedField(
        field: early, name: "ClientTrafficPolicy spec.headers.earlyRequestHeaders.removeOnMatch"),
      earlyRemovals: TextMatcher.known(
        early["remove"].texts.map(TextMatcher.exact)
          + early["removeOnMatch"].items.map {
            TextMatcher($0["type"].text ?? "Exact", $0["value"].text ?? "")
          }),
      certificateFaults: policies.flatMap { $0.spec.all("tls.clientValidation") }
        .flatMap(certificateFaults))
  }

  private func certificateFaults(_ validation: Field) -> [CertificateFault] {
    let mode = validation["mode"]
    let hasAuthority = ["caCertificateRefs", "spkiHashes", "certificateHashes"].contains {
      validation[$0].items.contains(where: \.exists)
    }
    let isUntrusted = ["Request", "RequireAny"].contains(mode.text)
    let isOptional = validation["optional"].bool == true || mode.text == "VerifyIfGiven"
    let optional = mode.exists ? mode : validation["optional"]
    let unnamed = hasAuthority || isUntrusted ? nil : validation["caCertificateRefs"]
    let expired = validation["allowExpiredCertificate"]
    let remedy = "use mode RequireAndVerify"
    return CertificateFault.all([
      (.untrusted, isUntrusted ? mode : nil, "\(remedy) with caCertificateRefs"),
      (.unnamed, unnamed, "\(remedy) with caCertificateRefs"),
      (.optional, isOptional ? optional : nil, remedy),
      (.expired, expired.bool == true ? expired : nil, "remove this setting"),
    ])
  }
}
