import Policy
import Terms

extension Checks {
  /// Reports model routes that are not matched on every path on which their models may be used, for
  /// streams and for other responses.
  static func unrouted(_ context: LintContext, _ report: inout Findings) {
    let chains = context.asking
    guard let first = chains.first, chains.allSatisfy(\.hasAllRules) else { return }
    let matching = chains.flatMap(\.backendRules).filter { rule in
      rule.matches.contains { $0.asksFor(HeaderNames.modelRoute) }
    }
    var seen: Set<String> = []
    var missing: Set<String> = []
    for (route, use) in context.traffic.uses where seen.insert(route).inserted {
      let own = matching.filter { rule in
        rule.matches.contains {
          $0.asksFor(HeaderNames.modelRoute) && $0.covers(header: HeaderNames.modelRoute, route)
        }
      }
      let gaps = context.traffic.uses(of: route).compactMap { gap(of: route, $0, in: own) }
      if own.isEmpty {
        report(first.field, "no route matches the model route \(route) (of \(use.model))")
      } else if let gap = gaps.first {
        report(
          own[0].field, "requests for \(route) \(gap) match no route",
          remedy: "widen the match, or add a route for them")
      } else {
        continue
      }
      missing.insert(route)
    }
    for (route, path) in context.traffic.customRoutes where seen.insert(route).inserted {
      let matches = matching.flatMap(\.matches)
      if !matches.contains(where: { $0.takes(modelRoute: route, path: path) }) {
        report(first.field, "no route matches the model route \(route) (of \(path))")
      }
    }
    for chain in chains { unroutedHosts(chain, context, besides: missing, &report) }
  }

  /// The first kind of requests for a model route that none of its rules matches; nil where they match
  /// all.
  private static func gap(
    of route: String, _ use: PolicyTraffic.Use, in rules: [RouteRule]
  ) -> String? {
    let matches = rules.flatMap(\.matches)
    for path in use.paths {
      for stream in use.trafficClass.streaming ? ["true", "false"] : ["false"] {
        let isTaken = matches.contains { match in
          match.takes(modelRoute: route, path: path)
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
  private static func unroutedHosts(
    _ chain: Chain, _ context: LintContext, besides known: Set<String>, _ report: inout Findings
  ) {
    let hosts = chain.backendRules.flatMap { rule in rule.hosts.map { (host: $0, rule: rule) } }
    let byHost = Dictionary(grouping: hosts, by: \.host)
    var seen: Set<String> = []
    for (host, rule) in hosts where rule.takesTimeouts && !host.contains("*") {
      guard seen.insert(host).inserted else { continue }
      let matches = byHost[host, default: []].flatMap(\.rule.matches)
      for policy in context.policies {
        guard case .tenant(let index) = policy.owner(of: host) else { continue }
        let tenant = policy.tenants[index]
        // The model routes that the tenant may use, with the path of each endpoint.
        let wanted = Endpoint.allCases.flatMap { endpoint in
          policy.models.filter { tenant.models(at: endpoint)?.contains($0.index) == true }
            .flatMap(\.routes).map { ($0.name.string, endpoint.path.string) }
        }
        let missing = wanted.first { route, path in
          !known.contains(route) && !matches.contains { $0.takes(modelRoute: route, path: path) }
        }
        if let (route, path) = missing {
          report(
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
}
