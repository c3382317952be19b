import Policy
import Terms

/// A set as the checks see it: read once.
struct LintContext: Sendable {
  let set: LintSet
  /// Those that have to do with Tollgate.
  let setups: [GatewaySetup]
  let pods: [TollgatePod]
  let traffic: PolicyTraffic

  init(_ set: LintSet) {
    self.set = set
    setups =
      (EnvoyGatewayReading(set).setups()
      + set.bootstraps.flatMap { BootstrapReading($0).setups() })
      .filter(\.concernsTollgate)
    pods = TollgatePodReading(set).pods()
    traffic = PolicyTraffic(set.policies)
  }

  var policies: [PolicySnapshot] { self.set.policies }

  /// The largest body a policy lets in; its default where there is no policy.
  var bodyBytesMax: Int64 {
    Int64(policies.map(\.maxBodyBytes).max() ?? 32 << 20)
  }
}

/// What the policies say of model routes.
struct PolicyTraffic: Sendable {
  /// A model route as one model uses it.
  struct Use: Sendable {
    let model: String
    let trafficClass: TrafficClass
    /// Paths on which some tenant may ask for it; those of Azure are left out.
    let paths: [String]
  }

  /// By the model route's name, in the policy's order.
  let uses: [(route: String, use: Use)]
  /// Routes of uninspected paths, with the paths.
  let customRoutes: [(route: String, path: String)]
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

  /// Every model route a policy knows.
  var routeNames: Set<String> { Set(uses.map(\.route) + customRoutes.map(\.route)) }

  func uses(of route: String) -> [Use] { uses.filter { $0.route == route }.map(\.use) }

  /// Whether requests of this rule are answered while somebody waits: by the policy, or, where it does
  /// not know the route, by the path. nil where nothing tells.
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

  /// Whether embeddings go this way, a job that can wait.
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
