extension Checks {
  /// Who can reach the models or attach routes without the platform's consent.
  static let accessChecks = [
    Check(
      "open-model-service", .warning, each: \.whole,
      "A model's pods accept connections from anywhere: a caller that bypasses the gateway bypasses its limits.",
      remedy: "add a NetworkPolicy for its pods that lets in only the gateway's namespace"
    ) { context, _, report in
      // Only Services in the set are checked.
      let targets = context.set.resources("HTTPRoute").flatMap { $0.backends.map(\.target) }
      for service in context.set.resources("Service")
      where targets.contains(where: { $0.names(service) }) {
        let (place, labels) = (service.namespace, Labels.all(service.spec["selector"]))
        let policies = context.networkPolicies("Ingress", in: place, for: labels)
        if policies.isEmpty {
          report(service.root, "no NetworkPolicy in \(place) selects its pods")
        }
        // NetworkPolicies add up, so one rule without `from` lets everybody in.
        if policies.flatMap({ $0.spec["ingress"].items }).contains(where: {
          $0["from"].items.isEmpty
        }) {
          report(service.root, "a NetworkPolicy in \(place) lets everybody reach its pods")
        }
      }
    },
    Check(
      "routes-from-anywhere", .warning, each: \.gateways,
      "Any namespace may attach routes to the gateway.",
      remedy: "write allowedRoutes.namespaces.from: Selector, with a label of yours"
    ) { gateway, _, report in
      for from in gateway.spec.all("listeners[].allowedRoutes.namespaces.from")
      where from.text == "All" {
        report(from, "every namespace of the cluster may attach routes here")
      }
    },
  ]
}
