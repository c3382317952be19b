extension Checks {
  /// How Tollgate is asked, and what happens where it does not answer.
  static let extensionChecks = [
    Check(
      "fail-open", .error,
      "Requests pass unjudged where Tollgate is down, or its verdict is not waited for.",
      remedy: "fail closed: take the setting away, or write false"
    ) { context, check in
      context.setups.flatMap { setup in
        (setup.processors.flatMap(\.failOpen) + setup.authorizers.flatMap(\.failOpen)).map {
          check.finding($0, "requests pass unjudged where Tollgate does not answer")
        }
      }
    },
    Check(
      "status-on-error", .warning,
      "Where Tollgate does not answer, the client gets a status that does not say so.",
      remedy: "write 503 (statusOnError, status_on_error)"
    ) { context, check in
      context.setups.flatMap { setup in
        let all =
          setup.processors.map { ($0.statusOnError, "500") }
          + setup.authorizers.map { ($0.statusOnError, "403") }
        return all.filter { !$0.0.exists }.map { field, standard in
          check.finding(field, "the status for a Tollgate that does not answer is \(standard)")
        }
      }
    },
    Check(
      "default-message-timeout", .error,
      "Tollgate has 200 ms for an answer, less than a busy disk's flush: requests fail with 504.",
      remedy: "write the time it has: 5s"
    ) { context, check in
      context.setups.flatMap { setup in
        setup.processors.compactMap { messageTimeout($0, check) }
          + setup.authorizers.compactMap { checkTimeout($0, check) }
      }
    },
    Check(
      "default-circuit-breakers", .error,
      "An exchange counts at the breakers of Tollgate's backend for its whole life: at the default of 1,024 the next one fails.",
      remedy: "set them to 2147483647; Tollgate bounds itself"
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
      "Metadata does not pass between Envoy's filters and Tollgate: identities are lost, or the log's fields are.",
      remedy: "list the namespace"
    ) { context, check in
      context.setups.flatMap { namespaces($0, context, check) }
    },
    Check(
      "attributes", .error,
      "Attributes that Tollgate needs are not sent, or are not allowed by Envoy Gateway.",
      remedy:
        "list request.id and source.address for the request; response.flags, response.code_details and upstream.address for the response"
    ) { context, check in
      context.setups.flatMap { attributes($0, context, check) }
    },
    Check(
      "filter-order", .error, "Filters stand in an order in which Tollgate cannot judge.",
      remedy: "jwt_authn and ext_authz before ext_proc, the router last"
    ) { context, check in
      context.setups.flatMap { filterOrder($0, context, check) }
    },
    Check(
      "enforcement-point", .error,
      "The policy's enforce_at does not fit the filters: nothing is reserved, or nothing inspected.",
      remedy:
        "enforce_at \"ext_proc\" with an ext_proc filter; \"ext_authz\" with ext_authz that gets the body and chooses the route again"
    ) { context, check in
      context.setups.filter { $0.isWhole && $0.asksTollgate }.flatMap { setup in
        context.policies.flatMap { enforcement($0, setup, check) }
      }
    },
    Check(
      "check-settings", .warning,
      "Envoy's ext_authz filter hands over less than Tollgate judges by.",
      remedy: "write encode_raw_headers: true and clear_route_cache: true"
    ) { context, check in
      context.setups.flatMap { setup in
        setup.authorizers.flatMap(\.faults).map {
          check.finding($0.field, $0.message, remedy: $0.remedy)
        }
      }
    },
    Check(
      "socket", .error,
      "The socket's path is too long for a socket, or not one that Tollgate listens on and Envoy can open.",
      remedy: "one path of at most 107 bytes, in the backend and in --listen unix:PATH"
    ) { context, check in sockets(context, check) + sharedSockets(context, check) },
  ]

  private static let breakerDefault: Int64 = 1024
  private static let messageTimeoutDefault = Duration.milliseconds(200)

  private static func messageTimeout(_ processor: ProcessorSettings, _ check: Check) -> Finding? {
    // Where bodies are streamed both ways no message is waited for.
    if processor.requestBody == .fullDuplexStreamed { return nil }
    guard let timeout = processor.messageTimeout.duration else {
      return check.finding(
        processor.messageTimeout, "no message timeout is written; the default is 200 ms")
    }
    return timeout > messageTimeoutDefault
      ? nil
      : check.finding(
        processor.messageTimeout,
        "a message timeout of \(DurationReading.text(timeout)) is too short"
      )
  }

  private static func checkTimeout(_ authorizer: AuthorizerSettings, _ check: Check) -> Finding? {
    let written = authorizer.timeout.duration
    let timeout = written ?? authorizer.unsetTimeout
    guard timeout <= messageTimeoutDefault else { return nil }
    return check.finding(
      authorizer.timeout,
      "ext_authz gives Tollgate \(DurationReading.text(timeout))"
        + (written == nil ? ", the default" : ""))
  }
}
