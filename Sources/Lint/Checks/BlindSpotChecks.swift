extension Checks {
  /// Parts of a deployment that no check can look at. They are reported, so that nobody believes that they
  /// were checked.
  static let blindSpotChecks = [
    Check(
      "not-checked", .warning,
      "Part of the configuration is not in the input, and was not checked.",
      remedy: "add its files to the input, or check Envoy's running config (/config_dump) yourself"
    ) { context, check in
      gatewayBlindSpots(context, check)
        + context.set.bootstraps.flatMap { bootstrap in
          BootstrapReading(bootstrap).blindSpots().map { check.finding($0.field, $0.message) }
        }
    }
  ]

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
