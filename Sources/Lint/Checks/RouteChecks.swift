import Policy
import Terms

extension Checks {
  /// Which requests reach which backend.
  static let routeChecks = [
    Check(
      "no-catch-all", .error,
      "A host has no catch-all route: a request comes without x-ai-model-route, matches no route, and Tollgate is never asked.",
      remedy:
        "add a rule on the same host, for the path prefix / without headers, that answers 503 directly"
    ) { context, check in context.setups.flatMap { catchAlls($0, check) } },
    Check(
      "route-without-model-header", .error,
      "A route to a model does not match on x-ai-model-route: requests that Tollgate did not admit reach the model.",
      remedy: "match the header x-ai-model-route exactly, with the route's name in the policy"
    ) { context, check in
      backendRules(
        context, check, "this route leads to a backend and does not match on x-ai-model-route"
      ) { !$0.asksFor(HeaderNames.modelRoute) }
    },
    Check(
      "open-model-route", .error,
      "A route matches x-ai-model-route by a pattern, a prefix or its presence: requests that were admitted for one model reach another model's backend.",
      remedy: "match the header exactly; give each model route of the policy a match of its own"
    ) { context, check in
      backendRules(
        context, check,
        "this route does not match x-ai-model-route exactly: requests for other models reach this "
          + "backend too"
      ) { $0.leavesOpen(HeaderNames.modelRoute) }
    },
    Check(
      "model-by-path", .error,
      "The path chooses the model although the body names one: where the two differ, the limits and the cost of the wrong model apply.",
      remedy: "use the endpoint's own path, and let the model in the body choose the route"
    ) { context, check in
      context.setups.flatMap { modelsByPath($0, context, check) }
    },
    Check(
      "unrouted-model", .error,
      "The policy has a model route that no route of the gateway matches: its requests get the catch-all's 503.",
      remedy: "add a route that matches x-ai-model-route with this name"
    ) { context, check in unrouted(context, check) },
    Check(
      "unknown-model-route", .warning,
      "A route matches a model route that the policy does not have: it is never chosen.",
      remedy: "add it to a model's routes in the policy, or remove the route"
    ) { context, check in unknown(context, check) },
    Check(
      "unknown-host", .error,
      "A route serves a host that the policy does not have: every request gets 403.",
      remedy: "add it to a tenant's hostnames or to shared_hostnames"
    ) { context, check in unknownHosts(context, check) },
    Check(
      "shadowed-route", .error,
      "Envoy takes the first route that matches, so this one is never chosen.",
      remedy: "put the more specific route first"
    ) { context, check in
      context.setups.filter { $0.origin == .envoy }.flatMap { shadowed($0, check) }
    },
  ]

  /// One finding for each route to a backend that has a match of that kind.
  private static func backendRules(
    _ context: LintContext, _ check: Check, _ said: String, with isWrong: (RouteMatch) -> Bool
  ) -> [Finding] {
    context.setups.flatMap(\.backendRules).filter { $0.matches.contains(where: isWrong) }
      .map { check.finding($0.field, said) }
  }

  private static func catchAlls(_ setup: GatewaySetup, _ check: Check) -> [Finding] {
    // Where filters run for each request, also one without a route asks Tollgate, and gets one. The
    // catch-all may be among the routes that Envoy fetches.
    guard setup.filtersByRoute, setup.hasAllRules else { return [] }
    var seen: Set<String> = []
    var findings: [Finding] = []
    for rule in setup.rules where !rule.modelRoutes.isEmpty {
      for host in rule.hosts where seen.insert(host).inserted {
        let others = setup.rules.filter { $0.hosts.contains(host) }
        if others.contains(where: { $0.matches.contains(where: \.takesAll) }) { continue }
        findings.append(
          check.finding(rule.field, "the host \(host) has no route that takes everything else"))
      }
    }
    return findings
  }

  private static func modelsByPath(
    _ setup: GatewaySetup, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let custom = Set(context.traffic.customRoutes.map(\.path))
    return setup.backendRules.compactMap { rule in
      for match in rule.matches {
        let path: String
        switch match.path {
        case .exact(let text), .prefix(let text), .regex(let text): path = text
        case .other: continue
        }
        guard !custom.contains(path), !isEndpoint(path) else { continue }
        let endpoint = Endpoint.allCases.map(\.path.string).first {
          path.hasSuffix($0) && path != $0
        }
        let segments = path.split(separator: "/").map(String.init)
        let names = context.traffic.modelNames.union(context.traffic.routeNames)
        let model = segments.first(where: names.contains)
        guard endpoint != nil || model != nil else { continue }
        let what = model.map { "the model \($0)" } ?? "what is before \(endpoint ?? "")"
        return check.finding(rule.field, "the path \(path) chooses the backend by \(what)")
      }
      return nil
    }
  }

  /// Whether a path is an endpoint's own, Azure's, or the beginning of one. Its segments are then not
  /// compared with the names of models: one may be called `chat`.
  private static func isEndpoint(_ path: String) -> Bool {
    let prefix = path.hasSuffix("/") ? path : path + "/"
    return path.hasPrefix("/openai/deployments/")
      || Endpoint.allCases.contains {
        $0.path.string == path || $0.path.string.hasPrefix(prefix)
      }
  }

  /// Reports model routes that are not matched on every path on which their models may be used, for
  /// streams and for other responses.
  private static func unrouted(_ context: LintContext, _ check: Check) -> [Finding] {
    let setups = context.setups.filter { $0.isWhole && $0.asksTollgate }
    guard let first = setups.first, setups.allSatisfy(\.hasAllRules) else { return [] }
    let rules = setups.flatMap(\.backendRules)
    var findings: [Finding] = []
    var seen: Set<String> = []
    var missing: Set<String> = []
    for (route, use) in context.traffic.uses where seen.insert(route).inserted {
      let own = rules.filter { rule in
        rule.matches.contains { match in
          match.asksFor(HeaderNames.modelRoute)
            && match.covers(header: HeaderNames.modelRoute, route)
        }
      }
      guard !own.isEmpty else {
        missing.insert(route)
        findings.append(
          check.finding(
            first.field, "no route matches the model route \(route) (of \(use.model))"))
        continue
      }
      let gaps = gaps(of: route, uses: context.traffic.uses(of: route), in: own)
      if let gap = gaps.first {
        missing.insert(route)
        findings.append(
          check.finding(
            own[0].field, "requests for \(route) \(gap) match no route",
            remedy: "widen the match, or add a route for them"))
      }
    }
    for (route, path) in context.traffic.customRoutes where seen.insert(route).inserted {
      let isMatched = rules.contains { rule in
        rule.matches.contains { match in
          match.asksFor(HeaderNames.modelRoute)
            && match.covers(header: HeaderNames.modelRoute, route)
            && match.covers(path: path)
        }
      }
      if !isMatched {
        findings.append(
          check.finding(first.field, "no route matches the model route \(route) (of \(path))"))
      }
    }
    for setup in setups {
      findings += unroutedHosts(setup, context, besides: missing, check)
    }
    return findings
  }

  /// The kinds of requests for a model route that none of its rules matches.
  private static func gaps(
    of route: String, uses: [PolicyTraffic.Use], in rules: [RouteRule]
  ) -> [String] {
    let matches = rules.flatMap(\.matches)
    return uses.flatMap { use in
      use.paths.flatMap { path in
        (use.trafficClass.streaming ? ["true", "false"] : ["false"]).compactMap { stream in
          let isTaken = matches.contains { match in
            match.asksFor(HeaderNames.modelRoute)
              && match.covers(header: HeaderNames.modelRoute, route) && match.covers(path: path)
              && match.covers(header: HeaderNames.stream, stream)
              && match.covers(header: HeaderNames.trafficClass, use.trafficClass.name.string)
          }
          return isTaken ? nil : "on \(path)" + (stream == "true" ? " that stream" : "")
        }
      }
    }
  }

  private static func unknown(_ context: LintContext, _ check: Check) -> [Finding] {
    guard !context.policies.isEmpty else { return [] }
    let names = context.traffic.routeNames
    return context.setups.flatMap { setup in
      setup.backendRules.flatMap { rule in
        rule.modelRoutes.filter { !names.contains($0) }.map { route in
          check.finding(rule.field, "the policy has no model route \(route)")
        }
      }
    }
  }

  private static func unknownHosts(_ context: LintContext, _ check: Check) -> [Finding] {
    guard !context.policies.isEmpty else { return [] }
    var seen: Set<String> = []
    return context.setups.flatMap { setup in
      setup.backendRules.flatMap { rule in
        rule.hosts.filter { host in
          !host.contains("*") && seen.insert(host).inserted
            && context.policies.allSatisfy { $0.owner(ofHost: Array(host.utf8).span) == .nobody }
        }.map { check.finding(rule.field, "the policy does not have the host \($0)") }
      }
    }
  }

  private static func shadowed(_ setup: GatewaySetup, _ check: Check) -> [Finding] {
    var findings: [Finding] = []
    for (index, rule) in setup.rules.enumerated() {
      let earlier = setup.rules[..<index].first { earlier in
        earlier.hosts == rule.hosts
          && rule.matches.allSatisfy { narrow in
            earlier.matches.contains { $0.includes(narrow) }
          }
      }
      if let earlier {
        findings.append(
          check.finding(
            rule.field, "\(earlier.field.object), which comes before it, takes all its requests"))
      }
    }
    return findings
  }
}
