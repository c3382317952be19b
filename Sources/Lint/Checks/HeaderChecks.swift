extension Checks {
  /// Headers that clients may not set, and the fields of the access log.
  static let headerChecks = [
    Check(
      "client-headers", .error,
      "Envoy chooses the route, and with it the filters that run, by x-ai-* headers that the client sent, before Tollgate is asked.",
      remedy: "remove Tollgate's headers early, in every spelling: with - and with _"
    ) { context, check in
      context.setups.filter { $0.isWhole && $0.filtersDiffer }.compactMap { setup in
        let left = HeaderNames.own.filter { !isRemoved($0, setup) }
        return left.isEmpty
          ? nil
          : check.finding(
            setup.listener.earlyRemovalField,
            "the client's own headers are not removed early (\(setup.listener.earlyRemovalSetting)): "
              + left.joined(separator: ", "))
      }
    },
    Check(
      "endpoint-header", .warning,
      "A client can choose the backend's address itself where an endpoint picker is used.",
      remedy:
        "remove x-gateway-destination-endpoint, and headers that begin with it, from requests early"
    ) { context, check in
      context.setups.filter { $0.isWhole && $0.asksTollgate }.compactMap { setup in
        guard !isRemoved(HeaderNames.endpoint, setup) else { return nil }
        return check.finding(
          setup.listener.earlyRemovalField,
          "the client's own \(HeaderNames.endpoint) is not removed early "
            + "(\(setup.listener.earlyRemovalSetting))",
          severity: setup.hasEndpointPicker ? .error : .warning)
      }
    },
    Check(
      "log-labels", .error,
      "The access log does not say the tenant, the model or the model route of a request.",
      remedy:
        "log %DYNAMIC_METADATA(tollgate:tenant)%, %DYNAMIC_METADATA(tollgate:model)% and %DYNAMIC_METADATA(tollgate:model_route)%"
    ) { context, check in
      context.setups.filter { $0.isWhole && $0.asksTollgate }.compactMap { setup in
        guard let log = setup.accessLog else { return nil }
        let missing = logLabels.filter { label in
          !log.formats.contains { format in
            let format = format.lowercased()
            return label.spellings.contains(where: format.contains)
          }
        }
        return missing.isEmpty
          ? nil
          : check.finding(
            log.field,
            "no access log has \(missing.map(\.name).joined(separator: ", ")) (\(log.setting))")
      }
    },
    Check(
      "log-blame", .warning,
      "The access log does not say whether the gateway or the backend failed.",
      remedy: "log %RESPONSE_FLAGS% and %RESPONSE_CODE_DETAILS%"
    ) { context, check in
      context.setups.filter { $0.isWhole && $0.asksTollgate }.compactMap { setup in
        guard let log = setup.accessLog, log.formats.contains(where: { !$0.isEmpty }) else {
          return nil
        }
        let missing = ["%RESPONSE_FLAGS", "%RESPONSE_CODE_DETAILS"].filter { word in
          !log.formats.contains { $0.contains(word) }
        }
        return missing.isEmpty
          ? nil
          : check.finding(
            log.field, "no access log has \(missing.map { $0 + "%" }.joined(separator: " and "))")
      }
    },
  ]

  private static func isRemoved(_ name: String, _ setup: GatewaySetup) -> Bool {
    setup.listener.earlyRemovals.contains { $0.matches(name) }
  }

  private static let logLabels: [(name: String, spellings: [String])] = [
    (
      "the tenant",
      ["%dynamic_metadata(tollgate:tenant)", "%dynamic_metadata(tollgate)", "%req(x-ai-tenant)"]
    ),
    (
      "the model",
      [
        "%dynamic_metadata(tollgate:model)", "%dynamic_metadata(tollgate)", "%req(x-ai-model)",
        "%req(x-gateway-model-name)",
      ]
    ),
    (
      "the model route",
      [
        "%dynamic_metadata(tollgate:model_route)", "%dynamic_metadata(tollgate)",
        "%req(x-ai-model-route)",
      ]
    ),
  ]
}
