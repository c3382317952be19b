/// Finds the containers of EnvoyProxies and workloads, any of which may run Tollgate.
struct TollgatePodReading {
  let set: LintSet

  init(_ set: LintSet) { self.set = set }

  func containers() -> [TollgatePod] {
    set.resources("EnvoyProxy").flatMap(pods(ofProxy:))
      + set.resources("Deployment", "DaemonSet", "StatefulSet").flatMap(pods(ofWorkload:))
  }

  private func pods(ofProxy proxy: Resource) -> [TollgatePod] {
    let kubernetes = proxy.spec.at("provider.kubernetes")
    let isDaemonSet = kubernetes["envoyDaemonSet"].exists
    let workload = kubernetes[isDaemonSet ? "envoyDaemonSet" : "envoyDeployment"]
    guard workload.exists else { return [] }
    let patch = workload.at("patch.value.spec")
    let template = patch.at("template.spec")
    let strategies = [workload["strategy"], patch[isDaemonSet ? "updateStrategy" : "strategy"]]
    let counts = [patch["replicas"], workload["replicas"], kubernetes.at("envoyHpa.maxReplicas")]
    // The labels that Envoy Gateway gives its pods, and those that the EnvoyProxy adds.
    let labels = [
      "app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy",
      "app.kubernetes.io/managed-by": "envoy-gateway",
    ].merging(Labels.all(workload.at("pod.labels"))) { $1 }
      .merging(Labels.all(patch.at("template.metadata.labels"))) { $1 }
    let main = template["containers"].items
    return pods(
      TollgatePod(
        resource: proxy,
        envoy: [workload["container"]] + main.filter { $0["name"].text == "envoy" },
        labels: labels, podSpecs: [template, workload["pod"]],
        copies: isDaemonSet ? workload : several(counts),
        surges: surges(strategies.first(where: \.exists) ?? strategies[0], isDaemonSet),
        container: workload),
      initial: workload["initContainers"].items + template["initContainers"].items, main: main)
  }

  private func pods(ofWorkload workload: Resource) -> [TollgatePod] {
    let spec = workload.spec
    let template = spec.at("template.spec")
    let scaler = set.resources("HorizontalPodAutoscaler").first {
      let target = $0.spec["scaleTargetRef"]
      return target["name"].text == workload.name && target["kind"].text == workload.kind
        && $0.namespace == workload.namespace
    }
    let isDaemonSet = workload.kind == "DaemonSet"
    let strategy = spec[isDaemonSet ? "updateStrategy" : "strategy"]
    let counts = [spec["replicas"], scaler?.spec["maxReplicas"]].compactMap { $0 }
    let (initial, main) = (template["initContainers"].items, template["containers"].items)
    return pods(
      TollgatePod(
        resource: workload,
        envoy: (main + initial).filter { $0["image"].text?.contains("envoy") == true },
        labels: Labels.all(spec.at("template.metadata.labels")), podSpecs: [template],
        copies: isDaemonSet ? spec : several(counts),
        surges: workload.kind == "StatefulSet" ? nil : surges(strategy, isDaemonSet),
        container: template),
      initial: initial, main: main)
  }

  /// One for each container; of the initial ones, those that are restarted are native sidecars.
  private func pods(_ pod: TollgatePod, initial: [Field], main: [Field]) -> [TollgatePod] {
    let all = initial.map { ($0, $0["restartPolicy"].text == "Always") } + main.map { ($0, false) }
    return all.map { container, isNativeSidecar in
      var pod = pod
      pod.container = container
      pod.isNativeSidecar = isNativeSidecar
      pod.settings = settings(of: container, in: pod.namespace)
      return pod
    }
  }

  private func several(_ counts: [Field]) -> Field? { counts.first { ($0.integer ?? 0) > 1 } }

  /// The setting by which a new pod may start before the old one has ended: a Deployment's default is a
  /// surge of a quarter, rounded up; a DaemonSet's is none.
  private func surges(_ strategy: Field, _ isDaemonSet: Bool) -> Field? {
    let surge = strategy.at("rollingUpdate.maxSurge")
    let isRolling = [nil, "RollingUpdate"].contains(strategy["type"].text)
    if !isRolling || isDaemonSet && !surge.exists { return nil }
    return ["0", "0%"].contains(surge.text) ? nil : surge
  }

  /// The values of `--flag=value`, `--flag value` and the environment, also from ConfigMaps of the set.
  private func settings(of container: Field, in namespace: String) -> [String: [Field]] {
    let mapped = container["envFrom"].items.flatMap { source in
      let name = source.at("configMapRef.name").text
      let data = set.resource("ConfigMap", name, in: namespace)?.root["data"].members ?? []
      return data.map { ((source["prefix"].text ?? "") + $0.key, $0.value) }
    }
    let variables = mapped + container["env"].items.map { ($0["name"].text ?? "", $0["value"]) }
    var settings: [String: [Field]] = [:]
    for (name, value) in variables where name.hasPrefix("TOLLGATE_") {
      let flag = name.dropFirst("TOLLGATE_".count).lowercased().replacing("_", with: "-")
      settings[flag] = [value]
    }
    var flags: [String: [Field]] = [:]
    let words = container["command"].items + container["args"].items
    for (index, word) in words.enumerated() {
      guard let text = word.text, text.hasPrefix("--") else { continue }
      let name = String(text.dropFirst(2).prefix { $0 != "=" })
      // The last word may be a flag without a value.
      let isApart = !text.contains("=") && index + 1 < words.count
      flags[name, default: []].append(isApart ? words[index + 1] : word)
    }
    return settings.merging(flags) { _, flag in flag }
  }
}
