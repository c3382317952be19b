extension Checks {
  /// What Tollgate's pod needs from the resources around it.
  static let sidecarChecks = [
    Check(
      "no-sidecar", .error,
      "The gateway asks Tollgate over a Unix socket, but its EnvoyProxy runs no Tollgate: every request fails.",
      remedy:
        "add the tollgate container to the EnvoyProxy's initContainers, with restartPolicy: Always"
    ) { context, report in
      for chain in context.chains {
        guard let proxy = chain.gateway.flatMap(context.resources.envoyProxy),
          (proxy.spec.at("provider.type").text ?? "Kubernetes") == "Kubernetes",
          !context.pods.contains(where: { $0.proxy?.root.object == proxy.root.object })
        else { continue }
        let kubernetes = proxy.spec.at("provider.kubernetes")
        let paths = chain.filters.map(\.field).flatMap(context.resources.sockets)
        if let path = paths.first, !hasCompanion(kubernetes, on: path) {
          report(
            kubernetes,
            "no container here has the socket \(path), on which \(chain.field.object) asks Tollgate"
          )
        }
      }
    },
    Check(
      "unfollowed-policy", .warning,
      "The running Tollgate does not notice a changed ConfigMap: keys that were removed go on working.",
      remedy:
        "mount the whole directory (no subPath) and set --watch; or set shareProcessNamespace and send SIGHUP"
    ) { context, report in
      for pod in context.pods { unfollowed(pod, &report) }
    },
    Check(
      "unreachable-metrics", .error,
      "A probe or a PodMonitor asks the pod's address for a port on which Tollgate does not listen there: the pod never becomes ready, or its metrics are missing.",
      remedy: "listen on the pod's address: --metrics=0.0.0.0:9091, with that port in the probe"
    ) { context, report in
      for pod in context.pods { unreachable(pod, context, &report) }
    },
    Check(
      "missing-config-map", .error,
      "The pod names a ConfigMap that its namespace does not have: it never starts.",
      remedy:
        "put the ConfigMap into the pod's namespace; one of another namespace cannot be mounted"
    ) { context, report in
      for pod in context.pods { missingConfigMaps(pod, context, &report) }
    },
    Check(
      "closed-egress", .error,
      "NetworkPolicies do not allow egress that Envoy needs: DNS, its configuration (xDS), the models.",
      remedy:
        "add egress rules for DNS (53, UDP and TCP), for Envoy Gateway's xDS (18000) and for the models' ports"
    ) { context, report in
      for pod in context.pods where pod.isBesideEnvoy { closedEgress(pod, context, &report) }
    },
  ]

  /// Whether a container that is not recognized as Tollgate mounts the socket's directory.
  private static func hasCompanion(_ kubernetes: Field, on path: String) -> Bool {
    ["envoyDaemonSet", "envoyDeployment"].contains { kind in
      let template = kubernetes[kind].at("patch.value.spec.template.spec")
      let containers =
        kubernetes[kind]["initContainers"].items + template["initContainers"].items
        + template["containers"].items.filter { $0["name"].text != "envoy" }
      return containers.contains {
        TollgatePod.mount(of: path, in: $0["volumeMounts"].items) != nil
      }
    }
  }

  /// A policy from a ConfigMap of whose changes Tollgate is not told.
  private static func unfollowed(_ pod: TollgatePod, _ report: inout Findings) {
    guard let path = pod.setting("policy"),
      let mount = TollgatePod.mount(of: path, in: pod.container["volumeMounts"].items),
      let volume = pod.volume(of: mount), !configMaps(of: volume).isEmpty
    else { return }
    let isWatched = pod.settings["watch"] != nil && pod.setting("watch") != "false"
    let canBeSignalled = pod.podSpecs.contains { $0["shareProcessNamespace"].bool == true }
    if let name = ["subPath", "subPathExpr"].first(where: { mount[$0].exists }) {
      report(mount[name], "a file that is mounted by \(name) is not updated while the pod runs")
    } else if !isWatched, !canBeSignalled {
      report(pod.container["args"], "Tollgate is not told that its policy has changed: no --watch")
    }
  }

  private static func configMaps(of volume: Field) -> [Field] {
    volume.all("configMap") + volume.all("projected.sources[].configMap")
  }

  private static func missingConfigMaps(
    _ pod: TollgatePod, _ context: LintContext, _ report: inout Findings
  ) {
    let all = context.set.resources("ConfigMap")
    let named =
      pod.mountedVolumes.flatMap(configMaps) + pod.container.all("envFrom[].configMapRef")
      + pod.container.all("env[].valueFrom.configMapKeyRef")
    for reference in named where reference["optional"].bool != true {
      let name = reference["name"]
      let own = all.filter { $0.name == name.text }
      guard let text = name.text, !own.contains(where: { $0.namespace == pod.namespace }) else {
        continue
      }
      if let other = own.first {
        report(
          name, "the ConfigMap \(text) is in \(other.namespace), but the pod is in \(pod.namespace)"
        )
      } else if all.contains(where: { $0.namespace == pod.namespace }) {
        // Only where the set has other ConfigMaps of the namespace: otherwise they may be in other files.
        report(
          name, "\(pod.namespace) has no ConfigMap \(text) (among these files)", severity: .warning)
      }
    }
  }
}
