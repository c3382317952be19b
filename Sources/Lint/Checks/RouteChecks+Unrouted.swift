import Policy
import Terms

extension LintContext {
  /// Model routes that are not matched on every path of their models, for streams and for others.
  var unrouted: [Remark] {
    let chains = asking
    guard let first = chains.first, chains.allSatisfy(\.hasAllRules) else { return [] }
    let rules = chains.flatMap(\.backendRules)
    var found: [Remark] = []
    var missing: Set<String> = []
    for use in traffic.uses where !missing.contains(use.route) {
      let own = rules.filter { $0.matches.contains { $0.takes(modelRoute: use.route) } }
      if own.isEmpty {
        let what = "no route matches the model route \(use.route) (of \(use.model))"
        found.append(Remark(first.field, what))
      } else if let gap = gap(of: use, in: own) {
        let what = "requests for \(use.route) \(gap) match no route"
        found.append(Remark(own[0].field, what, remedy: "widen the match, or add a route for them"))
      } else {
        continue
      }
      missing.insert(use.route)
    }
    let matches = rules.flatMap(\.matches)
    for (route, path) in traffic.customRoutes where traffic.uses(of: route).isEmpty {
      if matches.contains(where: { $0.takes(modelRoute: route, on: path) }) { continue }
      found.append(Remark(first.field, "no route matches the model route \(route) (of \(path))"))
    }
    return found + chains.flatMap { unroutedHosts($0, besides: missing) }
  }

  /// The first kind of requests for a model route that none of its rules matches; nil where they match all.
  private func gap(of use: PolicyTraffic.Use, in rules: [RouteRule]) -> String? {
    let matches = rules.flatMap(\.matches)
    for path in use.paths {
      for stream in use.trafficClass.streaming ? ["true", "false"] : ["false"] {
        let isTaken = matches.contains { match in
          match.takes(modelRoute: use.route, on: path)
            && match.covers(header: HeaderNames.stream, stream)
            && match.covers(header: HeaderNames.trafficClass, use.trafficClass.name.string)
        }
        if !isTaken { return "on \(path)" + (stream == "true" ? " that stream" : "") }
      }
    }
    return nil
  }

  /// Model routes that a tenant may use, but for which its own host has no route: Envoy looks only at the
  /// routes of the most specific host that matches. Those in `known` have been reported already.
  private func unroutedHosts(_ chain: Chain, besides known: Set<String>) -> [Remark] {
    let hosts = chain.backendRules.flatMap { rule in rule.hosts.map { (host: $0, rule: rule) } }
    return Dictionary(grouping: hosts, by: \.host).sorted { $0.key < $1.key }.flatMap { host, own in
      guard !host.contains("*"), let rule = own.map(\.rule).first(where: \.takesTimeouts) else {
        return [Remark]()
      }
      let matches = own.flatMap(\.rule.matches)
      return policies.compactMap { policy in
        let wanted = policy.modelRoutes(onHost: host).first { route, path in
          !known.contains(route) && !matches.contains { $0.takes(modelRoute: route, on: path) }
        }
        return wanted.map { route, path in
          Remark(
            rule.field, "on the host \(host), requests for \(route) on \(path) match no route",
            remedy: "add a route for them on this host")
        }
      }
    }
  }
}

extension PolicySnapshot {
  /// Whose a host is.
  func owner(of host: String) -> HostOwner { owner(ofHost: Array(host.utf8).span) }

  /// The model routes that the tenant of a host may use, with the path of each endpoint.
  fileprivate func modelRoutes(onHost host: String) -> [(route: String, path: String)] {
    guard case .tenant(let index) = owner(of: host) else { return [] }
    return Endpoint.allCases.flatMap { endpoint in
      models.filter { tenants[index].models(at: endpoint)?.contains($0.index) == true }
        .flatMap(\.routes).map { ($0.name.string, endpoint.path.string) }
    }
  }
}
