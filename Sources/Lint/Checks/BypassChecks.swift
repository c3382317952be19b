extension Checks {
  /// Ways through Envoy to a model on which Tollgate is not asked.
  static let bypassChecks = [
    Check(
      "way-around", .error, each: \.whole,
      "A model's backend can be reached through Envoy without Tollgate being asked.",
      remedy: "remove this way, or use the gateway's HTTP routes"
    ) { context, _, report in
      // TCPRoutes and TLSRoutes to models, and routes of gateways without Tollgate to the same backends.
      let routes = context.resources.routes
      let guarded = context.chains.filter(\.asksTollgate).compactMap(\.gateway)
      func isGuarded(_ route: Resource) -> Bool { guarded.contains(where: route.isAttached) }
      let models = Set(routes.filter(isGuarded).flatMap { $0.backends.map(\.target) })
      for route in context.set.resources("TCPRoute", "TLSRoute") {
        for (field, target) in route.backends where isGuarded(route) || models.contains(target) {
          let isModel = models.contains(target)
          let what = "\(target.path)\(isModel ? "" : ", which may be a model")"
          report(
            field, "a \(route.kind) leads to \(what), and Tollgate is not asked",
            severity: isModel ? nil : .warning)
        }
      }
      let known = Set(context.chains.map(\.field.object))
      for gateway in context.set.resources("Gateway") where !known.contains(gateway.root.object) {
        for (field, target) in routes.filter({ $0.isAttached(to: gateway) }).flatMap(\.backends)
        where models.contains(target) {
          report(field, "\(gateway.root.object) leads to \(target.path), and does not ask Tollgate")
        }
      }
      // Listeners of an Envoy config without Tollgate that lead to the clusters of those with Tollgate.
      for reading in context.envoys {
        let asking = reading.chains.filter(\.asksTollgate).flatMap(\.backendRules)
        let models = Set(asking.flatMap(\.backends).flatMap(BootstrapReading.clusterNames))
        let others = reading.chains.filter { !$0.concernsTollgate }.flatMap(\.backendRules)
        for way in others.flatMap(\.backends) + reading.tcpProxies() {
          if let name = BootstrapReading.clusterNames(way).first(where: models.contains) {
            report(way, "this also leads to the cluster \(name), and Tollgate is not asked")
          }
        }
      }
    },
    Check(
      "envoy-patch", .error, each: \.whole,
      "A patch changes Envoy's filters or routes after Envoy Gateway made them: Envoy does not run what is checked here, and Tollgate is not asked for a route that a patch adds.",
      remedy: "use Envoy Gateway's own policies and routes; do not patch filters and routes"
    ) { context, _, report in
      for patch in context.resources.patches(on: context.gateways) {
        guard let part = patch.part, part != .other else { continue }
        report(patch.field, "\(patch.name): this may change the \(part) that ask Tollgate")
      }
    },
  ]
}
