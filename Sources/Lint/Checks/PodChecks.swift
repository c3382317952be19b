extension Checks {
  /// The pod in which Tollgate runs.
  static let podChecks = [
    Check(
      "short-drain", .error,
      "A pod is stopped before its longest exchange can end: every rollout cuts responses off.",
      remedy:
        "make both drain timeouts at least as long as the longest route timeout, and the pod's grace period at least as long as both"
    ) { context, check in
      guard let longest = longestExchange(context) else { return [] }
      return context.pods.flatMap { drains($0, longest, check) }
    },
    Check(
      "sidecar-security", .error,
      "The container has more privileges than it needs.",
      remedy:
        "set runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities drop ALL, seccompProfile RuntimeDefault"
    ) { context, check in
      context.pods.flatMap { security($0, check) }
    },
    Check(
      "sidecar-order", .warning,
      "Tollgate is not a native sidecar: it may start after Envoy, and ends while Envoy still has requests in flight.",
      remedy: "make it an init container with restartPolicy: Always and a startupProbe"
    ) { context, check in
      context.pods.filter(\.isBesideEnvoy).compactMap { pod in
        if !pod.isNativeSidecar {
          return check.finding(
            pod.container, "Tollgate is stopped together with Envoy, not after it")
        }
        return pod.container["startupProbe"].exists
          ? nil
          : check.finding(
            pod.container, "Envoy starts before Tollgate is ready: there is no startupProbe")
      }
    },
  ]

  /// The default of `tollgate serve --drain-timeout`.
  private static let drainTimeoutDefault = Duration.seconds(150)
  /// The default of EnvoyProxy `spec.shutdown.drainTimeout`.
  private static let shutdownDefault = Duration.seconds(60)
  /// The default of a pod's `terminationGracePeriodSeconds`.
  private static let graceDefault = Duration.seconds(30)

  /// How long the longest exchange may last, and the name of its route.
  private static func longestExchange(_ context: LintContext) -> (Duration, String)? {
    context.setups.flatMap(\.backendRules).filter(\.takesTimeouts)
      .compactMap { rule in rule.longest.map { ($0, rule.name) } }
      .max { $0.0 < $1.0 }
  }

  private static func drains(
    _ pod: TollgatePod, _ longest: (Duration, String), _ check: Check
  ) -> [Finding] {
    let needed = "\(longest.1) lasts up to \(DurationReading.text(longest.0))"
    var findings: [Finding] = []
    let written = pod.setting("drain-timeout").flatMap(DurationReading.parse)
    let own = written ?? drainTimeoutDefault
    if own < longest.0 {
      findings.append(
        check.finding(
          pod.settings["drain-timeout"]?.last ?? pod.container["args"],
          "--drain-timeout is \(DurationReading.text(own)), but \(needed)"))
    }
    var drain = own
    if let shutdown = pod.envoyShutdown {
      let envoy = shutdown["drainTimeout"].duration ?? shutdownDefault
      drain = max(drain, envoy)
      if envoy < longest.0 {
        findings.append(
          check.finding(
            shutdown["drainTimeout"],
            "Envoy drains for \(DurationReading.text(envoy)), but \(needed)"))
      }
    }
    // Without one that is written, Envoy Gateway sets a grace period that is long enough.
    guard let grace = pod.gracePeriod else {
      if pod.envoyShutdown == nil, graceDefault < drain {
        findings.append(
          check.finding(
            pod.podSpecs.first?["terminationGracePeriodSeconds"] ?? pod.container,
            "the pod is killed after 30s, the default, before its drain of "
              + "\(DurationReading.text(drain)) has ended"))
      }
      return findings
    }
    if grace.value < drain {
      findings.append(
        check.finding(
          grace.field,
          "the pod is killed after \(DurationReading.text(grace.value)), before its drain of "
            + "\(DurationReading.text(drain)) has ended"))
    }
    return findings
  }

  private static func security(_ pod: TollgatePod, _ check: Check) -> [Finding] {
    var missing: [String] = []
    if pod.security("runAsNonRoot").bool != true { missing.append("runAsNonRoot") }
    if pod.security("readOnlyRootFilesystem").bool != true {
      missing.append("readOnlyRootFilesystem")
    }
    if pod.security("allowPrivilegeEscalation").bool != false {
      missing.append("allowPrivilegeEscalation: false")
    }
    if !pod.security("capabilities")["drop"].texts.contains("ALL") {
      missing.append("capabilities drop ALL")
    }
    let seccomp = pod.security("seccompProfile")["type"].text
    if seccomp == nil || seccomp == "Unconfined" { missing.append("seccompProfile") }
    if pod.security("privileged").bool == true { missing.append("privileged: false") }
    guard !missing.isEmpty else { return [] }
    return [
      check.finding(
        pod.container["securityContext"], "it does not set \(missing.joined(separator: ", "))")
    ]
  }
}
