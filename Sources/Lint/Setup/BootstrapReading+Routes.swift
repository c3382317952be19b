extension BootstrapReading {
  /// The routes of every virtual host, in their order.
  func rules(_ manager: Field) -> [RouteRule] {
    let longest = manager["common_http_protocol_options"]["max_stream_duration"].duration
    let silence = Placed(manager["stream_idle_timeout"])
    return manager["route_config"]["virtual_hosts"].items.flatMap { host in
      host["routes"].items.map { rule(of: $0, host: host, longest: longest, silence: silence) }
    }
  }

  private func rule(
    of route: Field, host: Field, longest: Duration?, silence: Placed<Duration>?
  ) -> RouteRule {
    let action = route["route"]
    let name = route["name"].text.map { " \($0)" } ?? ""
    let field = route.named("Envoy route\(name)")
    let retry =
      action["retry_policy"].exists ? field["route"]["retry_policy"] : host["retry_policy"]
    // The route's own bound or the connection manager's, as in Envoy. The deprecated
    // `max_grpc_timeout` is ignored.
    let bound = action["max_stream_duration"]["max_stream_duration"].duration ?? longest
    return RouteRule(
      field: field, hosts: host["domains"].texts.map { $0.lowercased() },
      matches: [match(of: route["match"])], backends: action.exists ? [field["route"]] : [],
      timeout: Placed(field["route"]["timeout"]), takesTimeouts: true,
      attemptTimeouts: [Placed(field["route"]["retry_policy"]["per_try_timeout"])]
        .compactMap { $0 },
      retries: retry["retry_on"].exists && retry["num_retries"].integer != 0 ? retry : nil,
      streamBound: bound == .zero ? nil : bound,
      idleTimeout: Placed(field["route"]["idle_timeout"]) ?? silence)
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
