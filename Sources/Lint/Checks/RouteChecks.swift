import Policy
import Terms

extension Checks {
  /// Which requests reach which backend.
  static let routeChecks = [
    Check(
      "no-catch-all", .error, each: \.chains,
      "A host has no catch-all route: a request comes without x-ai-model-route, matches no route, and Tollgate is never asked.",
      remedy: "add a rule on the same host for the prefix / without headers, which answers 503"
    ) { chain, _, report in
      // Where filters run for each request, also one without a route asks Tollgate, and gets one. The
      // catch-all may be among the routes that Envoy fetches.
      guard chain.filtersByRoute, chain.hasAllRules else { return }
      let open = chain.rules.filter { $0.matches.contains(where: \.takesAll) }
      var hosts = Set(open.flatMap(\.hosts))
      for rule in chain.rules where !rule.modelRoutes.isEmpty {
        for host in rule.hosts where hosts.insert(host).inserted {
          report(rule.field, "the host \(host) has no route that takes everything else")
        }
      }
    },
    Check(
      "route-without-model-header", .error, each: \.rules,
      "A route to a model does not match on x-ai-model-route: requests that Tollgate did not admit reach the model.",
      remedy: "match the header x-ai-model-route exactly, with the route's name in the policy"
    ) { rule, _, report in
      if rule.matches.contains(where: { !$0.asksFor(HeaderNames.modelRoute) }) {
        report(rule.field, "this route leads to a backend and does not match on x-ai-model-route")
      }
    },
    Check(
      "open-model-route", .error, each: \.rules,
      "A route matches x-ai-model-route by a pattern, a prefix or its presence: requests that were admitted for one model reach another model's backend.",
      remedy: "match the header exactly; give each model route of the policy a match of its own"
    ) { rule, _, report in
      if rule.matches.contains(where: { $0.leavesOpen(HeaderNames.modelRoute) }) {
        report(rule.field, "requests for other models reach this backend too")
      }
    },
    Check(
      "model-by-path", .error, each: \.rules,
      "The path chooses the model although the body names one: where the two differ, the limits and the cost of the wrong model apply.",
      remedy: "use the endpoint's own path, and let the model in the body choose the route"
    ) { rule, context, report in
      let choices = rule.matches.compactMap { choice(by: $0.path, context.traffic) }
      if let choice = choices.first { report(rule.field, choice) }
    },
    Check(
      "unrouted-model", .error, each: \.unrouted,
      "The policy has a model route that no route of the gateway matches: its requests get the catch-all's 503.",
      remedy: "add a route that matches x-ai-model-route with this name"
    ) { remark, _, report in report(remark) },
    Check(
      "unknown-model-route", .warning, each: \.rules,
      "A route matches a model route that the policy does not have: it is never chosen.",
      remedy: "add it to a model's routes in the policy, or remove the route"
    ) { rule, context, report in
      if context.policies.isEmpty { return }
      for route in rule.modelRoutes where !context.traffic.routeNames.contains(route) {
        report(rule.field, "the policy has no model route \(route)")
      }
    },
    Check(
      "unknown-host", .error, each: \.whole,
      "A route serves a host that the policy does not have: every request gets 403.",
      remedy: "add it to a tenant's hostnames or to shared_hostnames"
    ) { context, _, report in
      var seen: Set<String> = []
      for rule in context.rules where !context.policies.isEmpty {
        for host in rule.hosts
        where !host.contains("*") && seen.insert(host).inserted
          && context.policies.allSatisfy({ $0.owner(of: host) == .nobody })
        {
          report(rule.field, "the policy does not have the host \(host)")
        }
      }
    },
    Check(
      "shadowed-route", .error, each: \.chains,
      "Envoy takes the first route that matches, so this one is never chosen.",
      remedy: "put the more specific route first"
    ) { chain, _, report in
      guard chain.origin == .envoy else { return }
      for (rule, earlier) in shadowed(chain.rules).pairs {
        report(rule.field, "\(earlier.field.object), which comes before it, takes all its requests")
      }
    },
  ]

  /// What a path chooses the backend by; nil where it is an endpoint's own, or a custom path.
  private static func choice(by matcher: TextMatcher, _ traffic: PolicyTraffic) -> String? {
    let path: String
    switch matcher {
    case .exact(let text), .prefix(let text), .regex(let text): path = text
    case .suffix, .containing, .other: return nil
    }
    guard !traffic.customPaths.contains(path), !isEndpoint(path) else { return nil }
    let model = path.split(separator: "/").map(String.init).first(where: traffic.names.contains)
    let endpoint = Endpoint.allCases.map(\.path.string).first(where: path.hasSuffix)
    let what = model.map { "the model \($0)" } ?? endpoint.map { "what is before \($0)" }
    return what.map { "the path \(path) chooses the backend by \($0)" }
  }

  /// Whether a path is an endpoint's own, Azure's, or the beginning of one. Its segments are then not
  /// compared with the names of models: one may be called `chat`.
  private static func isEndpoint(_ path: String) -> Bool {
    let prefix = path.hasSuffix("/") ? path : path + "/"
    return path.hasPrefix("/openai/deployments/")
      || Endpoint.allCases.contains { $0.path.string == path || $0.path.string.hasPrefix(prefix) }
  }

  /// The rules of an Envoy config, of one match each, whose requests an earlier one on the same hosts takes
  /// all, with the first of these; and how many pairs of matches were compared.
  static func shadowed(
    _ rules: [RouteRule]
  ) -> (pairs: [(rule: RouteRule, earlier: RouteRule)], comparisons: Int) {
    var pairs: [(rule: RouteRule, earlier: RouteRule)] = []
    var indices = Dictionary(grouping: rules, by: \.hosts).mapValues {
      RouteMatchIndex(for: $0.flatMap(\.matches))
    }
    for (position, rule) in rules.enumerated() {
      for match in rule.matches {
        if let first = indices[rule.hosts]?.first(including: match) {
          pairs.append((rule, rules[first]))
        }
        indices[rule.hosts]?.add(match, at: position)
      }
    }
    return (pairs, indices.values.reduce(0) { $0 + $1.comparisons })
  }
}
