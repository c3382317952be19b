/// Checks the parts of a draft against each other, and makes the snapshot of a valid one.
final class PolicyCompiler {
  let draft: PolicyDraft
  let log: ProblemLog
  let bounds: PolicyBounds
  /// Model indices by canonical name, and (`aliasIndices`) by alias.
  let modelIndices: [String: Int]
  let aliasIndices: [String: Int]
  /// The plans by name, and by each tenant's name the index of its group.
  let plansByName: [String: PlanDraft]
  let groupIndices: [String: Int]
  /// The models that at least one tenant may use; filled by `crossCheck`.
  var allowedSomewhere: ModelSet
  /// What each tenant may use; filled by `crossCheck`.
  var allowedByTenant: [String: ModelSet] = [:]
  private var setsByPatterns: [[String]: ModelSet] = [:]
  /// Endpoints by path: their own, Azure's and `path_aliases`.
  let endpointsByPath: [String: Endpoint]

  init(draft: PolicyDraft, log: ProblemLog, bounds: PolicyBounds) {
    self.draft = draft
    self.log = log
    self.bounds = bounds
    var indices: [String: Int] = [:]
    var aliases: [String: Int] = [:]
    for (index, model) in draft.models.enumerated() {
      indices[model.name] = index
      for alias in model.aliases where aliases[alias.text] == nil { aliases[alias.text] = index }
    }
    plansByName = Dictionary(
      draft.plans.map { ($0.named.name, $0) }, uniquingKeysWith: { first, _ in first })
    groupIndices = Dictionary(
      draft.groups.enumerated().flatMap { index, group in group.tenants.map { ($0.text, index) } },
      uniquingKeysWith: { first, _ in first })
    modelIndices = indices
    aliasIndices = aliases
    allowedSomewhere = ModelSet(modelCount: draft.models.count)
    var endpoints: [String: Endpoint] = [:]
    for endpoint in Endpoint.allCases {
      endpoints[endpoint.canonicalPath] = endpoint
      if let suffix = endpoint.azureSuffix {
        endpoints[AzurePath.prefix + "{model}/" + suffix] = endpoint
      }
    }
    for alias in draft.pathAliases { endpoints[alias.named.name] = alias.endpoint }
    endpointsByPath = endpoints
  }

  /// The models whose canonical name matches one of `patterns`.
  func models(matching patterns: [String]) -> ModelSet {
    if let known = setsByPatterns[patterns] { return known }
    var set = ModelSet(modelCount: draft.models.count)
    for text in patterns {
      let pattern = WildcardPattern(text)
      if !pattern.hasWildcard {
        if let index = modelIndices[text] { set.insert(index) }
        continue
      }
      for (index, model) in draft.models.enumerated() where pattern.matches(model.name) {
        set.insert(index)
      }
    }
    setsByPatterns[patterns] = set
    return set
  }

  /// The models that a tenant may use at each endpoint, by its raw value; nil where no `allow` entry
  /// lists the endpoint.
  func modelsByEndpoint(_ tenant: TenantDraft) -> [ModelSet?] {
    var sets: [ModelSet?] = Array(repeating: nil, count: Endpoint.allCases.count)
    for entry in allow(of: tenant) {
      guard let patterns = entry.models else { continue }
      let allowed = models(matching: patterns.map(\.text))
      for path in entry.paths {
        guard let endpoint = endpointsByPath[path.text] else { continue }
        let serving = allowed.intersection(models(serving: endpoint))
        let index = Int(endpoint.rawValue)
        sets[index] =
          sets[index].map {
            var union = $0
            union.formUnion(serving)
            return union
          } ?? serving
      }
    }
    return sets
  }

  /// What a tenant is allowed, by its plan and by its own entries.
  func allow(of tenant: TenantDraft) -> [AllowDraft] {
    guard let plan = plan(of: tenant) else { return tenant.allow }
    return plan.allow + tenant.allow
  }

  /// The limits of a tenant: those of its plan that none of its own replaces, then its own.
  func limits(of tenant: TenantDraft) -> [LimitDraft] {
    guard let plan = plan(of: tenant), !plan.limits.isEmpty else { return tenant.limits }
    let own = Set(tenant.limits.compactMap(\.name?.text))
    return plan.limits.filter { $0.name.map { !own.contains($0.text) } ?? true } + tenant.limits
  }

  func plan(of tenant: TenantDraft) -> PlanDraft? { tenant.plan.flatMap { plansByName[$0.text] } }

  /// All models that are in one of the sets.
  func union(_ sets: [ModelSet?]) -> ModelSet {
    var union = ModelSet(modelCount: draft.models.count)
    for set in sets { if let set { union.formUnion(set) } }
    return union
  }

  private lazy var servingSets: [ModelSet] = Endpoint.allCases.map { endpoint in
    var set = ModelSet(modelCount: draft.models.count)
    for (index, model) in draft.models.enumerated() {
      guard let paths = model.paths else {
        set.insert(index)
        continue
      }
      if paths.contains(where: { endpointsByPath[$0.text] == endpoint }) { set.insert(index) }
    }
    return set
  }

  /// The models that serve `endpoint`.
  func models(serving endpoint: Endpoint) -> ModelSet { servingSets[Int(endpoint.rawValue)] }
}
