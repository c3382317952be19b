import Quota
import Terms

/// The limits that each kind of request must pass, computed once for each policy, so that a request
/// only looks them up. Models to which the same limits apply share one set, to save memory.
struct LimitSets: Sendable {
  /// The sets of a tenant, or of a key that has limits of its own.
  private struct Sets {
    /// For requests on paths without inspection, which have no model.
    var uninspected: LimitSet
    /// For requests that Tollgate answers itself.
    var ownAnswers: LimitSet
    /// The sets that differ.
    var variants: [LimitSet] = []
    /// For each model the index of its set in `variants`; nil where that is the index of its group.
    var byModel: [Int]?
  }

  /// The group of each model, by the model's index. To models of one group the same global limits
  /// and the same class's slots apply.
  private var groups: [Int] = []
  /// By the tenant's index.
  private var byTenant: [Sets] = []
  /// By the tenant's index and the key's; only keys that have limits of their own.
  private var byKey: [[Int: Sets]] = []

  /// All integers are indices: of rules in the catalog, and of models in the policy. A nil model
  /// stands for a path without inspection.
  ///
  /// - Parameters:
  ///   - tenants: for each tenant its own rules, and those of each of its keys.
  ///   - shared: the global rules that count requests of this model, and the slots of its class.
  ///   - applies: whether a rule counts requests of this model.
  ///   - namesModels: whether the policy's limit behind a rule has `models`.
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
      let withoutModel = shared(nil) + rules.filter { applies($0, nil) }
      var result = Sets(
        uninspected: catalog.set(withoutModel),
        ownAnswers: catalog.set(withoutModel.filter { catalog.rules[$0].kind == .requests }))
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

  /// The limits for requests of a tenant with this key and model, all by index.
  func set(tenant: Int, key: Int?, model: Int?) -> LimitSet {
    if let key, let own = byKey[tenant][key] { return set(of: own, model) }
    return set(of: byTenant[tenant], model)
  }

  /// The limits for requests that Tollgate answers itself.
  func ownAnswers(tenant: Int, key: Int?) -> LimitSet {
    if let key, let own = byKey[tenant][key] { return own.ownAnswers }
    return byTenant[tenant].ownAnswers
  }

  private func set(of sets: Sets, _ model: Int?) -> LimitSet {
    guard let model else { return sets.uninspected }
    return sets.variants[sets.byModel?[model] ?? groups[model]]
  }
}
