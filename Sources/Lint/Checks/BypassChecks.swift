extension Checks {
  /// Ways through Envoy to a model on which Tollgate is not asked.
  static let bypassChecks = [
    Check(
      "way-around", .error,
      "A model's backend can be reached through Envoy without Tollgate being asked.",
      remedy: "remove this way, or use the gateway's HTTP routes"
    ) { context, check in gatewayWays(context, check) + envoyWays(context, check) },
    Check(
      "envoy-patch", .error,
      "A patch changes Envoy's filters or routes after Envoy Gateway made them: Envoy does not run what is checked here, and Tollgate is not asked for a route that a patch adds.",
      remedy: "use Envoy Gateway's own policies and routes; do not patch filters and routes"
    ) { context, check in
      EnvoyGatewayReading(context.set).patches(on: context.setups).flatMap { patches in
        patches.compactMap { patch in
          switch patch.part {
          case .filters:
            check.finding(
              patch.field, "\(patch.name): this may remove or change Tollgate's filters")
          case .routes:
            check.finding(
              patch.field, "\(patch.name): after this a route may not ask Tollgate any more")
          case .other, nil: nil
          }
        }
      }
    },
  ]

  /// TCPRoutes and TLSRoutes to models, and routes of gateways without Tollgate to the same backends.
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
            "a \(route.kind) passes connections on unread, so Tollgate is not asked on the way to "
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
              "\(gateway.root.object) also leads to \(target.namespace)/\(target.name), and does not "
                + "ask Tollgate"))
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

  /// Listeners of an Envoy config without Tollgate that lead to the clusters of those with Tollgate.
  private static func envoyWays(_ context: LintContext, _ check: Check) -> [Finding] {
    var findings: [Finding] = []
    for reading in context.envoys {
      let ways = reading.setups.filter(\.asksTollgate).flatMap(\.backendRules).flatMap(\.backends)
      let models = Set(ways.flatMap(BootstrapReading.clusterNames))
      let others = reading.setups.filter { !$0.concernsTollgate }.flatMap(\.backendRules)
      for way in others.flatMap(\.backends) + reading.tcpProxies() {
        guard let name = BootstrapReading.clusterNames(way).first(where: models.contains) else {
          continue
        }
        findings.append(
          check.finding(way, "this also leads to the cluster \(name), and Tollgate is not asked"))
      }
    }
    return findings
  }
}
