import Policy
import Terms

extension Checks {
  /// Model routes that a tenant may use, but for which its own host has no route: Envoy looks only at the
  /// routes of the most specific host that matches. Those in `known` have been reported already.
  static func unroutedHosts(
    _ setup: GatewaySetup, _ context: LintContext, besides known: Set<String>, _ check: Check
  ) -> [Finding] {
    var findings: [Finding] = []
    var seen: Set<String> = []
    for place in setup.backendRules where place.takesTimeouts {
      for host in place.hosts where !host.contains("*") && seen.insert(host).inserted {
        let matches = setup.backendRules.filter { $0.hosts.contains(host) }.flatMap(\.matches)
        for policy in context.policies {
          guard case .tenant(let index) = policy.owner(ofHost: Array(host.utf8).span) else {
            continue
          }
          let missing = wanted(by: policy.tenants[index], policy).filter { route, path in
            !known.contains(route)
              && !matches.contains { match in
                match.asksFor(HeaderNames.modelRoute)
                  && match.covers(header: HeaderNames.modelRoute, route)
                  && match.covers(path: path)
              }
          }
          if let (route, path) = missing.first {
            findings.append(
              check.finding(
                place.field,
                "on the host \(host), requests for \(route) on \(path) match no route",
                remedy: "add a route for them on this host"))
          }
        }
      }
    }
    return findings
  }

  /// The model routes that a tenant may use, with the path of each endpoint.
  private static func wanted(
    by tenant: Tenant, _ policy: PolicySnapshot
  ) -> [(route: String, path: String)] {
    Endpoint.allCases.flatMap { endpoint in
      policy.models.filter { tenant.models(at: endpoint)?.contains($0.index) == true }
        .flatMap { model in
          model.routes.map { (route: $0.name.string, path: endpoint.path.string) }
        }
    }
  }
}
