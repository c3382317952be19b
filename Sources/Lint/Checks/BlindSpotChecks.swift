extension Checks {
  /// Parts of a deployment that no check can look at; nobody shall believe that they were checked.
  static let blindSpotChecks = [
    Check(
      notChecked, .warning, each: \.whole,
      "Part of the configuration is not in the input or not understood, and was not checked: the exit code is 1 unless this check is ignored.",
      remedy: "add its files, or check what Envoy answers at /config_dump by lint or envoy/prove"
    ) { context, _, report in
      let spots = besideGateways(context) + context.envoys.flatMap { $0.blindSpots() }
      for spot in spots + context.set.unread + nobodyAsked(context) {
        report(spot.field, "not checked: \(spot.message)", remedy: spot.remedy)
      }
    }
  ]

  static let notChecked = "not-checked"

  /// Gateways and Envoy configs, where none of the set has to do with Tollgate.
  private static func nobodyAsked(_ context: LintContext) -> [Remark] {
    guard context.chains.isEmpty else { return [] }
    let configs = context.set.configs.filter { !$0.listeners.isEmpty }.map(\.root)
    return (context.set.resources("Gateway").map(\.root) + configs).map {
      Remark($0, "nothing here asks Tollgate, as far as lint can tell")
    }
  }

  /// What changes a Gateway besides the policies that lint reads.
  private static func besideGateways(_ context: LintContext) -> [Remark] {
    let gateways = context.gateways
    let patches = context.resources.patches(on: gateways).filter { $0.part == .other }
    let listenerSets = context.set.resources("ListenerSet", "XListenerSet").filter { listeners in
      let parent = listeners.spec["parentRef"]
      return gateways.contains(
        where: ObjectReference(parent, kind: "Gateway", in: listeners.namespace).names)
    }
    let proxies = gateways.compactMap(context.resources.envoyProxy)
    let other = "use Envoy Gateway's own policies, or check /config_dump yourself"
    return patches.map {
      Remark($0.field, "how the patch \($0.name) changes Envoy's config", remedy: other)
    }
      + listenerSets.map {
        Remark($0.spec["listeners"], "these listeners of the gateway, and their routes")
      }
      + proxies.flatMap { $0.spec.all("bootstrap") }.map {
        Remark($0, "how this changes Envoy's bootstrap config")
      }
  }
}
