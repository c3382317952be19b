extension Checks {
  /// The pod in which Tollgate runs.
  static let podChecks = [
    Check(
      "short-drain", .error,
      "A pod is stopped before its longest exchange can end: every rollout cuts responses off.",
      remedy:
        "make both drain timeouts at least as long as the longest route timeout, and the pod's grace period at least as long as both"
    ) { context, report in
      guard let longest = longestExchange(context) else { return }
      for pod in context.pods { drains(pod, longest, &report) }
    },
    Check(
      "sidecar-security", .error,
      "The container has more privileges than it needs.",
      remedy:
        "set runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities drop ALL, seccompProfile RuntimeDefault"
    ) { context, report in
      for pod in context.pods {
        let missing = securitySettings.filter { !$0.isSet(pod) }.map(\.name)
        if !missing.isEmpty {
          report(
            pod.container["securityContext"],
            "it does not set \(missing.joined(separator: ", "))")
        }
      }
    },
    Check(
      "sidecar-order", .warning,
      "Tollgate is not a native sidecar: it may start after Envoy, and ends while Envoy still has requests in flight.",
      remedy: "make it an init container with restartPolicy: Always and a startupProbe"
    ) { context, report in
      for pod in context.pods where pod.isBesideEnvoy {
        if !pod.isNativeSidecar {
          report(pod.container, "Tollgate is stopped together with Envoy, not after it")
        } else if !pod.container["startupProbe"].exists {
          report(pod.container, "Envoy starts before Tollgate is ready: there is no startupProbe")
        }
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
    context.rules.filter(\.takesTimeouts)
      .compactMap { rule in rule.longest.map { ($0, rule.name) } }
      .max { $0.0 < $1.0 }
  }

  private static func drains(
    _ pod: TollgatePod, _ longest: (Duration, String), _ report: inout Findings
  ) {
    let needed = "\(longest.1) lasts up to \(DurationReading.text(longest.0))"
    let written = pod.setting("drain-timeout").flatMap(DurationReading.parse)
    var drain = written ?? drainTimeoutDefault
    if drain < longest.0 {
      report(
        pod.settings["drain-timeout"]?.last ?? pod.container["args"],
        "--drain-timeout is \(DurationReading.text(drain)), but \(needed)")
    }
    if let shutdown = pod.envoyShutdown {
      let envoy = shutdown["drainTimeout"].duration ?? shutdownDefault
      drain = max(drain, envoy)
      if envoy < longest.0 {
        report(
          shutdown["drainTimeout"],
          "Envoy drains for \(DurationReading.text(envoy)), but \(needed)")
      }
    }
    // Without one that is written, Envoy Gateway sets a grace period that is long enough.
    if pod.gracePeriod == nil, pod.envoyShutdown != nil { return }
    let grace = pod.gracePeriod?.value ?? graceDefault
    if grace < drain {
      let what = pod.gracePeriod == nil ? ", the default," : ","
      report(
        pod.gracePeriod?.field ?? pod.podSpecs.first?["terminationGracePeriodSeconds"]
          ?? pod.container,
        "the pod is killed after \(DurationReading.text(grace))\(what) before its drain of "
          + "\(DurationReading.text(drain)) has ended")
    }
  }

  /// What a container's security context must say.
  private static let securitySettings: [(name: String, isSet: @Sendable (TollgatePod) -> Bool)] = [
    ("runAsNonRoot", { $0.security("runAsNonRoot").bool == true }),
    ("readOnlyRootFilesystem", { $0.security("readOnlyRootFilesystem").bool == true }),
    (
      "allowPrivilegeEscalation: false", { $0.security("allowPrivilegeEscalation").bool == false }
    ),
    ("capabilities drop ALL", { $0.security("capabilities")["drop"].texts.contains("ALL") }),
    (
      "seccompProfile",
      { ![nil, "Unconfined"].contains($0.security("seccompProfile")["type"].text) }
    ),
    ("privileged: false", { $0.security("privileged").bool != true }),
  ]
}
