extension Checks {
  /// What Tollgate's pod needs from the resources around it.
  static let sidecarChecks = [
    Check(
      "no-sidecar", .error, each: \.chains,
      "The gateway asks Tollgate over a Unix socket, but its EnvoyProxy runs no Tollgate: every request fails.",
      remedy: "add Tollgate to the EnvoyProxy's initContainers, with restartPolicy: Always"
    ) { chain, context, report in
      guard let proxy = chain.gateway.flatMap(context.resources.envoyProxy),
        (proxy.spec.at("provider.type").text ?? "Kubernetes") == "Kubernetes"
      else { return }
      let own = context.containers.filter { $0.proxy?.root.object == proxy.root.object }
      let path = chain.filters.map(\.field).flatMap(context.resources.sockets).first
      if let path, !own.contains(where: { $0.isTollgate || $0.isCompanion(on: path) }) {
        report(
          proxy.spec.at("provider.kubernetes"),
          "no container has \(path), where \(chain.field.object) asks Tollgate")
      }
    },
    Check(
      "unfollowed-policy", .warning, each: \.pods,
      "The running Tollgate does not notice a changed ConfigMap: keys that were removed go on working.",
      remedy: "mount the whole directory; set --watch, or shareProcessNamespace and send SIGHUP"
    ) { pod, _, report in
      guard let path = pod.setting("policy"),
        let mount = TollgatePod.mount(of: path, in: pod.container),
        let volume = pod.volume(of: mount), !configMaps(of: volume).isEmpty
      else { return }
      let isWatched = pod.settings["watch"] != nil && pod.setting("watch") != "false"
      let canBeSignalled = pod.podSpecs.contains { $0["shareProcessNamespace"].bool == true }
      if let name = ["subPath", "subPathExpr"].first(where: { mount[$0].exists }) {
        report(mount[name], "a file that is mounted by \(name) is not updated while the pod runs")
      } else if !isWatched, !canBeSignalled {
        report(pod.container["args"], "Tollgate is not told that its policy has changed")
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
      }.map { (pod.container[$0].at("httpGet.port"), $0) }
      let ports = pod.container.all("ports[].name").compactMap(\.text)
      let own = context.set.resources("PodMonitor").filter { monitor in
        let (selector, names) = (monitor.spec["namespaceSelector"], "matchNames")
        let namespaces = selector[names].exists ? selector[names].texts : [monitor.namespace]
        return (selector["any"].bool == true || namespaces.contains(pod.namespace))
          && Labels.select(monitor.spec["selector"], pod.labels)
      }
      let scrapes = own.flatMap { monitor in
        monitor.spec.all("podMetricsEndpoints[].port").filter { ports.contains($0.text ?? "") }
          .map { ($0, monitor.root.object) }
      }
      let served = (pod.settings("metrics") + [pod.setting("admin") ?? ""])
        .compactMap(TCPAddress.init)
      for (field, who) in probes + scrapes {
        guard let port = pod.port(field) else { continue }
        if served.contains(where: { $0.port == port && !$0.isLoopback }) { continue }
        report(field, "\(who) asks the pod for port \(port), where Tollgate does not listen")
      }
    },
    Check(
      "missing-config-map", .error, each: \.pods,
      "The pod names a ConfigMap that its namespace does not have: it never starts.",
      remedy: "put the ConfigMap into the pod's namespace; another's cannot be mounted"
    ) { pod, context, report in
      let volumes = pod.container["volumeMounts"].items.compactMap(pod.volume)
      let named =
        volumes.flatMap(configMaps) + pod.container.all("envFrom[].configMapRef")
        + pod.container.all("env[].valueFrom.configMapKeyRef")
      for name in named.filter({ $0["optional"].bool != true }).map({ $0["name"] }) {
        let own = context.configMaps.filter { $0.name == name.text }.map(\.namespace)
        guard let text = name.text, !own.contains(pod.namespace) else { continue }
        let missing = "\(pod.namespace) has no ConfigMap \(text)"
        if let other = own.first {
          report(name, "\(missing); it is in \(other)")
        } else if context.configMaps.contains(where: { $0.namespace == pod.namespace }) {
          // Only where the set has other ConfigMaps of the namespace: otherwise they may be in other files.
          report(name, "\(missing) (among these files)", severity: .warning)
        }
      }
    },
    Check(
      "closed-egress", .error, each: \.pods,
      "NetworkPolicies do not allow egress that Envoy needs: DNS, its configuration (xDS), the models.",
      remedy:
        "allow egress to DNS (53, UDP and TCP), Envoy Gateway's xDS (18000), the models' ports"
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
      let missing = wanted.filter { want in
        !rules.contains { lets($0, out: want.port, want.proto) }
      }.map { "\($0.what) (\($0.port)/\($0.proto))" }
      report(policies.first?.spec["egress"], all: missing) { "no rule allows egress to \($0)" }
    },
  ]

  private static func configMaps(of volume: Field) -> [Field] {
    volume.all("configMap") + volume.all("projected.sources[].configMap")
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
    let ports = context.backends.compactMap { backend, target -> Int64? in
      let ports = context.service(target)?.spec["ports"].items
      let port = ports?.first { $0["port"].integer == backend["port"].integer }
      return port.flatMap { $0[$0["targetPort"].exists ? "targetPort" : "port"].integer }
    }
    return Set(ports).sorted()
  }
}
