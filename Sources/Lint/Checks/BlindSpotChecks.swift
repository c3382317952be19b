extension Checks {
  /// Parts of a deployment that no check can look at. They are reported, so that nobody believes that they
  /// were checked.
  static let blindSpotChecks = [
    Check(
      notChecked, .warning,
      "Part of the configuration is not in the input or not understood, and was not checked: the exit code is 1 unless this check is ignored.",
      remedy:
        "add its files to the input, give lint what Envoy answers at /config_dump, or run envoy/prove on that"
    ) { context, check in
      let found = context.envoys.flatMap { $0.blindSpots() } + context.set.unread
      return gatewayBlindSpots(context, check)
        + (found + nobodyAsked(context)).map {
          check.finding($0.field, "not checked: \($0.message)")
        }
    }
  ]

  static let notChecked = "not-checked"

  /// Gateways and Envoy configs, where none of the set has to do with Tollgate.
  private static func nobodyAsked(_ context: LintContext) -> [(field: Field, message: String)] {
    guard context.setups.isEmpty else { return [] }
    let gateways = context.set.resources("Gateway", group: EnvoyGatewayReading.gatewayGroup)
    let configs = context.set.configs.filter { !$0.listeners.isEmpty }.map(\.root)
    return (gateways.map(\.root) + configs).map {
      ($0, "nothing here asks Tollgate, as far as lint can tell")
    }
  }

  private static func gatewayBlindSpots(_ context: LintContext, _ check: Check) -> [Finding] {
    let reading = EnvoyGatewayReading(context.set)
    var findings = reading.patches(on: context.setups).flatMap { patches in
      patches.filter { $0.part == .other }.map { patch in
        check.finding(
          patch.field, "not checked: how the patch \(patch.name) changes Envoy's config",
          remedy: "use Envoy Gateway's own policies, or check /config_dump yourself")
      }
    }
    let gateways = context.set.resources("Gateway", group: EnvoyGatewayReading.gatewayGroup)
      .filter { gateway in context.setups.contains { $0.field.object == gateway.root.object } }
    for listeners in context.set.resources(
      "ListenerSet", "XListenerSet")
    where gateways.contains(where: { gateway in
      ObjectReference(
        listeners.spec["parentRef"], group: EnvoyGatewayReading.gatewayGroup, kind: "Gateway",
        namespace: listeners.namespace
      ).names(gateway)
    }) {
      findings.append(
        check.finding(
          listeners.spec["listeners"],
          "not checked: these listeners of the gateway, and the routes attached to them"))
    }
    for gateway in gateways {
      guard let bootstrap = reading.envoyProxy(of: gateway)?.spec["bootstrap"], bootstrap.exists
      else { continue }
      findings.append(
        check.finding(bootstrap, "not checked: how this changes Envoy's bootstrap config"))
    }
    return findings
  }
}
