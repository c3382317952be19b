extension Checks {
  /// Timeouts and retries, which must differ between classes of traffic.
  static let timeoutChecks = [
    Check(
      "shared-timeout", .error,
      "Chat and embeddings have the same timeout: it is too short for chat, or too long for embeddings.",
      remedy: "give each class a timeout of its own: request 120s for chat, 30s for embeddings"
    ) { context, check in
      context.setups.flatMap { sharedTimeouts($0, context.traffic, check) }
    },
    Check(
      "missing-timeout", .error,
      "A route to a model has no timeout; Envoy's default of 15 s cuts long responses off.",
      remedy: "write timeouts.request on the rule (Envoy: route.timeout)"
    ) { context, check in
      context.setups.flatMap { setup in
        setup.backendRules.filter { $0.timeout == nil && $0.takesTimeouts }.map { rule in
          check.finding(rule.field, "this route to a model has no timeout of its own")
        }
      }
    },
    Check(
      "backend-timeout", .error,
      "One attempt may take longer than the whole request: the request times out first, which looks like the gateway's fault and not the backend's.",
      remedy: "keep backendRequest (per_try_timeout) below request: 115s under 120s, 25s under 30s"
    ) { context, check in
      context.setups.flatMap { setup in
        setup.rules.flatMap { backendTimeouts($0, check) }
      }
    },
    Check(
      "retries-on-streams", .error,
      "A route that serves streams or waiting users is retried, although the model may have begun to respond.",
      remedy: "make no retries there (numRetries: 0); only batch requests may have a few"
    ) { context, check in
      context.setups.flatMap { retries($0, context.traffic, check) }
    },
    Check(
      "retries-repeat-work", .warning,
      "A request is sent again after a model server had it: the same work is done several times, and clients try again as well.",
      remedy: "retry on connect-failure, refused-stream and reset-before-request only"
    ) { context, check in
      context.setups.flatMap { setup in
        places(setup) {
          context.traffic.isInteractive($0) == false && !$0.repeatingTriggers.isEmpty
        }.map { rule, rules in
          check.finding(
            rule.retries ?? rule.field,
            "\(rules.joined(separator: ", ")): retried \(rule.repeatingTriggers.joined(separator: ", "))"
          )
        }
      }
    },
    Check(
      "idle-timeout", .error,
      "The idle timeout is below the route's timeout: a response that is not a stream is cut off while the model computes it, because no byte comes before it is done.",
      remedy:
        "raise streamIdleTimeout (stream_idle_timeout, idle_timeout) to the route's timeout, or put it on a route for x-ai-stream: true alone"
    ) { context, check in
      context.setups.flatMap { setup in
        setup.backendRules.compactMap { silence($0, check) }
      }
    },
    Check(
      "endless-stream", .warning, "Nothing limits how long a stream on this route may last.",
      remedy: "write a maximum stream duration beside the timeout of 0s"
    ) { context, check in
      context.setups.flatMap { setup in
        setup.backendRules.filter { $0.longest == nil && $0.takesTimeouts }.map { rule in
          check.finding(
            rule.timeout?.field ?? rule.field, "nothing limits how long an exchange may last here")
        }
      }
    },
  ]

  private static func retries(
    _ setup: GatewaySetup, _ traffic: PolicyTraffic, _ check: Check
  ) -> [Finding] {
    places(setup) { traffic.isInteractive($0) ?? true }.map { rule, rules in
      check.finding(
        rule.retries ?? rule.field,
        "retries apply to \(rules.joined(separator: ", ")), which serves streams or waiting users")
    }
  }

  /// Each setting that asks for retries, by the first of the wanted rules that it applies to, with the
  /// names of all of them.
  private static func places(
    _ setup: GatewaySetup, where isWanted: (RouteRule) -> Bool
  ) -> [(rule: RouteRule, rules: [String])] {
    var places: [(rule: RouteRule, rules: [String])] = []
    for rule in setup.backendRules {
      guard let field = rule.retries, isWanted(rule) else { continue }
      if let known = places.firstIndex(where: { $0.rule.retries?.place == field.place }) {
        places[known].rules.append(rule.name)
      } else {
        places.append((rule, [rule.name]))
      }
    }
    return places
  }

  private static func backendTimeouts(_ rule: RouteRule, _ check: Check) -> [Finding] {
    guard let whole = rule.timeout, whole.value != .zero else { return [] }
    return rule.attemptTimeouts.filter { $0.value > whole.value }.map { attempt in
      check.finding(
        attempt.field,
        "one attempt may take \(DurationReading.text(attempt.value)), but the whole request only "
          + DurationReading.text(whole.value))
    }
  }

  private static func silence(_ rule: RouteRule, _ check: Check) -> Finding? {
    guard rule.takesTimeouts, rule.servesWholeAnswers, rule.timeout != nil,
      let longest = rule.longest
    else { return nil }
    let silence = rule.idleTimeout?.value ?? RouteRule.unsetIdleTimeout
    guard silence != .zero, silence < longest else { return nil }
    let what = rule.idleTimeout == nil ? ", the default" : ""
    return check.finding(
      rule.idleTimeout?.field ?? rule.field,
      "\(rule.name) has an idle timeout of \(DurationReading.text(silence))\(what), but a response that "
        + "is not a stream may take \(DurationReading.text(longest))")
  }

  private static func sharedTimeouts(
    _ setup: GatewaySetup, _ traffic: PolicyTraffic, _ check: Check
  ) -> [Finding] {
    var findings: [Finding] = []
    let rules = setup.backendRules.filter(\.takesTimeouts)
    for rule in rules where traffic.isInteractive(rule) == true && traffic.isBatch(rule) {
      findings.append(
        check.finding(
          rule.field, "one rule serves chat and embeddings, so they have the same timeout"))
    }
    let interactive = rules.filter { traffic.isInteractive($0) == true && !traffic.isBatch($0) }
    let batch = rules.filter { traffic.isBatch($0) && traffic.isInteractive($0) != true }
    for rule in batch {
      guard let timeout = rule.timeout,
        let twin = interactive.first(where: { $0.timeout?.value == timeout.value })
      else { continue }
      findings.append(
        check.finding(
          timeout.field,
          "\(rule.name) and \(twin.name) have the same timeout, "
            + DurationReading.text(timeout.value)))
    }
    return findings
  }
}

extension RouteRule {
  /// What findings call the rule.
  var name: String {
    if let name = modelRoutes.first { return name }
    if let name = field["name"].text { return name }
    return "\(field.object) \(field.path)"
  }
}
