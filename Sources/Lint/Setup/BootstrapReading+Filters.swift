extension BootstrapReading {
  /// An HTTP filter of a connection manager.
  struct HTTPFilter {
    let field: Field
    /// Its settings, also where it fetched them.
    let settings: Field
    /// Nil for a filter whose order does not matter.
    let name: FilterName?

    /// The kind of a filter that asks a service about requests; nil for any other.
    var kind: FilterName? { name == .extProc || name == .extAuthz ? name : nil }
  }

  func filters(of manager: Field) -> [HTTPFilter] {
    manager["http_filters"].items.map { filter in
      let fetched = filter["config_discovery"].exists ? filter["name"].text : nil
      let settings = fetched.flatMap { config.filters[$0] } ?? filter["typed_config"]
      let name: FilterName? =
        switch settings.typeName {
        case "ExtAuthz": .extAuthz
        case "JwtAuthentication": .jwtAuthn
        case "ExternalProcessor": .extProc
        case "Router": .router
        default: nil
        }
      return HTTPFilter(field: filter, settings: settings.named(manager.object), name: name)
    }
  }

  func processor(_ field: Layered) -> ProcessorSettings {
    let modes = field["processing_mode"]
    func mode(_ name: String, isWrong: Bool, _ message: String) -> SettingFault? {
      isWrong ? SettingFault(modes[name], message, remedy: "write \(name): SEND") : nil
    }
    let headers = ["request_header_mode", "response_header_mode"].map {
      mode($0, isWrong: modes[$0].text == "SKIP", "Tollgate does not see these headers")
    }
    let trailers = ["request", "response"].map { phase in
      let name = "\(phase)_trailer_mode"
      let isFull = modes["\(phase)_body_mode"].text == "FULL_DUPLEX_STREAMED"
      return mode(
        name, isWrong: isFull && modes[name].text != "SEND",
        "FULL_DUPLEX_STREAMED needs the trailers too")
    }
    let isBuffered = modes["request_body_mode"].text == "BUFFERED"
    let last = mode(
      "request_trailer_mode", isWrong: isBuffered && modes["request_trailer_mode"].text != "SEND",
      "a request with trailers and no body ends before Tollgate has decided")
    let failOpen = [field["failure_mode_allow"], field["observability_mode"]]
    let retained = field["route_cache_action"]
    return ProcessorSettings(
      field: field.own, failOpen: failOpen.filter { $0.bool == true },
      statusOnError: field["status_on_error.code"], messageTimeout: field["message_timeout"],
      requestBody: Placed(mode: modes["request_body_mode"]),
      responseBody: Placed(mode: modes["response_body_mode"]),
      modeFaults: (headers + trailers + [last]).compactMap { $0 },
      requestAttributes: field["request_attributes"],
      responseAttributes: field["response_attributes"],
      readableNamespaces: field["metadata_options.forwarding_namespaces.untyped"],
      writableNamespaces: field["metadata_options.receiving_namespaces.untyped"],
      keepsRoute: field["disable_clear_route_cache"].bool == true
        ? field["disable_clear_route_cache"] : retained.text == "RETAIN" ? retained : nil,
      ignoresRefusals: field["disable_immediate_response"],
      mutations: MutationRules(field["mutation_rules"]),
      headers: HeaderSelection(field["forward_rules"]),
      wrongProtocol: wrongProtocol(field), breakers: breakers(field))
  }

  /// What of a filter's service does not speak gRPC: its HTTP form, or a cluster without HTTP/2.
  private func wrongProtocol(_ field: Layered) -> Field? {
    let name = field["grpc_service.envoy_grpc.cluster_name"]
    guard field["grpc_service"].exists else { return field["http_service"] }
    guard let cluster = name.text.flatMap(config.cluster) else { return nil }
    let options = cluster["typed_extension_protocol_options"][
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
    let speaks =
      [cluster] + options.members.map(\.value)
    return speaks.contains { $0["http2_protocol_options"].exists } ? nil : cluster
  }

  func authorizer(_ field: Layered) -> AuthorizerSettings {
    let body = field["with_request_body"]
    let asBytes = body["pack_as_bytes"]
    let timeout =
      field["grpc_service"].exists ? "grpc_service.timeout" : "http_service.server_uri.timeout"
    return AuthorizerSettings(
      field: field.own, failOpen: [field["failure_mode_allow"]].filter { $0.bool == true },
      statusOnError: field["status_on_error.code"], timeout: field[timeout],
      unsetTimeout: .milliseconds(200), bodyBytes: body["max_request_bytes"],
      sendsBody: body.exists && field["disable_request_body_buffering"].bool != true,
      partialBody: [body["allow_partial_message"]].first { $0.bool == true },
      choosesRouteAgain: field["clear_route_cache"].bool == true,
      choosesRouteAgainField: field["clear_route_cache"],
      headers: HeaderSelection(field.own),
      bodyAsBytes: Placed(value: asBytes.bool == true, field: asBytes),
      faults: checkFaults(field), mutations: MutationRules(field["decoder_header_mutation_rules"]),
      wrongProtocol: wrongProtocol(field), breakers: breakers(field))
  }

  private func checkFaults(_ field: Layered) -> [SettingFault] {
    [
      (
        "encode_raw_headers",
        "Envoy joins repeated headers with commas, so Tollgate cannot tell two credentials from one"
      ),
      (
        "clear_route_cache",
        "Envoy keeps the route that it chose by the client's headers, before the check"
      ),
    ].filter { field[$0.0].bool != true }.map { name, message in
      SettingFault(field[name], message, remedy: "write \(name): true")
    }
  }

  func verifier(_ field: Field) -> JWTSettings {
    let rules = field["rules"].items.filter { rule in
      rule["requires"].exists || rule["requirement_name"].exists
    }
    let isLenient = rules.allSatisfy { rule in
      let named = rule["requirement_name"].text.map { field["requirement_map"][$0] }
      return Self.letsOthersPass(named ?? rule["requires"])
    }
    return JWTSettings(
      field: rules.first ?? field["rules"], letsOthersPass: isLenient,
      issuers: field["providers"].members.map { ($0.value["issuer"].text, $0.value["issuer"]) })
  }

  /// Whether a JwtRequirement accepts requests without a valid JWT: itself, or one of its `requires_any`.
  private static func letsOthersPass(_ requirement: Field) -> Bool {
    requirement["allow_missing"].node != nil || requirement["allow_missing_or_failed"].node != nil
      || requirement["requires_any"]["requirements"].items.contains(where: letsOthersPass)
  }

  private func breakers(_ filter: Layered) -> BreakerSettings {
    let name = filter["grpc_service.envoy_grpc.cluster_name"]
    guard let cluster = name.text.flatMap(config.cluster) else {
      // The cluster is not in the file: nothing to check.
      return BreakerSettings(bounds: [], field: name, setting: "")
    }
    let thresholds = cluster["circuit_breakers"]["thresholds"]
    let standard = thresholds.items.first { ($0["priority"].text ?? "DEFAULT") == "DEFAULT" }
    let names = ["max_connections", "max_pending_requests", "max_requests"]
    return BreakerSettings(
      bounds: names.map { ($0, standard?[$0].integer) }, field: standard ?? thresholds,
      setting: "circuit_breakers.thresholds of the cluster")
  }

  func listenerSettings(_ manager: Field, _ listener: Field, _ chain: Field) -> ListenerSettings {
    let early = manager["early_header_mutation_extensions"]
    let removals = early.items.flatMap { extended in
      extended["typed_config"]["mutations"].items.compactMap { mutation in
        mutation["remove"].text.map(NameMatcher.exact)
          ?? NameMatcher(mutation["remove_on_match"]["key_matcher"])
      }
    }
    let context = chain["transport_socket"]["typed_config"]
    return ListenerSettings(
      field: manager, bufferBytes: listener["per_connection_buffer_limit_bytes"].integer,
      bufferField: listener["per_connection_buffer_limit_bytes"], defaultBufferBytes: 1_048_576,
      bufferSetting: "the listener's per_connection_buffer_limit_bytes", earlyRemovals: removals,
      earlyRemovalField: early, earlyRemovalSetting: "early_header_mutation_extensions",
      certificateFaults: certificateFaults(context))
  }

  private func certificateFaults(_ context: Field) -> [CertificateFault] {
    let common = context["common_tls_context"]
    let combined = common["combined_validation_context"]["default_validation_context"]
    let validation = combined.exists ? combined : common["validation_context"]
    let fromSecret =
      common["validation_context_sds_secret_config"].exists
      || common["combined_validation_context"]["validation_context_sds_secret_config"].exists
    let trust = validation["trust_chain_verification"]
    let required = context["require_client_certificate"]
    let isRequired = required.bool == true
    let lacksAuthority =
      !fromSecret && (isRequired || validation.exists) && !validation["trusted_ca"].exists
    return CertificateFault.all(
      untrusted: trust.text == "ACCEPT_UNTRUSTED" ? trust : nil,
      unnamed: lacksAuthority ? validation["trusted_ca"] : nil,
      optional: !isRequired && (validation.exists || fromSecret) ? required : nil,
      expired: validation["allow_expired_certificate"],
      remedies: (
        "write VERIFY_TRUST_CHAIN, with a trusted_ca",
        "write trusted_ca into the validation context", "write require_client_certificate: true"
      ))
  }
}
