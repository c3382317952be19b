import Quota

/// Which limits each kind of request must pass, worked out once for each policy: a request only looks
/// it up.
struct LimitSets: Sendable {
  /// The sets of a tenant, or of a key that has limits of its own.
  private struct Sets {
    var uninspected: LimitSet
    var variants: [LimitSet] = []
    /// By model; nil where models of a group have the same set, which is the group's.
    var byModel: [Int]?
  }

  /// By model: models of one group are the same to everything that is not a tenant's own.
  private var groups: [Int] = []
  private var byTenant: [Sets] = []
  private var byKey: [[Int: Sets]] = []

  /// - Parameters:
  ///   - applies: whether a rule counts requests of a model, by its index; nil is an uninspected path.
  ///   - shared: the rules of everybody, and for a model those of its class.
  ///   - owned: of a tenant, and of each of its keys.
  init(
    catalog: LimitCatalog, modelCount: Int, tenants: [(rules: [Int], keys: [[Int]])],
    shared: (Int?) -> [Int], applies: (Int, Int?) -> Bool, namesModels: (Int) -> Bool
  ) {
    var groupsByRules: [[Int]: Int] = [:]
    var groupRules: [[Int]] = []
    for model in 0..<modelCount {
      let rules = shared(model)
      let group = groupsByRules[rules] ?? groupRules.count
      if group == groupRules.count {
        groupsByRules[rules] = group
        groupRules.append(rules)
      }
      groups.append(group)
    }
    func sets(_ rules: [Int]) -> Sets {
      var result = Sets(
        uninspected: catalog.set(shared(nil) + rules.filter { applies($0, nil) }))
      guard rules.contains(where: namesModels) else {
        result.variants = groupRules.map { catalog.set($0 + rules) }
        return result
      }
      var variants: [[Int]: Int] = [:]
      var byModel: [Int] = []
      for model in 0..<modelCount {
        let all = groupRules[groups[model]] + rules.filter { applies($0, model) }
        let variant = variants[all] ?? variants.count
        if variant == result.variants.count { result.variants.append(catalog.set(all)) }
        variants[all] = variant
        byModel.append(variant)
      }
      result.byModel = byModel
      return result
    }
    for tenant in tenants {
      byTenant.append(sets(tenant.rules))
      var keys: [Int: Sets] = [:]
      for (key, rules) in tenant.keys.enumerated() where !rules.isEmpty {
        keys[key] = sets(tenant.rules + rules)
      }
      byKey.append(keys)
    }
  }

  func set(tenant: Int, key: Int?, model: Int?) -> LimitSet {
    if let key, let own = byKey[tenant][key] { return set(of: own, model) }
    return set(of: byTenant[tenant], model)
  }

  private func set(of sets: Sets, _ model: Int?) -> LimitSet {
    guard let model else { return sets.uninspected }
    return sets.variants[sets.byModel?[model] ?? groups[model]]
  }
}
