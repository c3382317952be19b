extension Checks {
  /// What Tollgate's pod needs from the resources around it.
  static let sidecarChecks = [
    Check(
      "no-sidecar", .error, each: \.chains,
      "The gateway asks Tollgate over a Unix socket, but its EnvoyProxy runs no Tollgate: every request fails.",
      remedy:
        "add the tollgate container to the EnvoyProxy's initContainers, with restartPolicy: Always"
    ) { chain, context, report in
      guard let proxy = chain.gateway.flatMap(context.resources.envoyProxy),
        (proxy.spec.at("provider.type").text ?? "Kubernetes") == "Kubernetes",
        !context.pods.contains(where: { $0.proxy?.root.object == proxy.root.object })
      else { return }
      let kubernetes = proxy.spec.at("provider.kubernetes")
      let paths = chain.filters.map(\.field).flatMap(context.resources.sockets)
      if let path = paths.first, !hasCompanion(kubernetes, on: path) {
        report(
          kubernetes,
          "no container here has the socket \(path), on which \(chain.field.object) asks Tollgate"
        )
      }
    },
    Check(
      "unfollowed-policy", .warning, each: \.pods,
      "The running Tollgate does not notice a changed ConfigMap: keys that were removed go on working.",
      remedy:
        "mount the whole directory (no subPath) and set --watch; or set shareProcessNamespace and send SIGHUP"
    ) { pod, _, report in
      guard let path = pod.setting("policy"),
        let mount = TollgatePod.mount(of: path, in: pod.container["volumeMounts"].items),
        let volume = pod.volume(of: mount), !configMaps(of: volume).isEmpty
      else { return }
      let isWatched = pod.settings["watch"] != nil && pod.setting("watch") != "false"
      let canBeSignalled = pod.podSpecs.contains { $0["shareProcessNamespace"].bool == true }
      if let name = ["subPath", "subPathExpr"].first(where: { mount[$0].exists }) {
        report(mount[name], "a file that is mounted by \(name) is not updated while the pod runs")
      } else if !isWatched, !canBeSignalled {
        report(
          pod.container["args"], "Tollgate is not told that its policy has changed: no --watch")
      }
    },
    Check(
      "unreachable-metrics", .error, each: \.pods,
      "A probe or a PodMonitor asks the pod's address for a port on which Tollgate does not listen there: the pod never becomes ready, or its metrics are missing.",
      remedy: "listen on the pod's address: --metrics=0.0.0.0:9091, with that port in the probe"
    ) { pod, context, report in
      // A probe with a host of its own does not ask the pod's address.
      let probes = ["startupProbe", "readinessProbe", "livenessProbe"].filter {
        !pod.container[$0].at("httpGet.host").exists
      }.map { (field: pod.container[$0].at("httpGet.port"), who: $0) }
      let ports = pod.container.all("ports[].name").compactMap(\.text)
      let own = context.set.resources("PodMonitor").filter { monitors($0, pod) }
      let scrapes = own.flatMap { monitor in
        monitor.spec.all("podMetricsEndpoints[].port").filter { ports.contains($0.text ?? "") }
          .map { (field: $0, who: monitor.root.object) }
      }
      let served = (pod.settings("metrics") + [pod.setting("admin") ?? adminDefault])
        .compactMap(TCPAddress.init)
      for (field, who) in probes + scrapes {
        guard let port = pod.port(field) else { continue }
        let there = served.filter { $0.port == port }
        if there.contains(where: { !$0.isLoopback }) { continue }
        let why =
          there.isEmpty
          ? "Tollgate does not listen on port \(port)"
          : "Tollgate listens on port \(port) of the loopback address only"
        report(field, "\(why), but \(who) asks the pod's address for it")
      }
    },
    Check(
      "missing-config-map", .error, each: \.pods,
      "The pod names a ConfigMap that its namespace does not have: it never starts.",
      remedy:
        "put the ConfigMap into the pod's namespace; one of another namespace cannot be mounted"
    ) { pod, context, report in
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
            name,
            "the ConfigMap \(text) is in \(other.namespace), but the pod is in \(pod.namespace)"
          )
        } else if all.contains(where: { $0.namespace == pod.namespace }) {
          // Only where the set has other ConfigMaps of the namespace: otherwise they may be in other files.
          report(
            name, "\(pod.namespace) has no ConfigMap \(text) (among these files)",
            severity: .warning)
        }
      }
    },
    Check(
      "closed-egress", .error, each: \.pods,
      "NetworkPolicies do not allow egress that Envoy needs: DNS, its configuration (xDS), the models.",
      remedy:
        "add egress rules for DNS (53, UDP and TCP), for Envoy Gateway's xDS (18000) and for the models' ports"
    ) { pod, context, report in
      guard pod.isBesideEnvoy else { return }
      let gateway = context.set.resources("Gateway").first
      var labels = pod.labels
      labels["gateway.envoyproxy.io/owning-gateway-name"] = gateway?.name
      labels["gateway.envoyproxy.io/owning-gateway-namespace"] = gateway?.namespace
      let policies = context.networkPolicies("Egress", in: pod.namespace, for: labels)
      let rules = policies.flatMap { $0.spec["egress"].items }
      var wanted: [(what: String, port: Int64, proto: String)] = [("DNS", 53, "UDP")]
      if pod.proxy != nil { wanted.append(("Envoy Gateway's xDS", 18_000, "TCP")) }
      wanted += modelPorts(context).map { ("models", $0, "TCP") }
      let missing = wanted.filter { want in !rules.contains { lets($0, out: want.port, want.proto) }
      }
      .map { "\($0.what) (\($0.port)/\($0.proto))" }
      if let first = policies.first {
        report(first.spec["egress"], all: missing) { "no rule allows egress to \($0)" }
      }
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

  private static func configMaps(of volume: Field) -> [Field] {
    volume.all("configMap") + volume.all("projected.sources[].configMap")
  }

  /// The default of `tollgate serve --admin`.
  private static let adminDefault = "127.0.0.1:9090"

  private static func monitors(_ monitor: Resource, _ pod: TollgatePod) -> Bool {
    let namespaces = monitor.spec["namespaceSelector"]
    let names = namespaces["matchNames"]
    let isThere =
      namespaces["any"].bool == true
      || (names.exists ? names.texts : [monitor.namespace]).contains(pod.namespace)
    return isThere && Labels.select(monitor.spec["selector"], pod.labels)
  }

  private static func lets(_ rule: Field, out port: Int64, _ proto: String) -> Bool {
    let ports = rule["ports"].items
    return ports.isEmpty
      || ports.contains { item in
        guard (item["protocol"].text ?? "TCP") == proto else { return false }
        // A named port depends on the target's pods: taken to fit.
        guard let from = item["port"].integer else { return true }
        return from <= port && port <= (item["endPort"].integer ?? from)
      }
  }

  /// The ports of the pods behind the Services of the routes. Named ports are left out.
  private static func modelPorts(_ context: LintContext) -> [Int64] {
    let services = context.set.resources("Service")
    let ports = context.resources.routes.flatMap(\.backends).compactMap { backend, target in
      let service = services.first(where: target.names)
      let port = service?.spec["ports"].items.first {
        $0["port"].integer == backend["port"].integer
      }
      return port.flatMap { $0[$0["targetPort"].exists ? "targetPort" : "port"].integer }
    }
    return Set(ports).sorted()
  }
}
