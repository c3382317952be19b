extension Checks {
  /// Ways to a model through Envoy on which nobody asks Tollgate.
  static let bypassChecks = [
    Check(
      "way-around", .error,
      "A model's backend is reached through Envoy in a way on which Tollgate is not asked.",
      remedy: "take it away, or lead it through the gateway's HTTP routes"
    ) { context, check in gatewayWays(context, check) + envoyWays(context, check) },
    Check(
      "envoy-patch", .error,
      "A patch changes Envoy's filters or routes behind Envoy Gateway's back: what is checked here is not what runs, and a route that is patched in never asks Tollgate.",
      remedy: "use Envoy Gateway's own policies and routes; patch nothing that Tollgate rests on"
    ) { context, check in
      EnvoyGatewayReading(context.set).patches(on: context.setups).flatMap { patches in
        patches.compactMap { patch in
          switch patch.part {
          case .filters:
            check.finding(patch.field, "\(patch.name): Tollgate's filters may be gone behind it")
          case .routes:
            check.finding(patch.field, "\(patch.name): a route may lead past Tollgate behind it")
          case .other, nil: nil
          }
        }
      }
    },
  ]

  /// TCPRoutes and TLSRoutes, and HTTP routes of gateways without Tollgate.
  private static func gatewayWays(_ context: LintContext, _ check: Check) -> [Finding] {
    let reading = EnvoyGatewayReading(context.set)
    let gateways = context.set.resources("Gateway", group: EnvoyGatewayReading.gatewayGroup)
    let known = Set(context.setups.map(\.field.object))
    let guarded = gateways.filter { gateway in
      context.setups.contains { $0.asksTollgate && $0.field.object == gateway.root.object }
    }
    let models = Set(
      reading.routes.filter { route in guarded.contains { reading.isAttached(route, to: $0) } }
        .flatMap { backends(of: $0).map(\.target) })
    var findings: [Finding] = []
    for route in context.set.resources(
      "TCPRoute", "TLSRoute", group: EnvoyGatewayReading.gatewayGroup)
    {
      let isBeside = guarded.contains { reading.isAttached(route, to: $0) }
      for (field, target) in backends(of: route) where isBeside || models.contains(target) {
        let isModel = models.contains(target)
        findings.append(
          check.finding(
            field,
            "a \(route.kind) passes connections on as they are: Tollgate is not asked on the way to "
              + "\(target.namespace)/\(target.name)"
              + (isModel ? "" : ", which may be a model or something else"),
            severity: isModel ? nil : .warning))
      }
    }
    for gateway in gateways where !known.contains(gateway.root.object) {
      for route in reading.routes where reading.isAttached(route, to: gateway) {
        for (field, target) in backends(of: route) where models.contains(target) {
          findings.append(
            check.finding(
              field,
              "\(gateway.root.object) leads to \(target.namespace)/\(target.name), too, and never "
                + "asks Tollgate"))
        }
      }
    }
    return findings
  }

  private static func backends(of route: Resource) -> [(field: Field, target: ObjectReference)] {
    route.spec["rules"].items.flatMap { $0["backendRefs"].items }.map { field in
      (field, ObjectReference(field, group: "", kind: "Service", namespace: route.namespace))
    }
  }

  /// Other listeners of an Envoy config that lead to a cluster of the gateway's.
  private static func envoyWays(_ context: LintContext, _ check: Check) -> [Finding] {
    var findings: [Finding] = []
    for reading in context.set.bootstraps.map(BootstrapReading.init) {
      let setups = reading.setups()
      let ways = setups.filter(\.asksTollgate).flatMap(\.backendRules).flatMap(\.backends)
      let models = Set(ways.flatMap(BootstrapReading.clusterNames))
      let others = setups.filter { !$0.concernsTollgate }.flatMap(\.backendRules)
      for way in others.flatMap(\.backends) + reading.tcpProxies() {
        guard let name = BootstrapReading.clusterNames(way).first(where: models.contains) else {
          continue
        }
        findings.append(
          check.finding(way, "this leads to the cluster \(name), too, and Tollgate is not asked"))
      }
    }
    return findings
  }
}
