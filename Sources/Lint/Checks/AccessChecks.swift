extension Checks {
  /// Who can reach the models or attach routes without the platform's consent.
  static let accessChecks = [
    Check(
      "open-model-service", .warning,
      "A model's pods accept connections from anywhere: a caller that bypasses the gateway bypasses its limits.",
      remedy: "add a NetworkPolicy for its pods that lets in only the gateway's namespace"
    ) { context, check in openServices(context, check) },
    Check(
      "routes-from-anywhere", .warning,
      "Any namespace may attach routes to the gateway.",
      remedy:
        "write allowedRoutes.namespaces.from: Selector, and select namespaces by a label of yours"
    ) { context, check in
      let gateways = context.set.resources("Gateway", group: EnvoyGatewayReading.gatewayGroup)
      return context.setups.filter(\.isWhole).flatMap { setup in
        gateways.filter { $0.root.object == setup.field.object }.flatMap { gateway in
          gateway.spec["listeners"].items.map { $0["allowedRoutes"]["namespaces"]["from"] }
            .filter { $0.text == "All" }
            .map { check.finding($0, "every namespace of the cluster may attach routes here") }
        }
      }
    },
  ]

  /// Services of model routes whose pods no NetworkPolicy protects. Only Services in the set are checked.
  private static func openServices(_ context: LintContext, _ check: Check) -> [Finding] {
    let services = context.set.resources("Service", group: "")
    let policies = context.set.resources("NetworkPolicy", group: "networking.k8s.io")
    let routes = context.set.resources("HTTPRoute", group: EnvoyGatewayReading.gatewayGroup)
    var findings: [Finding] = []
    for service in services {
      let isModel = routes.contains { route in
        route.spec["rules"].items.flatMap { $0["backendRefs"].items }.contains { backend in
          ObjectReference(backend, group: "", kind: "Service", namespace: route.namespace)
            .names(service)
        }
      }
      let own = policies.filter { policy in
        policy.namespace == service.namespace
          && (policy.spec["policyTypes"].texts.contains("Ingress")
            || !policy.spec["policyTypes"].exists)
          && Labels.select(policy.spec["podSelector"], service.spec["selector"])
      }
      // NetworkPolicies add up, so one rule without `from` lets everybody in.
      let isClosed =
        !own.isEmpty
        && own.allSatisfy { $0.spec["ingress"].items.allSatisfy { !$0["from"].items.isEmpty } }
      if isModel, !isClosed {
        findings.append(
          check.finding(
            service.root,
            own.isEmpty
              ? "no NetworkPolicy in \(service.namespace) selects its pods"
              : "a NetworkPolicy in \(service.namespace) lets everybody reach its pods"))
      }
    }
    return findings
  }
}
