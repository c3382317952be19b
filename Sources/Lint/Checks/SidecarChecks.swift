extension Checks {
  /// What Tollgate's pod needs from the resources around it.
  static let sidecarChecks = [
    Check(
      "no-sidecar", .error,
      "The gateway asks Tollgate over a Unix socket, but its EnvoyProxy runs no Tollgate: every request fails.",
      remedy:
        "add the tollgate container to the EnvoyProxy's initContainers, with restartPolicy: Always"
    ) { context, check in missingSidecars(context, check) },
    Check(
      "unfollowed-policy", .warning,
      "The running Tollgate does not notice a changed ConfigMap: keys that were removed go on working.",
      remedy:
        "mount the whole directory (no subPath) and set --watch; or set shareProcessNamespace and send SIGHUP"
    ) { context, check in context.pods.compactMap { unfollowed($0, check) } },
    Check(
      "unreachable-metrics", .error,
      "A probe or a PodMonitor asks the pod's address for a port on which Tollgate does not listen there: the pod never becomes ready, or its metrics are missing.",
      remedy: "listen on the pod's address: --metrics=0.0.0.0:9091, with that port in the probe"
    ) { context, check in context.pods.flatMap { unreachable($0, context, check) } },
    Check(
      "missing-config-map", .error,
      "The pod names a ConfigMap that its namespace does not have: it never starts.",
      remedy:
        "put the ConfigMap into the pod's namespace; one of another namespace cannot be mounted"
    ) { context, check in context.pods.flatMap { missingConfigMaps($0, context, check) } },
    Check(
      "closed-egress", .error,
      "NetworkPolicies do not allow egress that Envoy needs: DNS, its configuration (xDS), the models.",
      remedy:
        "add egress rules for DNS (53, UDP and TCP), for Envoy Gateway's xDS (18000) and for the models' ports"
    ) { context, check in context.pods.compactMap { closedEgress($0, context, check) } },
  ]

  private static func missingSidecars(_ context: LintContext, _ check: Check) -> [Finding] {
    let reading = EnvoyGatewayReading(context.set)
    return gateways(context).compactMap { gateway -> Finding? in
      guard let proxy = reading.envoyProxy(of: gateway),
        (proxy.spec["provider"]["type"].text ?? "Kubernetes") == "Kubernetes",
        !context.pods.contains(where: { $0.proxy?.root.object == proxy.root.object })
      else { return nil }
      let filters = context.setups.filter { $0.field.object == gateway.root.object }
        .flatMap { $0.processors.map(\.field) + $0.authorizers.map(\.field) }
      let names = Set(filters.flatMap(reading.backends).compactMap { $0["name"].text })
      let paths = context.set.resources("Backend", group: EnvoyGatewayReading.envoyGroup)
        .filter { names.contains($0.name) }
        .flatMap { $0.spec["endpoints"].items.compactMap { $0["unix"]["path"].text } }
      let kubernetes = proxy.spec["provider"]["kubernetes"]
      guard let path = paths.first, !hasCompanion(kubernetes, on: path) else { return nil }
      return check.finding(
        kubernetes,
        "no container here has the socket \(path), on which \(gateway.root.object) asks Tollgate")
    }
  }

  /// Whether a container that is not recognized as Tollgate mounts the socket's directory.
  private static func hasCompanion(_ kubernetes: Field, on path: String) -> Bool {
    ["envoyDaemonSet", "envoyDeployment"].contains { kind in
      let template = kubernetes[kind]["patch"]["value"]["spec"]["template"]["spec"]
      let containers =
        kubernetes[kind]["initContainers"].items + template["initContainers"].items
        + template["containers"].items.filter { $0["name"].text != "envoy" }
      return containers.contains {
        TollgatePod.mount(of: path, in: $0["volumeMounts"].items) != nil
      }
    }
  }

  /// A policy from a ConfigMap of whose changes Tollgate is not told.
  private static func unfollowed(_ pod: TollgatePod, _ check: Check) -> Finding? {
    guard let path = pod.setting("policy"),
      let mount = TollgatePod.mount(of: path, in: pod.container["volumeMounts"].items),
      let volume = pod.volume(of: mount),
      volume["configMap"].exists
        || volume["projected"]["sources"].items.contains(where: { $0["configMap"].exists })
    else { return nil }
    for name in ["subPath", "subPathExpr"] where mount[name].exists {
      return check.finding(
        mount[name], "a file that is mounted by \(name) is not updated while the pod runs")
    }
    let isWatched = pod.settings["watch"] != nil && pod.setting("watch") != "false"
    let canBeSignalled = pod.podSpecs.contains { $0["shareProcessNamespace"].bool == true }
    return isWatched || canBeSignalled
      ? nil
      : check.finding(
        pod.container["args"], "Tollgate is not told that its policy has changed: no --watch")
  }

  private static func missingConfigMaps(
    _ pod: TollgatePod, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let configMaps = context.set.resources("ConfigMap", group: "")
    let mounted = pod.container["volumeMounts"].items.compactMap(pod.volume)
    let named =
      mounted.map { $0["configMap"] }
      + mounted.flatMap { $0["projected"]["sources"].items.map { $0["configMap"] } }
      + pod.container["envFrom"].items.map { $0["configMapRef"] }
      + pod.container["env"].items.map { $0["valueFrom"]["configMapKeyRef"] }
    return named.filter { $0.exists && $0["optional"].bool != true }.compactMap { reference in
      guard let name = reference["name"].text,
        !configMaps.contains(where: { $0.name == name && $0.namespace == pod.namespace })
      else { return nil }
      if let other = configMaps.first(where: { $0.name == name }) {
        return check.finding(
          reference["name"],
          "the ConfigMap \(name) is in \(other.namespace), but the pod is in \(pod.namespace)")
      }
      // Only where the set has other ConfigMaps of the namespace: otherwise they may be in other files.
      guard configMaps.contains(where: { $0.namespace == pod.namespace }) else { return nil }
      return check.finding(
        reference["name"],
        "\(pod.namespace) has no ConfigMap \(name) (among these files)", severity: .warning)
    }
  }
}
