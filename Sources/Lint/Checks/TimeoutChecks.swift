extension Checks {
  /// Timeouts and retries, which must differ between classes of traffic.
  static let timeoutChecks = [
    Check(
      "shared-timeout", .error, each: \.chains,
      "Chat and embeddings have the same timeout: it is too short for chat, or too long for embeddings.",
      remedy: "give each class a timeout of its own: request 120s for chat, 30s for embeddings"
    ) { chain, context, report in
      let traffic = context.traffic
      let rules = chain.backendRules.filter(\.takesTimeouts)
      let chats = rules.filter { traffic.isInteractive($0) == true && !traffic.isBatch($0) }
      let twins = Dictionary(chats.map { ($0.timeout?.duration, $0) }) { first, _ in first }
      for rule in rules.filter(traffic.isBatch) {
        if traffic.isInteractive(rule) == true {
          report(rule.field, "one rule serves chat and embeddings, so they have the same timeout")
        } else if let time = rule.timeout?.duration, let twin = twins[time] {
          report(rule.timeout, "\(rule.name) and \(twin.name) have the same timeout, \(time.text)")
        }
      }
    },
    Check(
      "missing-timeout", .error, each: \.timedRules,
      "A route to a model has no timeout; Envoy's default of 15 s cuts long responses off.",
      remedy: "write timeouts.request on the rule (Envoy: route.timeout)"
    ) { rule, _, report in
      if rule.timeout == nil {
        report(rule.field, "this route to a model has no timeout of its own")
      }
    },
    Check(
      "backend-timeout", .error, each: \.allRules,
      "One attempt may take longer than the whole request: the request times out first, which looks like the gateway's fault and not the backend's.",
      remedy: "keep backendRequest (per_try_timeout) below request: 115s under 120s, 25s under 30s"
    ) { rule, _, report in
      guard let whole = rule.timeout?.duration, whole != .zero else { return }
      for field in rule.attemptTimeouts {
        if let attempt = field.duration, attempt > whole {
          report(field, "one attempt may take \(attempt.text), the whole request \(whole.text)")
        }
      }
    },
    Check(
      "retries-on-streams", .error, each: \.whole,
      "A route that serves streams or waiting users is retried, although the model may have begun to respond.",
      remedy: "make no retries there (numRetries: 0); only batch requests may have a few"
    ) { context, _, report in
      for (field, rules) in retries(context, where: { context.traffic.isInteractive($0) ?? true }) {
        report(field, "retries apply to \(names(rules)), which serves streams or waiting users")
      }
    },
    Check(
      "retries-repeat-work", .warning, each: \.whole,
      "A request is sent again after a model server had it: the same work is done several times, and clients try again as well.",
      remedy: "retry on connect-failure, refused-stream and reset-before-request only"
    ) { context, _, report in
      let repeating = retries(context) {
        context.traffic.isInteractive($0) == false && !$0.repeatingTriggers.isEmpty
      }
      for (field, rules) in repeating {
        report(field, all: rules[0].repeatingTriggers) { "\(names(rules)): retried \($0)" }
      }
    },
    Check(
      "idle-timeout", .error, each: \.timedRules,
      "The idle timeout is below the route's timeout: a response that is not a stream is cut off while the model computes it, because no byte comes before it is done.",
      remedy:
        "raise streamIdleTimeout (stream_idle_timeout, idle_timeout) to the route's timeout, or put it on a route for x-ai-stream: true alone"
    ) { rule, _, report in
      guard rule.servesWholeAnswers, rule.timeout != nil, let longest = rule.longest else { return }
      let silence = rule.idleTimeout?.duration ?? RouteRule.unsetIdleTimeout
      let what = "\(rule.name) may take \(longest.text), but \(silence.text) of silence end it"
      if silence != .zero, silence < longest { report(rule.idleTimeout ?? rule.field, what) }
    },
    Check(
      "endless-stream", .warning, each: \.timedRules,
      "Nothing limits how long a stream on this route may last.",
      remedy: "write a maximum stream duration beside the timeout of 0s"
    ) { rule, _, report in
      if rule.longest == nil { report(rule.timeout ?? rule.field, "an exchange may last for ever") }
    },
  ]

  private static func names(_ rules: [RouteRule]) -> String {
    rules.map(\.name).joined(separator: ", ")
  }

  /// Each setting that asks for retries, with those of the wanted rules that it applies to.
  private static func retries(
    _ context: LintContext, where isWanted: (RouteRule) -> Bool
  ) -> [(field: Field, rules: [RouteRule])] {
    context.chains.flatMap { chain -> [(field: Field, rules: [RouteRule])] in
      let rules = chain.backendRules.filter { $0.retries != nil && isWanted($0) }
      let places = Dictionary(grouping: rules) { $0.retries?.place }
      var told: Set<Place?> = []
      return rules.compactMap { rule in
        guard let field = rule.retries, told.insert(field.place).inserted else { return nil }
        return (field, places[field.place] ?? [])
      }
    }
  }
}
