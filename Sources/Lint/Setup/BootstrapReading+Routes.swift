extension BootstrapReading {
  /// A route of a connection manager.
  struct EnvoyRoute {
    let rule: RouteRule
    /// The route and what is around it, the most specific first; one for each of its weighted clusters.
    let scopes: [[Field]]
    /// Whether it takes what no other route of a host with model routes takes. Requests arrive there: they
    /// have no x-ai-model-route before Tollgate is asked.
    let takesRest: Bool
  }

  /// The routes of a connection manager: its own, or those that it fetched; nil where they are not in the
  /// config.
  func routeConfig(of manager: Field) -> Field? {
    if manager["scoped_routes"].exists { return nil }
    guard manager["rds"].exists else { return manager["route_config"] }
    let fetched = config.routes[manager["rds"]["route_config_name"].text ?? ""]
    return fetched?.named(manager.object)
  }

  /// The routes of every virtual host, in their order.
  func routes(of manager: Field) -> [EnvoyRoute] {
    let longest = manager["common_http_protocol_options"]["max_stream_duration"].duration
    let silence = Placed(manager["stream_idle_timeout"])
    guard let routing = routeConfig(of: manager) else { return [] }
    return routing["virtual_hosts"].items.flatMap { host in
      let rules = host["routes"].items.map {
        rule(of: $0, [host, routing], longest: longest, silence: silence)
      }
      let hasModels = rules.contains { $0.sendsToBackend && !$0.modelRoutes.isEmpty }
      return rules.map { rule in
        let around = [rule.field, host, routing]
        let weighted = rule.field["route"]["weighted_clusters"]["clusters"].items
        return EnvoyRoute(
          rule: rule, scopes: weighted.isEmpty ? [around] : weighted.map { [$0] + around },
          takesRest: hasModels && rule.matches.contains(where: \.takesAll))
      }
    }
  }

  private func rule(
    of route: Field, _ around: [Field], longest: Duration?, silence: Placed<Duration>?
  ) -> RouteRule {
    let name = route["name"].text.map { " \($0)" } ?? ""
    let field = route.named("Envoy route\(name)")
    let action = field["route"]
    // The route's own setting, or else the virtual host's, or else the route configuration's.
    func inherited(_ name: String) -> Field {
      ([action] + around).lazy.map { $0[name] }.first(where: \.exists) ?? action[name]
    }
    let retry = inherited("retry_policy")
    // The route's own bound or the connection manager's, as in Envoy. The deprecated
    // `max_grpc_timeout` is ignored.
    let bound = action["max_stream_duration"]["max_stream_duration"].duration ?? longest
    return RouteRule(
      field: field, hosts: around[0]["domains"].texts.map { $0.lowercased() },
      matches: [match(of: route["match"])], backends: action.exists ? [action] : [],
      mirrors: inherited("request_mirror_policies").items,
      timeout: Placed(action["timeout"]), takesTimeouts: true,
      attemptTimeouts: [Placed(action["retry_policy"]["per_try_timeout"])].compactMap { $0 },
      retries: retry["retry_on"].exists && retry["num_retries"].integer != 0 ? retry : nil,
      streamBound: bound == .zero ? nil : bound,
      idleTimeout: Placed(action["idle_timeout"]) ?? silence)
  }

  private func match(of match: Field) -> RouteMatch {
    let headers = match["headers"].items.map { header in
      ((header["name"].text ?? "").lowercased(), value(of: header))
    }
    let path: RouteMatch.Path =
      if let text = match["path"].text {
        .exact(text)
      } else if let text = match["prefix"].text {
        .prefix(text)
      } else if let text = match["path_separated_prefix"].text {
        .prefix(text)
      } else if let text = match["safe_regex"]["regex"].text {
        .regex(text)
      } else {
        .other
      }
    return RouteMatch(
      path: path, headers: headers,
      isNarrower: !match["query_parameters"].items.isEmpty || match["grpc"].exists
        || match["runtime_fraction"].exists || match["dynamic_metadata"].exists)
  }

  private func value(of header: Field) -> RouteMatch.Value {
    if header["invert_match"].bool == true { return .other }
    if let text = header["string_match"]["exact"].text ?? header["exact_match"].text {
      return .exact(text)
    }
    let pattern = header["string_match"]["safe_regex"]["regex"].text
    if let text = pattern ?? header["safe_regex_match"]["regex"].text {
      return RouteMatch.Value(pattern: text)
    }
    return .other
  }
}
