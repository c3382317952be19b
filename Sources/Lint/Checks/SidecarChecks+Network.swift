extension Checks {
  /// Probes and PodMonitors that ask the pod's address for a port on which Tollgate does not listen there.
  static func unreachable(
    _ pod: TollgatePod, _ context: LintContext, _ report: inout Findings
  ) {
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
  }

  /// The default of `tollgate serve --admin`.
  private static let adminDefault = "127.0.0.1:9090"

  private static func monitors(_ monitor: Resource, _ pod: TollgatePod) -> Bool {
    let namespaces = monitor.spec["namespaceSelector"]
    let names = namespaces["matchNames"]
    let isThere =
      namespaces["any"].bool == true
      || (names.exists ? names.texts : [monitor.namespace]).contains(pod.namespace)
    return isThere && Labels.select(monitor.spec["selector"]) { pod.labels[$0] }
  }

  /// Egress that the pod needs and no NetworkPolicy for it allows, where any restricts its egress.
  static func closedEgress(
    _ pod: TollgatePod, _ context: LintContext, _ report: inout Findings
  ) {
    let gateway = context.set.resources("Gateway").first
    let policies = context.set.resources("NetworkPolicy").filter {
      $0.namespace == pod.namespace && $0.spec["policyTypes"].texts.contains("Egress")
        && Labels.select($0.spec["podSelector"]) { key in
          switch key {
          case "gateway.envoyproxy.io/owning-gateway-name": gateway?.name
          case "gateway.envoyproxy.io/owning-gateway-namespace": gateway?.namespace
          default: pod.labels[key]
          }
        }
    }
    let rules = policies.flatMap { $0.spec["egress"].items }
    var wanted: [(what: String, port: Int64, proto: String)] = [("DNS", 53, "UDP")]
    if pod.proxy != nil { wanted.append(("Envoy Gateway's xDS", 18_000, "TCP")) }
    wanted += modelPorts(context).map { ("models", $0, "TCP") }
    let missing = wanted.filter { want in !rules.contains { lets($0, out: want.port, want.proto) } }
      .map { "\($0.what) (\($0.port)/\($0.proto))" }
    if let first = policies.first, !missing.isEmpty {
      report(first.spec["egress"], "no rule allows egress to \(missing.joined(separator: ", "))")
    }
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
