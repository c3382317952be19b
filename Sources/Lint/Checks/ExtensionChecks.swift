extension Checks {
  /// How Envoy asks Tollgate, and what it does where Tollgate does not reply.
  static let extensionChecks = [
    Check(
      "fail-open", .error,
      "Envoy lets requests pass unchecked while Tollgate does not reply, or does not wait for its reply.",
      remedy: "fail closed: remove the setting, or write false"
    ) { context, check in
      context.setups.flatMap { setup in
        (setup.processors.flatMap(\.failOpen) + setup.authorizers.flatMap(\.failOpen)).map {
          check.finding($0, "requests pass unchecked when Tollgate does not reply")
        }
      }
    },
    Check(
      "wrong-protocol", .error,
      "Envoy asks Tollgate in another protocol than gRPC over HTTP/2: every request fails.",
      remedy:
        "use grpc_service (extAuth.grpc); in Envoy, write http2_protocol_options into the cluster's HttpProtocolOptions"
    ) { context, check in
      context.setups.flatMap { setup in
        (setup.processors.map(\.wrongProtocol) + setup.authorizers.map(\.wrongProtocol))
          .compactMap { $0 }.map { check.finding($0, "Tollgate speaks gRPC only, over HTTP/2") }
      }
    },
    Check(
      "ignored-decision", .error,
      "Envoy does not do what Tollgate replies: the route, the headers or the refusal stay away.",
      remedy: "remove the setting, or exempt Tollgate's headers from it"
    ) { context, check in context.setups.flatMap { ignoredDecisions($0, context, check) } },
    Check(
      "status-on-error", .warning,
      "When Tollgate does not reply, the client gets a status that means something else.",
      remedy: "write 503 (statusOnError, status_on_error)"
    ) { context, check in
      context.setups.flatMap { setup in
        let all =
          setup.processors.map { ($0.statusOnError, "500") }
          + setup.authorizers.map { ($0.statusOnError, "403") }
        return all.filter { !$0.0.exists }.map { field, standard in
          check.finding(
            field, "when Tollgate does not reply, the client gets \(standard), the default")
        }
      }
    },
    Check(
      "default-message-timeout", .error,
      "Envoy waits 200 ms or less for a reply; a flush of a busy disk takes longer: requests fail with 504.",
      remedy: "set the timeout to 5s"
    ) { context, check in
      context.setups.flatMap { setup in
        // With FULL_DUPLEX_STREAMED the message timeout does not apply.
        let timeouts =
          setup.processors.filter { $0.requestBody.value != .fullDuplexStreamed }
          .map { ($0.messageTimeout, shortTimeout) }
          + setup.authorizers.map { ($0.timeout, $0.unsetTimeout) }
        return timeouts.filter { ($0.duration ?? $1) <= shortTimeout }.map { field, unset in
          let what = field.duration == nil ? ", the default" : ""
          let time = DurationReading.text(field.duration ?? unset)
          return check.finding(field, "Envoy gives Tollgate \(time)\(what)")
        }
      }
    },
    Check(
      "default-circuit-breakers", .error,
      "Every exchange counts towards the circuit breakers of Tollgate's backend as long as it lasts: with the default of 1,024, further ones fail.",
      remedy: "set them to 2147483647; Tollgate has limits of its own"
    ) { context, check in
      context.setups.flatMap { setup in
        (setup.processors.map(\.breakers) + setup.authorizers.map(\.breakers)).flatMap { breakers in
          let tight = breakers.bounds.filter { ($0.value ?? breakerDefault) <= breakerDefault }
          return tight.isEmpty
            ? []
            : [
              check.finding(
                breakers.field,
                "\(tight.map(\.name).joined(separator: ", ")) of Tollgate's backend: "
                  + "\(breakerDefault) or less (\(breakers.setting))")
            ]
        }
      }
    },
    Check(
      "metadata-namespaces", .error,
      "Dynamic metadata does not pass between Envoy's filters and Tollgate: Tollgate misses identities, or the access log misses Tollgate's fields.",
      remedy: "list the metadata namespace here"
    ) { context, check in
      context.setups.flatMap { namespaces($0, context, check) }
    },
    Check(
      "attributes", .error,
      "Envoy does not send attributes that Tollgate needs, or Envoy Gateway does not allow one of the list.",
      remedy:
        "list request.id and source.address for the request; response.flags, response.code_details and upstream.address for the response"
    ) { context, check in
      context.setups.flatMap { attributes($0, context, check) }
    },
    Check(
      "filter-order", .error, "The filters run in an order in which Tollgate cannot decide.",
      remedy: "put jwt_authn and ext_authz before ext_proc, and the router last"
    ) { context, check in
      context.setups.flatMap { filterOrder($0, context, check) }
    },
    Check(
      "enforcement-point", .error,
      "The policy's enforce_at does not fit Envoy's filters: requests are not admitted, or not inspected.",
      remedy:
        "use enforce_at \"ext_proc\" with an ext_proc filter, \"ext_authz\" with an ext_authz filter that sends the body and chooses the route again"
    ) { context, check in
      context.setups.filter { $0.isWhole && $0.asksTollgate }.flatMap { setup in
        context.policies.flatMap { enforcement($0, setup, check) }
      }
    },
    Check(
      "check-settings", .warning,
      "Envoy's ext_authz filter does not send what Tollgate needs to decide, or does not apply its decision.",
      remedy: "write encode_raw_headers: true and clear_route_cache: true"
    ) { context, check in
      context.setups.flatMap(\.authorizers).flatMap(\.faults).map(check.finding)
    },
    Check(
      "socket", .error,
      "The path is too long for a socket, Tollgate does not listen on it, or Envoy cannot open it.",
      remedy: "use the same path of at most 107 bytes in the backend and in --listen unix:PATH"
    ) { context, check in sockets(context, check) + sharedSockets(context, check) },
  ]

  private static let breakerDefault: Int64 = 1024
  /// Envoy's default, which is too short for a busy disk.
  private static let shortTimeout = Duration.milliseconds(200)
}
