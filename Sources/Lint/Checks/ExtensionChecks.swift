import Policy

extension Checks {
  /// How Envoy asks Tollgate, and what it does where Tollgate does not reply.
  static let extensionChecks = [
    Check(
      "fail-open", .error, each: \.filters,
      "Envoy lets requests pass unchecked while Tollgate does not reply, or does not wait for its reply.",
      remedy: "fail closed: remove the setting, or write false"
    ) { filter, _, report in
      for field in filter.failOpen {
        report(field, "requests pass unchecked when Tollgate does not reply")
      }
    },
    Check(
      "wrong-protocol", .error, each: \.filters,
      "Envoy asks Tollgate in another protocol than gRPC over HTTP/2: every request fails.",
      remedy:
        "use grpc_service (extAuth.grpc); in Envoy, write http2_protocol_options into the cluster's HttpProtocolOptions"
    ) { filter, _, report in
      if let field = filter.wrongProtocol {
        report(field, "Tollgate speaks gRPC only, over HTTP/2")
      }
    },
    Check(
      "ignored-decision", .error, each: \.filters,
      "Envoy does not do what Tollgate replies: the route, the headers or the refusal stay away.",
      remedy: "remove the setting, or exempt Tollgate's headers from it"
    ) { filter, context, report in
      let keys = Set(context.policies.flatMap(\.apiKeyHeaders)).sorted()
      let wanted = HeaderNames.own + ["content-length"] + (keys.isEmpty ? ["authorization"] : keys)
      if let field = filter.keepsRoute {
        report(field, "Envoy keeps the route that it chose before Tollgate named one")
      }
      if filter.ignoresRefusals.bool == true {
        report(
          filter.ignoresRefusals, "a request that Tollgate refuses is not answered by its refusal")
      }
      let rules = filter.mutations
      let kept = rules.field.exists ? wanted.filter { rules.rule(against: $0) != nil } : []
      if let rule = kept.first.flatMap(rules.rule) {
        report(rule, all: kept) { "Tollgate may not change \($0)" }
      }
    },
    Check(
      "status-on-error", .warning, each: \.filters,
      "When Tollgate does not reply, the client gets a status that means something else.",
      remedy: "write 503 (statusOnError, status_on_error)"
    ) { filter, _, report in
      if !filter.statusOnError.exists {
        report(
          filter.statusOnError,
          "when Tollgate does not reply, the client gets \(filter.unsetStatus), the default")
      }
    },
    Check(
      "default-message-timeout", .error, each: \.filters,
      "Envoy waits 200 ms or less for a reply; a flush of a busy disk takes longer: requests fail with 504.",
      remedy: "set the timeout to 5s"
    ) { filter, _, report in
      guard let patience = filter.patience, patience <= .milliseconds(200) else { return }
      let what = filter.timeout.duration == nil ? ", the default" : ""
      report(filter.timeout, "Envoy gives Tollgate \(DurationReading.text(patience))\(what)")
    },
    Check(
      "default-circuit-breakers", .error, each: \.filters,
      "Every exchange counts towards the circuit breakers of Tollgate's backend as long as it lasts: with the default of 1,024, further ones fail.",
      remedy: "set them to 2147483647; Tollgate has limits of its own"
    ) { filter, _, report in
      guard let (field, bounds, name) = filter.breakers else { return }
      let tight = bounds.filter { (field[$0].integer ?? breakerDefault) <= breakerDefault }
      report(field, all: tight) {
        "\($0) of Tollgate's backend: \(breakerDefault) or less (\(name))"
      }
    },
    Check(
      "metadata-namespaces", .error, each: \.chains,
      "Dynamic metadata does not pass between Envoy's filters and Tollgate: Tollgate misses identities, or the access log misses Tollgate's fields.",
      remedy: "list the metadata namespace here"
    ) { chain, context, report in
      var wanted: [(FilterName, String)] = []
      if !chain.authorizers.isEmpty { wanted.append((.extAuthz, "the result of ext_authz")) }
      if context.policies.contains(where: { !$0.jwt.isEmpty }) {
        wanted.append((.jwtAuthn, "the claims that jwt_authn verified"))
      }
      for processor in chain.processors {
        if !processor.writableNamespaces.texts.contains("tollgate") {
          report(
            processor.writableNamespaces,
            "Tollgate may not write the metadata namespace tollgate, so its access log fields stay empty"
          )
        }
        for (name, what) in wanted
        where !processor.readableNamespaces.texts.contains(name.rawValue) {
          report(processor.readableNamespaces, "Tollgate does not get \(what) (\(name.rawValue))")
        }
      }
    },
    Check(
      "attributes", .error, each: \.processors,
      "Envoy does not send attributes that Tollgate needs, or Envoy Gateway does not allow one of the list.",
      remedy:
        "list request.id and source.address for the request; response.flags, response.code_details and upstream.address for the response"
    ) { filter, context, report in
      let certificate =
        context.policies.contains(where: \.clientCertificates)
        ? ["connection.uri_san_peer_certificate"] : []
      for (list, wanted) in [
        (filter.requestAttributes, ["request.id", "source.address"] + certificate),
        (
          filter.responseAttributes,
          ["response.flags", "response.code_details", "upstream.address"]
        ),
      ] {
        report(list, all: wanted.filter { !list.texts.contains($0) }) {
          "Tollgate does not get \($0)"
        }
        for item in list.items where filter.origin == .gatewayAPI {
          let name = item.text ?? ""
          if !allowedAttributes.contains(where: name.hasPrefix) {
            report(
              item, "Envoy Gateway does not allow the attribute \(name)",
              remedy: "leave it out; upstream.address names the backend")
          }
        }
      }
    },
    Check(
      "filter-order", .error, each: \.chains,
      "The filters run in an order in which Tollgate cannot decide.",
      remedy: "put jwt_authn and ext_authz before ext_proc, and the router last"
    ) { chain, context, report in
      let order = chain.filterOrder
      func position(_ name: FilterName) -> Int? { order.firstIndex { $0.name == name } }
      func isBefore(_ first: FilterName, _ second: FilterName) -> Field? {
        guard let one = position(first), let other = position(second), one < other else {
          return nil
        }
        return order[one].field
      }
      for name in [FilterName.jwtAuthn, .extAuthz] {
        if let field = isBefore(.extProc, name) {
          report(
            field, "ext_proc runs before \(name.rawValue), so Tollgate does not get its result")
        }
      }
      let enforcesAtCheck = context.policies.contains { $0.enforceAt == .extAuthz }
      let readsJWT = context.policies.contains { !$0.jwt.isEmpty }
      if enforcesAtCheck, readsJWT, let field = isBefore(.extAuthz, .jwtAuthn) {
        report(
          field,
          "the policy enforces at ext_authz, which runs before jwt_authn: no JWT is verified yet",
          remedy: chain.origin == .envoy
            ? "put jwt_authn before ext_authz"
            : "put jwt_authn first (EnvoyProxy spec.filterOrder: jwt_authn before ext_authz)")
      }
      if let router = position(.router), router != order.count - 1 {
        report(order[router].field, "filters after the router never run")
      }
    },
    Check(
      "enforcement-point", .error, each: \.asking,
      "The policy's enforce_at does not fit Envoy's filters: requests are not admitted, or not inspected.",
      remedy:
        "use enforce_at \"ext_proc\" with an ext_proc filter, \"ext_authz\" with an ext_authz filter that sends the body and chooses the route again"
    ) { chain, context, report in
      for policy in context.policies {
        switch policy.enforceAt {
        case .extProc:
          if chain.processors.isEmpty {
            report(chain.field, "the policy enforces at ext_proc, but only ext_authz asks Tollgate")
          }
        case .extAuthz:
          guard let authorizer = chain.authorizers.first else {
            report(chain.field, "the policy enforces at ext_authz, but only ext_proc asks Tollgate")
            continue
          }
          if !authorizer.sendsBody {
            report(
              authorizer.bodyBytes,
              "the policy enforces at ext_authz, which does not send the body with the model")
          } else if let asBytes = authorizer.bodyAsBytes, asBytes.bool != true {
            report(
              asBytes,
              "ext_authz sends the body as text and replaces what is not UTF-8, so Tollgate does not "
                + "check the bytes that the backend gets",
              remedy: "write with_request_body.pack_as_bytes: true")
          }
          if authorizer.choosesRouteAgain.bool != true {
            report(
              authorizer.choosesRouteAgain, "Envoy does not choose the route again after the check")
          }
        }
      }
    },
    Check(
      "check-settings", .warning, each: \.filters,
      "Envoy's ext_authz filter does not send what Tollgate needs to decide, or does not apply its decision.",
      remedy: "write encode_raw_headers: true and clear_route_cache: true"
    ) { filter, _, report in
      guard filter.kind == .extAuthz && filter.origin == .envoy else { return }
      for (name, message) in checkSettings where filter.settings[name].bool != true {
        report(filter.settings[name], message, remedy: "write \(name): true")
      }
    },
    Check(
      "socket", .error,
      "The path is too long for a socket, Tollgate does not listen on it, or Envoy cannot open it.",
      remedy: "use the same path of at most 107 bytes in the backend and in --listen unix:PATH"
    ) { context, report in sockets(context, &report) },
  ]

  private static let breakerDefault: Int64 = 1024

  /// Settings of Envoy's ext_authz that must be true, and what is wrong where they are not.
  private static let checkSettings = [
    (
      "encode_raw_headers",
      "Envoy joins repeated headers with commas, so Tollgate cannot tell two credentials from one"
    ),
    (
      "clear_route_cache",
      "Envoy keeps the route that it chose by the client's headers, before the check"
    ),
  ]

  /// The beginnings of the attributes that Envoy Gateway allows.
  private static let allowedAttributes = [
    "connection.", "source.", "destination.", "request.", "response.", "upstream.", "xds.route_",
  ]
}
