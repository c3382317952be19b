import Policy

extension Checks {
  /// How Envoy asks Tollgate, and what it does where Tollgate does not reply.
  static let extensionChecks = [
    Check(
      "fail-open", .error, each: \.filters,
      "Envoy lets requests pass unchecked while Tollgate does not reply, or does not wait for its reply.",
      remedy: "fail closed: remove the setting, or write false"
    ) { filter, _, report in
      for field in filter.failOpen { report(field, "requests pass unchecked without a reply") }
    },
    Check(
      "wrong-protocol", .error, each: \.filters,
      "Envoy asks Tollgate in another protocol than gRPC over HTTP/2: every request fails.",
      remedy: "use grpc_service (extAuth.grpc), with http2_protocol_options in Envoy's cluster"
    ) { filter, _, report in report(filter.wrongProtocol, "Tollgate speaks gRPC over HTTP/2") },
    Check(
      "ignored-decision", .error, each: \.filters,
      "Envoy does not do what Tollgate replies: the route, the headers or the refusal stay away.",
      remedy: "remove the setting, or exempt Tollgate's headers from it"
    ) { filter, context, report in
      report(filter.keepsRoute, "Envoy keeps the route that it chose before Tollgate named one")
      report(filter.ignoresRefusals, "the client does not get Tollgate's refusal")
      let keys = Set(context.policies.flatMap(\.apiKeyHeaders)).sorted()
      let wanted = HeaderNames.own + ["content-length"] + (keys.isEmpty ? ["authorization"] : keys)
      let rules = filter.mutations
      let kept = wanted.filter { rules.rule(against: $0) != nil }
      report(kept.first.flatMap(rules.rule), all: kept) { "Tollgate may not change \($0)" }
    },
    Check(
      "status-on-error", .warning, each: \.filters,
      "When Tollgate does not reply, the client gets a status that means something else.",
      remedy: "write 503 (statusOnError, status_on_error)"
    ) { filter, _, report in
      let field = filter.statusOnError
      if !field.exists { report(field, "without a reply the client gets \(filter.unsetStatus)") }
    },
    Check(
      "default-message-timeout", .error, each: \.filters,
      "Envoy waits 200 ms or less for a reply; a flush of a busy disk takes longer: requests fail with 504.",
      remedy: "set the timeout to 5s"
    ) { filter, _, report in
      if let patience = filter.patience, patience <= .milliseconds(200) {
        report(filter.timeout, "Envoy gives Tollgate \(patience.text)")
      }
    },
    Check(
      "default-circuit-breakers", .error, each: \.filters,
      "Every exchange counts towards the circuit breakers of Tollgate's backend as long as it lasts: with the default of 1,024, further ones fail.",
      remedy: "set them to 2147483647; Tollgate has limits of its own"
    ) { filter, _, report in
      guard let (field, bounds) = filter.breakers else { return }
      let tight = bounds.filter { (field[$0].integer ?? breakerDefault) <= breakerDefault }
      report(field, all: tight) { "\($0) of Tollgate's backend: \(breakerDefault) or less" }
    },
    Check(
      "metadata-namespaces", .error, each: \.chains,
      "Dynamic metadata does not pass between Envoy's filters and Tollgate: Tollgate misses identities, or the access log misses Tollgate's fields.",
      remedy: "list the metadata namespace here"
    ) { chain, context, report in
      let sources = [
        (FilterName.extAuthz, !chain.authorizers.isEmpty), (.jwtAuthn, context.readsJWT),
      ].filter(\.1).map(\.0.rawValue)
      for processor in chain.processors {
        let (writable, readable) = (processor.writableNamespaces, processor.readableNamespaces)
        if !writable.texts.contains("tollgate") {
          report(writable, "Tollgate may not write its fields for the access log")
        }
        for source in sources where !readable.texts.contains(source) {
          report(readable, "Tollgate does not get the results of \(source)")
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
      let response = ["response.flags", "response.code_details", "upstream.address"]
      for (list, wanted) in [
        (filter.attributes("request"), ["request.id", "source.address"] + certificate),
        (filter.attributes("response"), response),
      ] {
        let missing = wanted.filter { !list.texts.contains($0) }
        report(list, all: missing) { "Tollgate does not get \($0)" }
        for item in list.items where filter.origin == .gatewayAPI {
          let name = item.text ?? ""
          if allowedAttributes.contains(where: name.hasPrefix) { continue }
          let remedy = "leave it out; upstream.address names the backend"
          report(item, "Envoy Gateway does not allow the attribute \(name)", remedy: remedy)
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
      func early(_ first: FilterName, before second: FilterName) -> Field? {
        guard let one = position(first), let other = position(second) else { return nil }
        return one < other ? order[one].field : nil
      }
      for name in [FilterName.jwtAuthn, .extAuthz] {
        report(early(.extProc, before: name), "Tollgate gets no result of \(name.rawValue)")
      }
      if context.readsJWT, context.policies.contains(where: { $0.enforceAt == .extAuthz }) {
        report(
          early(.extAuthz, before: .jwtAuthn), "the policy enforces here: no JWT is verified yet",
          remedy: "put jwt_authn before ext_authz (EnvoyProxy spec.filterOrder)")
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
        let isAtCheck = policy.enforceAt == .extAuthz
        guard let filter = (isAtCheck ? chain.authorizers : chain.processors).first else {
          let point = isAtCheck ? "ext_authz" : "ext_proc"
          report(chain.field, "the policy enforces at \(point), which does not ask Tollgate")
          continue
        }
        guard isAtCheck else { continue }
        if !filter.sendsBody {
          report(filter.bodyBytes, "ext_authz does not send the body, which names the model")
        } else {
          report(
            filter.bodyAsText, "ext_authz sends the body as text: what is not UTF-8 is replaced",
            remedy: "write with_request_body.pack_as_bytes: true")
        }
        report(filter.choosesRouteAgain.unlessTrue, "the route is not chosen again after this")
      }
    },
    Check(
      "check-settings", .warning, each: \.filters,
      "Envoy's ext_authz filter does not send what Tollgate needs to decide, or does not apply its decision.",
      remedy: "write encode_raw_headers: true and clear_route_cache: true"
    ) { filter, _, report in
      guard filter.kind == .extAuthz && filter.origin == .envoy else { return }
      for (name, message) in checkSettings {
        report(filter.settings[name].unlessTrue, message, remedy: "write \(name): true")
      }
    },
  ]

  private static let breakerDefault: Int64 = 1024

  /// Settings of Envoy's ext_authz that must be true, and what is wrong where they are not.
  private static let checkSettings = [
    ("encode_raw_headers", "repeated headers are joined: two credentials look like one"),
    ("clear_route_cache", "Envoy keeps the route that it chose before the check"),
  ]

  /// The beginnings of the attributes that Envoy Gateway allows.
  private static let allowedAttributes = [
    "connection.", "source.", "destination.", "request.", "response.", "upstream.", "xds.route_",
  ]
}
