/// A route of a connection manager.
struct EnvoyRoute {
  let rule: RouteRule
  /// The route and what is around it, the most specific first; one for each of its weighted clusters.
  let scopes: [[Field]]
  /// Whether it takes what no other route of a host with model routes takes. Requests arrive there: they
  /// have no x-ai-model-route before Tollgate is asked.
  let takesRest: Bool

  /// The routes of a connection manager, also fetched ones; nil where they are not in the config.
  static func config(of manager: Field, _ config: EnvoyConfig) -> Field? {
    if manager["scoped_routes"].exists { return nil }
    guard manager["rds"].exists else { return manager["route_config"] }
    return config.routes[manager.at("rds.route_config_name").text ?? ""]?.named(manager.object)
  }

  /// The routes of every virtual host, in their order.
  static func all(of manager: Field, _ routing: Field?) -> [EnvoyRoute] {
    guard let routing else { return [] }
    return routing["virtual_hosts"].items.flatMap { host in
      let rules = host["routes"].items.map { rule(of: $0, host, routing, manager) }
      let hasModels = rules.contains { $0.sendsToBackend && !$0.modelRoutes.isEmpty }
      return rules.map { rule in
        let around = [rule.field, host, routing]
        let weighted = rule.field.all("route.weighted_clusters.clusters[]")
        return EnvoyRoute(
          rule: rule, scopes: weighted.isEmpty ? [around] : weighted.map { [$0] + around },
          takesRest: hasModels && rule.matches.contains(where: \.takesAll))
      }
    }
  }

  private static func rule(
    of route: Field, _ host: Field, _ routing: Field, _ manager: Field
  ) -> RouteRule {
    let name = route["name"].text.map { " \($0)" } ?? ""
    let field = route.named("Envoy route\(name)")
    let action = field["route"]
    let match = route["match"]
    // The route's own setting, or else the virtual host's, or else the route configuration's.
    func inherited(_ name: String) -> Field {
      [action, host, routing].lazy.map { $0[name] }.first(where: \.exists) ?? action[name]
    }
    let retry = inherited("retry_policy")
    // The route's own bound or the connection manager's. `max_grpc_timeout` is deprecated.
    let bound =
      action.at("max_stream_duration.max_stream_duration").duration
      ?? manager.at("common_http_protocol_options.max_stream_duration").duration
    return RouteRule(
      field: field, hosts: host["domains"].texts.map { $0.lowercased() },
      matches: [
        RouteMatch(
          path: TextMatcher(envoy: match),
          headers: match["headers"].items.map {
            RouteMatch.Header(
              name: ($0["name"].text ?? "").lowercased(), value: TextMatcher(envoy: $0))
          },
          isNarrower: !match["query_parameters"].items.isEmpty
            || ["grpc", "runtime_fraction", "dynamic_metadata"].contains { match[$0].exists })
      ],
      backends: action.exists ? [action] : [],
      mirrors: inherited("request_mirror_policies").items,
      timeout: action["timeout"].ifDuration, takesTimeouts: true,
      attemptTimeouts: action.all("retry_policy.per_try_timeout").compactMap(\.ifDuration),
      retries: retry["retry_on"].exists && retry["num_retries"].integer != 0 ? retry : nil,
      streamBound: bound == .zero ? nil : bound,
      idleTimeout: action["idle_timeout"].ifDuration ?? manager["stream_idle_timeout"].ifDuration)
  }
}
