/// Finds the containers that run `tollgate serve`, in EnvoyProxies and in workloads.
struct TollgatePodReading {
  private let set: LintSet

  init(_ set: LintSet) { self.set = set }

  func pods() -> [TollgatePod] {
    let proxies = set.resources("EnvoyProxy", group: EnvoyGatewayReading.envoyGroup).flatMap {
      pods(of: $0)
    }
    let workloads = set.resources("Deployment", "DaemonSet", "StatefulSet", group: "apps").flatMap {
      pods(ofWorkload: $0)
    }
    return proxies + workloads
  }

  private func pods(of proxy: Resource) -> [TollgatePod] {
    let kubernetes = proxy.spec["provider"]["kubernetes"]
    let daemonSet = kubernetes["envoyDaemonSet"]
    let workload = daemonSet.exists ? daemonSet : kubernetes["envoyDeployment"]
    guard workload.exists else { return [] }
    let patch = workload["patch"]["value"]["spec"]
    let template = patch["template"]["spec"]
    let copies: TollgatePod.Copies =
      daemonSet.exists
      ? .several(daemonSet, "a DaemonSet runs one on every node")
      : several([patch["replicas"], workload["replicas"]], kubernetes["envoyHpa"])
    let kind = daemonSet.exists ? "updateStrategy" : "strategy"
    let strategies = [workload["strategy"], patch[kind]].filter(\.exists)
    let strategy = strategies.first ?? workload["strategy"]
    let envoy =
      [workload["container"]]
      + template["containers"].items.filter {
        $0["name"].text == "envoy"
      }
    return containers(
      initial: workload["initContainers"].items + template["initContainers"].items,
      main: template["containers"].items
    ).map { container, isInitial in
      TollgatePod(
        container: container, envoy: envoy, proxy: proxy, namespace: proxy.namespace,
        labels: Self.labels(ofProxy: workload, patch: patch),
        isNativeSidecar: isInitial && container["restartPolicy"].text == "Always",
        claimTemplates: [], podSpecs: [template, workload["pod"]], copies: copies,
        surges: daemonSet.exists ? daemonSurges(strategy) : surges(strategy),
        settings: settings(of: container, namespace: proxy.namespace))
    }
  }

  private func pods(ofWorkload workload: Resource) -> [TollgatePod] {
    let spec = workload.spec
    let template = spec["template"]["spec"]
    let scaler = set.resources("HorizontalPodAutoscaler", group: "autoscaling").first {
      $0.spec["scaleTargetRef"]["name"].text == workload.name
        && $0.spec["scaleTargetRef"]["kind"].text == workload.kind
        && $0.namespace == workload.namespace
    }
    let copies: TollgatePod.Copies =
      workload.kind == "DaemonSet"
      ? .several(spec, "a DaemonSet runs one on every node")
      : several([spec["replicas"]], scaler?.spec ?? spec["none"])
    let all = template["containers"].items + template["initContainers"].items
    return containers(
      initial: template["initContainers"].items, main: template["containers"].items
    ).map { container, isInitial in
      TollgatePod(
        container: container,
        envoy: all.filter { $0["image"].text?.contains("envoy") == true }, proxy: nil,
        namespace: workload.namespace,
        labels: Self.texts(spec["template"]["metadata"]["labels"]),
        isNativeSidecar: isInitial && container["restartPolicy"].text == "Always",
        claimTemplates: spec["volumeClaimTemplates"].items, podSpecs: [template], copies: copies,
        surges: surges(of: workload),
        settings: settings(of: container, namespace: workload.namespace))
    }
  }

  private func containers(
    initial: [Field], main: [Field]
  ) -> [(container: Field, isInitial: Bool)] {
    (initial.map { ($0, true) } + main.map { ($0, false) }).filter { container, _ in
      let words = container["command"].texts + container["args"].texts
      let names = [container["name"].text, container["image"].text].compactMap { $0 }
      return words.contains("serve") && (names + words).contains { $0.contains("tollgate") }
    }
  }

  private func several(_ counts: [Field], _ scaler: Field) -> TollgatePod.Copies {
    for count in counts {
      if let number = count.integer, number > 1 { return .several(count, "there are \(number)") }
    }
    let most = scaler["maxReplicas"]
    if let number = most.integer, number > 1 {
      return .several(most, "the autoscaler makes up to \(number)")
    }
    return .one
  }

  /// The labels that Envoy Gateway gives its pods, and those that the EnvoyProxy adds.
  private static func labels(ofProxy workload: Field, patch: Field) -> [String: String] {
    [
      "app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy",
      "app.kubernetes.io/managed-by": "envoy-gateway",
    ].merging(texts(workload["pod"]["labels"])) { $1 }
      .merging(texts(patch["template"]["metadata"]["labels"])) { $1 }
  }

  private static func texts(_ labels: Field) -> [String: String] {
    Dictionary(labels.members.map { ($0.key, $0.value.text ?? "") }) { $1 }
  }

  private func surges(of workload: Resource) -> Field? {
    switch workload.kind {
    case "Deployment": surges(workload.spec["strategy"])
    case "DaemonSet": daemonSurges(workload.spec["updateStrategy"])
    default: nil
    }
  }

  /// A DaemonSet's default is no surge.
  private func daemonSurges(_ strategy: Field) -> Field? {
    strategy["rollingUpdate"]["maxSurge"].exists ? surges(strategy) : nil
  }

  /// A Deployment's default is a surge of a quarter, rounded up.
  private func surges(_ strategy: Field) -> Field? {
    if let type = strategy["type"].text, type != "RollingUpdate" { return nil }
    let surge = strategy["rollingUpdate"]["maxSurge"]
    return surge.text == "0" || surge.text == "0%" ? nil : surge
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
      let configMap = set.resources("ConfigMap", group: "").first {
        $0.name == source["configMapRef"]["name"].text && $0.namespace == namespace
      }
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
