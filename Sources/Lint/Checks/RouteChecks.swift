import Policy
import Terms

extension Checks {
  /// Which requests reach which model.
  static let routeChecks = [
    Check(
      "no-catch-all", .error,
      "A host has no route that takes the rest: a request arrives without x-ai-model-route, matches nothing, and Tollgate is never asked.",
      remedy:
        "add a rule for path prefix / without headers that answers 503 itself, on the same host"
    ) { context, check in context.setups.flatMap { catchAlls($0, check) } },
    Check(
      "route-without-model-header", .error,
      "A route to a model does not match on x-ai-model-route: requests without a verdict reach the model.",
      remedy: "match the header x-ai-model-route exactly, with the route's name in the policy"
    ) { context, check in
      backendRules(
        context, check, "this route leads to a backend and does not ask for x-ai-model-route"
      ) { !$0.asksFor(HeaderNames.modelRoute) }
    },
    Check(
      "open-model-route", .error,
      "A route takes x-ai-model-route by a pattern, a prefix or its mere presence: a verdict for one model reaches another's backend.",
      remedy: "match the header exactly; give each model route of the policy a match of its own"
    ) { context, check in
      backendRules(
        context, check,
        "this route takes x-ai-model-route by more than its name: verdicts for other models "
          + "reach this backend, too"
      ) { $0.leavesOpen(HeaderNames.modelRoute) }
    },
    Check(
      "model-by-path", .error,
      "The path chooses the model although the body names one: the two may differ, and the limits and the bill are of the wrong one.",
      remedy: "offer the endpoint's own path, and let the body's model choose the route"
    ) { context, check in
      context.setups.flatMap { modelsByPath($0, context, check) }
    },
    Check(
      "unrouted-model", .error,
      "The policy sends requests to a model route that no route of the gateway matches: they get the catch-all's 503.",
      remedy: "add a route that matches x-ai-model-route with this name"
    ) { context, check in unrouted(context, check) },
    Check(
      "unknown-model-route", .warning,
      "A route matches on a model route that the policy does not know: it is never chosen.",
      remedy: "add it to a model's routes in the policy, or take the route away"
    ) { context, check in unknown(context, check) },
    Check(
      "unknown-host", .error,
      "A route serves a host that the policy gives to nobody: every request gets 403.",
      remedy: "add it to a tenant's hostnames or to shared_hostnames"
    ) { context, check in unknownHosts(context, check) },
    Check(
      "shadowed-route", .error, "Envoy takes the first route that matches: this one never is.",
      remedy: "put the narrower route first"
    ) { context, check in
      context.setups.filter(\.isOrdered).flatMap { shadowed($0, check) }
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
    // The rest may be taken where the other routes come from.
    guard setup.hasAllRules else { return [] }
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
        return check.finding(rule.field, "the path \(path) chooses by \(what)")
      }
      return nil
    }
  }

  /// Whether a path is an endpoint's own, or leads to one: a model may be called `chat`.
  private static func isEndpoint(_ path: String) -> Bool {
    let prefix = path.hasSuffix("/") ? path : path + "/"
    return path.hasPrefix("/openai/deployments/")
      || Endpoint.allCases.contains {
        $0.path.string == path || $0.path.string.hasPrefix(prefix)
      }
  }

  /// Each model route of a policy must be matched, on each path its models may be asked for on, and
  /// for streams as well as for whole answers.
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

  /// Kinds of requests for a model route that none of its rules takes.
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
          check.finding(rule.field, "the policy knows no model route \(route)")
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
        }.map { check.finding(rule.field, "the policy gives the host \($0) to nobody") }
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
          check.finding(rule.field, "\(earlier.field.object) before it takes all its requests"))
      }
    }
    return findings
  }
}

extension RouteMatch {
  /// Whether every request that `other` takes is taken by this, as far as can be told.
  func includes(_ other: RouteMatch) -> Bool {
    guard !isNarrower else { return false }
    let isPathIncluded =
      switch (path, other.path) {
      case (.prefix("/"), _): true
      case (.prefix(let wide), .prefix(let narrow)), (.prefix(let wide), .exact(let narrow)):
        narrow.hasPrefix(wide)
      case (.exact(let wide), .exact(let narrow)): wide == narrow
      default: false
      }
    return isPathIncluded
      && headers.allSatisfy { header in
        other.headers.contains { $0.name == header.name && $0.value == header.value }
          && header.value != .other
      }
  }
}
