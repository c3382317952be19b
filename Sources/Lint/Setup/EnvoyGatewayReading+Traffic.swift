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
      let matches = rule["matches"].items.map { match($0, isHTTP: route.kind == "HTTPRoute") }
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

  /// The route's own hosts, or its listeners'; `*` where neither names any.
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

  private func match(_ match: Field, isHTTP: Bool) -> RouteMatch {
    let (path, method) = (match["path"], match["method"])
    let matcher: TextMatcher =
      switch (method["service"].text, method["method"].text) {
      case (let service?, let name?): .exact("/\(service)/\(name)")
      case (let service?, nil): .prefix("/\(service)/")
      case (nil, _) where !isHTTP && method.exists: .other
      case (nil, _): TextMatcher(path["type"].text ?? "PathPrefix", path["value"].text ?? "/")
      }
    let headers = match["headers"].items.map { header in
      RouteMatch.Header(
        name: (header["name"].text ?? "").lowercased(),
        value: TextMatcher(header["type"].text ?? "Exact", header["value"].text ?? ""))
    }
    return RouteMatch(
      path: matcher, headers: headers,
      isNarrower: isHTTP && method.exists || !match["queryParams"].items.isEmpty)
  }

  /// The specs of the BackendTrafficPolicies for a rule, the most specific first. One without `mergeType`
  /// replaces the less specific ones.
  private func traffic(for route: Resource, _ rule: Field, _ gateway: Resource?) -> [Field] {
    let all = set.resources("BackendTrafficPolicy")
    // The rules of the route that a policy is for; none where it is for the whole route.
    func sections(_ policy: Resource) -> [String] {
      policy.spec["targetRefs"].items.filter { $0["name"].text == route.name }
        .compactMap { $0["sectionName"].text }
    }
    let onRoute = all.filter { Self.targets($0, route) }
    let levels = [
      onRoute.first { sections($0).contains(rule["name"].text ?? "") },
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

  /// The ClientTrafficPolicies of a Gateway, first those for all listeners.
  private func listenerPolicies(of gateway: Resource) -> [Resource] {
    let all = set.resources("ClientTrafficPolicy").filter { Self.targets($0, gateway) }
    let parts = Dictionary(grouping: all) { $0.spec.all("targetRefs[].sectionName").isEmpty }
    return (parts[true] ?? []) + (parts[false] ?? [])
  }

  private func listenerPolicy(of gateway: Resource) -> Field {
    listenerPolicies(of: gateway).first?.spec ?? gateway.spec["clientTrafficPolicy"]
  }

  /// The settings of the ClientTrafficPolicy for all listeners, and the certificate faults of all.
  func listener(of gateway: Resource) -> ListenerSettings {
    let policies = listenerPolicies(of: gateway)
    let spec = listenerPolicy(of: gateway)
    let early = spec.at("headers.earlyRequestHeaders")
    return ListenerSettings(
      field: policies.first?.root ?? gateway.root,
      buffer: spec.at("connection.bufferLimit"), unsetBufferBytes: 32_768, early: early,
      earlyRemovals: TextMatcher.known(
        early["remove"].texts.map(TextMatcher.exact)
          + early["removeOnMatch"].items.map {
            TextMatcher($0["type"].text ?? "Exact", $0["value"].text ?? "")
          }),
      certificates: policies.flatMap { $0.spec.all("tls.clientValidation") }.map(certificates))
  }

  private func certificates(_ validation: Field) -> CertificateFaults {
    let (mode, isOptional) = (validation["mode"], validation["optional"])
    let hasAuthority = ["caCertificateRefs", "spkiHashes", "certificateHashes"].contains {
      validation[$0].items.contains(where: \.exists)
    }
    let isUntrusted = ["Request", "RequireAny"].contains(mode.text)
    return CertificateFaults(
      untrusted: isUntrusted ? mode : nil,
      unnamed: hasAuthority || isUntrusted ? nil : validation["caCertificateRefs"],
      optional: mode.text == "VerifyIfGiven" ? mode : isOptional.ifTrue,
      expired: validation["allowExpiredCertificate"].ifTrue)
  }
}
