import Policy
import Terms

/// What the policies say about model routes.
struct PolicyTraffic: Sendable {
  /// The use of a model route by one model.
  struct Use: Sendable {
    let model: String
    let trafficClass: TrafficClass
    /// The endpoints' paths on which some tenant may use the model, without Azure's.
    let paths: [String]
  }

  /// The uses with the model route's name, in the policy's order.
  let uses: [(route: String, use: Use)]
  /// The `route`s of paths that are not inspected, with the paths.
  let customRoutes: [(route: String, path: String)]
  /// All names and aliases of models.
  let modelNames: Set<String>

  init(_ policies: [PolicySnapshot]) {
    var uses: [(String, Use)] = []
    var custom: [(String, String)] = []
    var names: Set<String> = []
    for policy in policies {
      for model in policy.models {
        names.formUnion([model.name.string] + model.aliases)
        let paths = Endpoint.allCases.filter { endpoint in
          (model.paths?.contains(endpoint) ?? true)
            && policy.tenants.contains { $0.models(at: endpoint)?.contains(model.index) == true }
        }.map(\.path.string)
        for route in model.routes {
          uses.append(
            (
              route.name.string,
              Use(model: model.name.string, trafficClass: model.trafficClass, paths: paths)
            ))
        }
      }
      for tenant in policy.tenants {
        for (index, path) in policy.customPaths.enumerated() {
          if let route = tenant.route(forCustomPath: index)?.string { custom.append((route, path)) }
        }
      }
    }
    self.uses = uses
    customRoutes = custom
    modelNames = names
  }

  /// All model routes of the policies.
  var routeNames: Set<String> { Set(uses.map(\.route) + customRoutes.map(\.route)) }

  func uses(of route: String) -> [Use] { uses.filter { $0.route == route }.map(\.use) }

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
    let endpoints = Endpoint.allCases.filter { endpoint in
      rule.matches.contains { match in
        match.path != .prefix("/") && match.covers(path: endpoint.path.string)
      }
    }
    if endpoints.isEmpty { return nil }
    return endpoints.contains { Self.interactive.contains($0) }
  }

  /// Whether a rule takes embeddings, for which nobody waits.
  func isBatch(_ rule: RouteRule) -> Bool {
    let embeddings = Endpoint.embeddings.path.string
    let known = rule.modelRoutes.flatMap(uses)
    if !known.isEmpty {
      return known.contains { !$0.trafficClass.streaming && $0.paths.contains(embeddings) }
    }
    return rule.matches.contains { $0.path != .prefix("/") && $0.covers(path: embeddings) }
  }

  private static let interactive: Set<Endpoint> = [
    .chatCompletions, .completions, .responses, .messages,
  ]
}
