extension Checks {
  /// Probes and PodMonitors that ask the pod's address for a port on which Tollgate does not listen there.
  static func unreachable(
    _ pod: TollgatePod, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let served = (pod.settings("metrics") + [pod.setting("admin") ?? adminDefault])
      .compactMap(TCPAddress.init)
    var asked: [(field: Field, port: Int64, who: String)] = []
    for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
      let request = pod.container[name]["httpGet"]
      // A probe with a host of its own does not ask the pod's address.
      if request["host"].exists { continue }
      if let port = pod.port(request["port"]) { asked.append((request["port"], port, name)) }
    }
    for monitor in context.set.resources("PodMonitor", group: "monitoring.coreos.com")
    where monitors(monitor, pod) {
      for endpoint in monitor.spec["podMetricsEndpoints"].items {
        let isOurs = pod.container["ports"].items.contains {
          $0["name"].exists && $0["name"].text == endpoint["port"].text
        }
        guard isOurs, let port = pod.port(endpoint["port"]) else { continue }
        asked.append((endpoint["port"], port, monitor.root.object))
      }
    }
    return asked.compactMap { field, port, who in
      let there = served.filter { $0.port == port }
      if there.contains(where: { !$0.isLoopback }) { return nil }
      let why =
        there.isEmpty
        ? "Tollgate does not listen on port \(port)"
        : "Tollgate listens on port \(port) of the loopback address only"
      return check.finding(field, "\(why), but \(who) asks the pod's address for it")
    }
  }

  /// The default of `tollgate serve --admin`.
  private static let adminDefault = "127.0.0.1:9090"

  private static func monitors(_ monitor: Resource, _ pod: TollgatePod) -> Bool {
    let namespaces = monitor.spec["namespaceSelector"]
    let isThere =
      monitor.namespace == pod.namespace && !namespaces["matchNames"].exists
      || namespaces["any"].bool == true
      || namespaces["matchNames"].texts.contains(pod.namespace)
    return isThere && Labels.select(monitor.spec["selector"]) { pod.labels[$0] }
  }

  /// Egress that the pod needs and no NetworkPolicy for it allows. Nil where none restricts its egress.
  static func closedEgress(
    _ pod: TollgatePod, _ context: LintContext, _ check: Check
  ) -> Finding? {
    guard pod.isBesideEnvoy else { return nil }
    let gateway = context.set.resources("Gateway", group: EnvoyGatewayReading.gatewayGroup).first
    let policies = context.set.resources("NetworkPolicy", group: "networking.k8s.io").filter {
      $0.namespace == pod.namespace && $0.spec["policyTypes"].texts.contains("Egress")
        && Labels.select($0.spec["podSelector"]) { key in
          switch key {
          case "gateway.envoyproxy.io/owning-gateway-name": gateway?.name
          case "gateway.envoyproxy.io/owning-gateway-namespace": gateway?.namespace
          default: pod.labels[key]
          }
        }
    }
    guard let first = policies.first else { return nil }
    let rules = policies.flatMap { $0.spec["egress"].items }
    var wanted: [(what: String, port: Int64, proto: String)] = [("DNS", 53, "UDP")]
    if pod.proxy != nil { wanted.append(("Envoy Gateway's xDS", 18_000, "TCP")) }
    wanted += modelPorts(context).map { ("models", $0, "TCP") }
    let missing = wanted.filter { want in
      !rules.contains { lets($0, out: want.port, want.proto) }
    }
    guard !missing.isEmpty else { return nil }
    return check.finding(
      first.spec["egress"],
      "no rule allows egress to "
        + missing.map { "\($0.what) (\($0.port)/\($0.proto))" }.joined(separator: ", "))
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
    let services = context.set.resources("Service", group: "")
    let routes = EnvoyGatewayReading(context.set).routes
    var ports: Set<Int64> = []
    for route in routes {
      for backend in route.spec["rules"].items.flatMap({ $0["backendRefs"].items }) {
        let target = ObjectReference(
          backend, group: "", kind: "Service", namespace: route.namespace)
        let port = services.first(where: target.names)?.spec["ports"].items.first {
          $0["port"].integer == backend["port"].integer
        }
        guard let port else { continue }
        let written = port["targetPort"]
        if let number = written.exists ? written.integer : port["port"].integer {
          ports.insert(number)
        }
      }
    }
    return ports.sorted()
  }
}
