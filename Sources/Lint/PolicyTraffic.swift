import Policy
import Terms

/// What the policies say about model routes.
struct PolicyTraffic: Sendable {
  /// The use of a model route by one model.
  struct Use: Sendable {
    let route: String
    let model: String
    let trafficClass: TrafficClass
    /// The endpoints' paths on which some tenant may use the model, without Azure's.
    let paths: [String]
  }

  /// In the policy's order.
  let uses: [Use]
  private let usesByRoute: [String: [Use]]
  /// The `route`s of paths that are not inspected, with the paths.
  let customRoutes: [(route: String, path: String)]
  let customPaths: Set<String>
  let routeNames: Set<String>
  /// All model routes, and all names and aliases of models.
  let names: Set<String>

  init(_ policies: [PolicySnapshot]) {
    uses = policies.flatMap { policy in
      policy.models.flatMap { model -> [Use] in
        let paths = Endpoint.allCases.filter { endpoint in
          (model.paths?.contains(endpoint) ?? true)
            && policy.tenants.contains { $0.models(at: endpoint)?.contains(model.index) == true }
        }.map(\.path.string)
        return model.routes.map {
          Use(
            route: $0.name.string, model: model.name.string, trafficClass: model.trafficClass,
            paths: paths)
        }
      }
    }
    usesByRoute = Dictionary(grouping: uses, by: \.route)
    customRoutes = policies.flatMap { policy in
      policy.tenants.flatMap { tenant in
        policy.customPaths.enumerated().compactMap { index, path in
          tenant.route(forCustomPath: index).map { ($0.string, path) }
        }
      }
    }
    customPaths = Set(customRoutes.map(\.path))
    routeNames = Set(usesByRoute.keys).union(customRoutes.map(\.route))
    names = routeNames.union(policies.flatMap(\.models).flatMap { [$0.name.string] + $0.aliases })
  }

  func uses(of route: String) -> [Use] { usesByRoute[route] ?? [] }

  /// Whether somebody waits for the responses of a rule: by the policy's class, or where the policy does
  /// not have the route, by the path. Nil where neither tells.
  func isInteractive(_ rule: RouteRule) -> Bool? {
    let known = rule.modelRoutes.flatMap(uses)
    if !known.isEmpty {
      return known.contains { $0.trafficClass.streaming || !$0.trafficClass.retryFriendly }
    }
    if rule.matches.contains(where: { $0.exactHeader(HeaderNames.stream) == "true" }) {
      return true
    }
    let endpoints = Endpoint.allCases.filter { Self.isMeant(for: $0, rule) }
    return endpoints.isEmpty ? nil : endpoints.contains { Self.interactive.contains($0) }
  }

  /// Whether a rule takes embeddings, for which nobody waits.
  func isBatch(_ rule: RouteRule) -> Bool {
    let known = rule.modelRoutes.flatMap(uses)
    if known.isEmpty { return Self.isMeant(for: .embeddings, rule) }
    return known.contains {
      !$0.trafficClass.streaming && $0.paths.contains(Endpoint.embeddings.path.string)
    }
  }

  /// Whether a rule's path is for an endpoint, and not for all.
  private static func isMeant(for endpoint: Endpoint, _ rule: RouteRule) -> Bool {
    rule.matches.contains { $0.path != .prefix("/") && $0.covers(path: endpoint.path.string) }
  }

  private static let interactive: Set<Endpoint> = [
    .chatCompletions, .completions, .responses, .messages,
  ]
}
