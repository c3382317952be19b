/// Finds the containers that run `tollgate serve`, in EnvoyProxies and in workloads.
struct TollgatePodReading {
  let set: LintSet

  init(_ set: LintSet) { self.set = set }

  func pods() -> [TollgatePod] {
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
    let copies: TollgatePod.Copies =
      isDaemonSet
      ? .everyNode(workload)
      : several([patch["replicas"], workload["replicas"], kubernetes.at("envoyHpa.maxReplicas")])
    // The labels that Envoy Gateway gives its pods, and those that the EnvoyProxy adds.
    let labels = [
      "app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy",
      "app.kubernetes.io/managed-by": "envoy-gateway",
    ].merging(Labels.all(workload.at("pod.labels"))) { $1 }
      .merging(Labels.all(patch.at("template.metadata.labels"))) { $1 }
    let surges = surges(
      strategies.first(where: \.exists) ?? strategies[0], ofDaemonSet: isDaemonSet)
    return pods(
      of: proxy, proxy: proxy,
      initial: workload["initContainers"].items + template["initContainers"].items,
      main: template["containers"].items,
      envoy: [workload["container"]]
        + template["containers"].items.filter { $0["name"].text == "envoy" },
      labels: labels, podSpecs: [template, workload["pod"]], copies: copies, surges: surges)
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
    let surges =
      workload.kind == "StatefulSet" ? nil : surges(strategy, ofDaemonSet: isDaemonSet)
    let (initial, main) = (template["initContainers"].items, template["containers"].items)
    return pods(
      of: workload, initial: initial, main: main,
      envoy: (main + initial).filter { $0["image"].text?.contains("envoy") == true },
      labels: Labels.all(spec.at("template.metadata.labels")), podSpecs: [template],
      copies: isDaemonSet
        ? .everyNode(spec)
        : several([spec["replicas"], scaler?.spec["maxReplicas"]].compactMap { $0 }),
      surges: surges)
  }

  /// One for each container that runs Tollgate; of the initial ones, those that are restarted are native
  /// sidecars.
  private func pods(
    of resource: Resource, proxy: Resource? = nil, initial: [Field], main: [Field], envoy: [Field],
    labels: [String: String], podSpecs: [Field], copies: TollgatePod.Copies, surges: Field?
  ) -> [TollgatePod] {
    let all = initial.map { ($0, $0["restartPolicy"].text == "Always") } + main.map { ($0, false) }
    return all.map { container, isNativeSidecar in
      TollgatePod(
        container: container, envoy: envoy, proxy: proxy, namespace: resource.namespace,
        labels: labels, isNativeSidecar: isNativeSidecar,
        claimTemplates: resource.spec["volumeClaimTemplates"].items, podSpecs: podSpecs,
        copies: copies, surges: surges,
        settings: settings(of: container, namespace: resource.namespace))
    }.filter { pod in
      let names = [pod.container["name"].text, pod.container["image"].text].compactMap { $0 }
      return pod.words.contains("serve") && (names + pod.words).contains { $0.contains("tollgate") }
    }
  }

  private func several(_ counts: [Field]) -> TollgatePod.Copies {
    counts.first { ($0.integer ?? 0) > 1 }.map { .several($0) } ?? .one
  }

  /// The setting by which a new pod may start before the old one has ended: a Deployment's default is a
  /// surge of a quarter, rounded up; a DaemonSet's is none.
  private func surges(_ strategy: Field, ofDaemonSet isDaemonSet: Bool) -> Field? {
    let surge = strategy.at("rollingUpdate.maxSurge")
    if let type = strategy["type"].text, type != "RollingUpdate" { return nil }
    if isDaemonSet, !surge.exists { return nil }
    return ["0", "0%"].contains(surge.text) ? nil : surge
  }

  /// The values of `--flag=value`, `--flag value` and the environment, also from ConfigMaps of the set.
  private func settings(of container: Field, namespace: String) -> [String: [Field]] {
    var settings: [String: [Field]] = [:]
    var flags: [String: [Field]] = [:]
    func store(_ variable: String, _ value: Field) {
      guard variable.hasPrefix("TOLLGATE_") else { return }
      let name = variable.dropFirst("TOLLGATE_".count).lowercased().replacing("_", with: "-")
      settings[name] = [value]
    }
    for source in container["envFrom"].items {
      let name = source.at("configMapRef.name").text
      let configMap = set.resource("ConfigMap", name, in: namespace)
      for (key, value) in configMap?.root["data"].members ?? [] {
        store((source["prefix"].text ?? "") + key, value)
      }
    }
    for variable in container["env"].items {
      store(variable["name"].text ?? "", variable["value"])
    }
    let words = container["command"].items + container["args"].items
    for (index, word) in words.enumerated() {
      guard let text = word.text, text.hasPrefix("--") else { continue }
      if let equals = text.firstIndex(of: "=") {
        flags[String(text[..<equals].dropFirst(2)), default: []].append(word)
      } else {
        // The last word may be a flag without a value.
        let value = index + 1 < words.count ? words[index + 1] : word
        flags[String(text.dropFirst(2)), default: []].append(value)
      }
    }
    return settings.merging(flags) { _, flag in flag }
  }
}
