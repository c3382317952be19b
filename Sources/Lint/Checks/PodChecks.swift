extension Checks {
  /// The pod in which Tollgate runs.
  static let podChecks = [
    Check(
      "short-drain", .error, each: \.pods,
      "A pod is stopped before its longest exchange can end: every rollout cuts responses off.",
      remedy:
        "make both drain timeouts at least as long as the longest route timeout, and the pod's grace period at least as long as both"
    ) { pod, context, report in
      let exchanges = context.timedRules.compactMap { rule in rule.longest.map { ($0, rule.name) } }
      guard let (longest, name) = exchanges.max(by: { $0.0 < $1.0 }),
        var drain = pod.setting("drain-timeout").flatMap(Amount.duration)
      else { return }
      let needed = "\(name) lasts up to \(longest.text)"
      if drain < longest {
        let place = pod.settings["drain-timeout"]?.last ?? pod.container["args"]
        report(place, "--drain-timeout is \(drain.text), but \(needed)")
      }
      if let shutdown = pod.envoyShutdown {
        let envoy = shutdown["drainTimeout"].duration ?? shutdownDefault
        drain = max(drain, envoy)
        if envoy < longest {
          report(shutdown["drainTimeout"], "Envoy drains for \(envoy.text), but \(needed)")
        }
      }
      // Without one that is written, Envoy Gateway sets a grace period that is long enough.
      if pod.gracePeriod.integer == nil, pod.envoyShutdown != nil { return }
      let grace = pod.gracePeriod.integer.map { .seconds($0) } ?? graceDefault
      if grace < drain {
        report(pod.gracePeriod, "it is killed after \(grace.text), but drains \(drain.text)")
      }
    },
    Check(
      "sidecar-security", .error, each: \.pods,
      "The container has more privileges than it needs.",
      remedy:
        "set runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities drop ALL, seccompProfile RuntimeDefault"
    ) { pod, _, report in
      let missing = securitySettings.filter { !$0.isSet(pod) }.map(\.name)
      report(pod.container["securityContext"], all: missing) { "it does not set \($0)" }
    },
    Check(
      "sidecar-order", .warning, each: \.pods,
      "Tollgate is not a native sidecar: it may start after Envoy, and ends while Envoy still has requests in flight.",
      remedy: "make it an init container with restartPolicy: Always and a startupProbe"
    ) { pod, _, report in
      guard pod.isBesideEnvoy else { return }
      if !pod.isNativeSidecar {
        report(pod.container, "Tollgate is stopped together with Envoy, not after it")
      } else if !pod.container["startupProbe"].exists {
        report(pod.container, "Envoy starts before Tollgate is ready: there is no startupProbe")
      }
    },
  ]

  /// The default of EnvoyProxy `spec.shutdown.drainTimeout`.
  private static let shutdownDefault = Duration.seconds(60)
  /// The default of a pod's `terminationGracePeriodSeconds`.
  private static let graceDefault = Duration.seconds(30)

  /// What a container's security context must say.
  private static let securitySettings: [(name: String, isSet: @Sendable (TollgatePod) -> Bool)] = [
    ("runAsNonRoot", { $0.security("runAsNonRoot").bool == true }),
    ("readOnlyRootFilesystem", { $0.security("readOnlyRootFilesystem").bool == true }),
    ("allowPrivilegeEscalation: false", { $0.security("allowPrivilegeEscalation").bool == false }),
    ("capabilities drop ALL", { $0.security("capabilities")["drop"].texts.contains("ALL") }),
    (
      "seccompProfile",
      { ![nil, "Unconfined"].contains($0.security("seccompProfile")["type"].text) }
    ),
    ("privileged: false", { $0.security("privileged").bool != true }),
  ]
}
