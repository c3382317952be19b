extension Checks {
  /// Headers that clients may not set, and the fields of the access log.
  static let headerChecks = [
    Check(
      "client-headers", .error, each: \.chains,
      "Envoy chooses the route, and with it the filters that run, by x-ai-* headers that the client sent, before Tollgate is asked.",
      remedy:
        "remove Tollgate's headers early, in every spelling, with - and with _ (ClientTrafficPolicy headers.earlyRequestHeaders, early_header_mutation_extensions)"
    ) { chain, _, report in
      guard chain.filtersDiffer, let listener = chain.listener else { return }
      report(listener.early, all: HeaderNames.own.filter { !listener.removes($0) }) {
        "the client's own headers are not removed early: \($0)"
      }
    },
    Check(
      "endpoint-header", .warning, each: \.asking,
      "A client can choose the backend's address itself where an endpoint picker is used.",
      remedy: "remove x-gateway-destination-endpoint, and headers that begin with it, early"
    ) { chain, _, report in
      guard let listener = chain.listener, !listener.removes(HeaderNames.endpoint) else { return }
      report(
        listener.early, "the client's own is not removed early",
        severity: chain.hasEndpointPicker ? .error : .warning)
    },
    Check(
      "log-labels", .error, each: \.accessLogs,
      "The access log does not say the tenant, the model or the model route of a request.",
      remedy:
        "log %DYNAMIC_METADATA(tollgate:tenant)%, %DYNAMIC_METADATA(tollgate:model)% and %DYNAMIC_METADATA(tollgate:model_route)%"
    ) { log, _, report in
      let text = log.formats.joined(separator: "\n").lowercased()
      let missing = logLabels.filter { label in
        !(label.spellings + ["%dynamic_metadata(tollgate)"]).contains { text.contains($0) }
      }.map(\.name)
      report(log.field, all: missing) { "no access log has \($0)" }
    },
    Check(
      "log-blame", .warning, each: \.accessLogs,
      "The access log does not say whether the gateway or the backend failed.",
      remedy: "log %RESPONSE_FLAGS% and %RESPONSE_CODE_DETAILS%"
    ) { log, _, report in
      let text = log.formats.joined(separator: "\n")
      let missing = ["%RESPONSE_FLAGS", "%RESPONSE_CODE_DETAILS"].filter { !text.contains($0) }
      if log.formats.contains(where: { !$0.isEmpty }) {
        report(log.field, all: missing) { "no access log has \($0)" }
      }
    },
  ]

  private static let logLabels: [(name: String, spellings: [String])] = [
    ("the tenant", ["%dynamic_metadata(tollgate:tenant)", "%req(x-ai-tenant)"]),
    (
      "the model",
      ["%dynamic_metadata(tollgate:model)", "%req(x-ai-model)", "%req(x-gateway-model-name)"]
    ),
    ("the model route", ["%dynamic_metadata(tollgate:model_route)", "%req(x-ai-model-route)"]),
  ]
}
