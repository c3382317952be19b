extension Checks {
  /// Headers that clients may not set, and the fields of the access log.
  static let headerChecks = [
    Check(
      "client-headers", .error,
      "Envoy chooses the route, and with it the filters that run, by x-ai-* headers that the client sent, before Tollgate is asked.",
      remedy: "remove Tollgate's headers early, in every spelling: with - and with _"
    ) { context, report in
      for chain in context.chains where chain.filtersDiffer {
        guard let listener = chain.listener else { continue }
        let left = HeaderNames.own.filter { !listener.removes($0) }
        if !left.isEmpty {
          report(
            listener.early.field,
            "the client's own headers are not removed early (\(listener.early.name)): "
              + left.joined(separator: ", "))
        }
      }
    },
    Check(
      "endpoint-header", .warning,
      "A client can choose the backend's address itself where an endpoint picker is used.",
      remedy:
        "remove x-gateway-destination-endpoint, and headers that begin with it, from requests early"
    ) { context, report in
      for chain in context.asking {
        guard let listener = chain.listener, !listener.removes(HeaderNames.endpoint) else {
          continue
        }
        report(
          listener.early.field,
          "the client's own \(HeaderNames.endpoint) is not removed early (\(listener.early.name))",
          severity: chain.hasEndpointPicker ? .error : .warning)
      }
    },
    Check(
      "log-labels", .error,
      "The access log does not say the tenant, the model or the model route of a request.",
      remedy:
        "log %DYNAMIC_METADATA(tollgate:tenant)%, %DYNAMIC_METADATA(tollgate:model)% and %DYNAMIC_METADATA(tollgate:model_route)%"
    ) { context, report in
      for (place, formats) in context.asking.compactMap(\.accessLog) {
        let text = formats.joined(separator: "\n").lowercased()
        let missing = logLabels.filter { label in
          !(label.spellings + ["%dynamic_metadata(tollgate)"]).contains { text.contains($0) }
        }
        if !missing.isEmpty {
          report(
            place.field,
            "no access log has \(missing.map(\.name).joined(separator: ", ")) (\(place.name))")
        }
      }
    },
    Check(
      "log-blame", .warning,
      "The access log does not say whether the gateway or the backend failed.",
      remedy: "log %RESPONSE_FLAGS% and %RESPONSE_CODE_DETAILS%"
    ) { context, report in
      for (place, formats) in context.asking.compactMap(\.accessLog) {
        let text = formats.joined(separator: "\n")
        let missing = ["%RESPONSE_FLAGS", "%RESPONSE_CODE_DETAILS"].filter { !text.contains($0) }
        if formats.contains(where: { !$0.isEmpty }), !missing.isEmpty {
          report(
            place.field,
            "no access log has \(missing.map { $0 + "%" }.joined(separator: " and "))")
        }
      }
    },
  ]

  /// What a log must have, and how it may be written.
  private static let logLabels: [(name: String, spellings: [String])] = [
    ("the tenant", ["%dynamic_metadata(tollgate:tenant)", "%req(x-ai-tenant)"]),
    (
      "the model",
      ["%dynamic_metadata(tollgate:model)", "%req(x-ai-model)", "%req(x-gateway-model-name)"]
    ),
    ("the model route", ["%dynamic_metadata(tollgate:model_route)", "%req(x-ai-model-route)"]),
  ]
}
