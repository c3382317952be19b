extension EnvoyGatewayReading {
  /// The rules of an HTTPRoute or GRPCRoute.
  func rules(of route: Resource, gateway: Resource?) -> [RouteRule] {
    let hosts = hosts(of: route, gateway)
    let silence = gateway.flatMap { Placed(streamIdleTimeout(of: $0)) }
    return route.spec["rules"].items.map { rule in
      let traffic = traffic(for: route, rule, gateway)
      let matches = rule["matches"].items.map { match(of: $0, isGRPC: route.kind == "GRPCRoute") }
      let anything = RouteMatch(path: .prefix("/"), headers: [], isNarrower: false)
      let perTry = traffic.first { $0["retry"]["perRetry"]["timeout"].exists }
      return RouteRule(
        field: rule, hosts: hosts, matches: matches.isEmpty ? [anything] : matches,
        backends: rule["backendRefs"].items,
        mirrors: rule["filters"].items.map { $0["requestMirror"] }.filter(\.exists),
        timeout: Placed(rule["timeouts"]["request"])
          ?? traffic.lazy.compactMap { Placed($0["timeout"]["http"]["requestTimeout"]) }.first,
        takesTimeouts: route.kind == "HTTPRoute",
        attemptTimeouts: [
          Placed(rule["timeouts"]["backendRequest"]),
          perTry.flatMap { Placed($0["retry"]["perRetry"]["timeout"]) },
        ].compactMap { $0 },
        retries: retries(rule, traffic),
        streamBound: traffic.lazy.compactMap {
          $0["timeout"]["http"]["maxStreamDuration"].duration
        }.first { $0 != .zero },
        idleTimeout: traffic.lazy.compactMap {
          Placed($0["timeout"]["http"]["streamIdleTimeout"])
        }.first ?? silence)
    }
  }

  /// The route's own hosts, or those of the listeners to which it is attached; `*` where neither names
  /// any.
  private func hosts(of route: Resource, _ gateway: Resource?) -> [String] {
    let own = route.spec["hostnames"].texts.map { $0.lowercased() }
    guard own.isEmpty, let gateway else { return own.isEmpty ? ["*"] : own }
    let sections = route.spec["parentRefs"].items.filter {
      $0["name"].text == gateway.name
    }.map { $0["sectionName"].text }
    let listeners = gateway.spec["listeners"].items.filter { listener in
      sections.contains { $0 == nil || $0 == listener["name"].text }
    }
    let hosts = listeners.map { $0["hostname"].text?.lowercased() ?? "*" }
    return hosts.isEmpty ? ["*"] : hosts
  }

  private func match(of match: Field, isGRPC: Bool) -> RouteMatch {
    let headers = match["headers"].items.map { header in
      (
        name: (header["name"].text ?? "").lowercased(),
        value: value(header["type"].text ?? "Exact", header["value"].text ?? "")
      )
    }
    if isGRPC {
      let method = match["method"]
      guard let service = method["service"].text else {
        return RouteMatch(
          path: method.exists ? .other : .prefix("/"), headers: headers, isNarrower: false)
      }
      let path = method["method"].text.map { RouteMatch.Path.exact("/\(service)/\($0)") }
      return RouteMatch(path: path ?? .prefix("/\(service)/"), headers: headers, isNarrower: false)
    }
    let text = match["path"]["value"].text ?? "/"
    let path: RouteMatch.Path =
      switch match["path"]["type"].text ?? "PathPrefix" {
      case "Exact": .exact(text)
      case "PathPrefix": .prefix(text)
      case "RegularExpression": .regex(text)
      default: .other
      }
    return RouteMatch(
      path: path, headers: headers,
      isNarrower: match["method"].exists || !match["queryParams"].items.isEmpty)
  }

  private func value(_ type: String, _ text: String) -> RouteMatch.Value {
    switch type {
    case "Exact": .exact(text)
    case "RegularExpression": RouteMatch.Value(pattern: text)
    default: .other
    }
  }

  /// The specs of the BackendTrafficPolicies that apply to a rule, the most specific first. A policy
  /// without `mergeType` replaces the less specific ones.
  private func traffic(for route: Resource, _ rule: Field, _ gateway: Resource?) -> [Field] {
    let all = set.resources("BackendTrafficPolicy", group: Self.envoyGroup)
    let onRoute = all.filter { Self.targets($0, route) }
    let section = rule["name"].text
    let onRule = onRoute.filter { policy in
      policy.spec["targetRefs"].items.contains {
        $0["name"].text == route.name && $0["sectionName"].exists
          && $0["sectionName"].text == section
      }
    }
    let onWhole = onRoute.filter { policy in
      !policy.spec["targetRefs"].items.contains {
        $0["name"].text == route.name && $0["sectionName"].exists
      }
    }
    let onGateway = gateway.map { gateway in all.filter { Self.targets($0, gateway) } } ?? []
    var result: [Field] = []
    for level in [onRule, onWhole, onGateway] {
      guard let policy = level.first else { continue }
      result.append(policy.spec)
      if !policy.spec["mergeType"].exists { break }
    }
    return result
  }

  private func retries(_ rule: Field, _ traffic: [Field]) -> Field? {
    if rule["retry"].exists {
      return rule["retry"]["attempts"].integer == 0 ? nil : rule["retry"]
    }
    guard let retry = traffic.map({ $0["retry"] }).first(where: \.exists) else { return nil }
    return retry["numRetries"].integer == 0 ? nil : retry
  }
}
