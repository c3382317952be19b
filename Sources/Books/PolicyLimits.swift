import Policy
import Quota
import Terms

/// A policy's limits as the quota table counts them, and which of them a request must pass.
package final class PolicyLimits: Sendable {
  /// All limits of the policy, and each traffic class's `max_concurrent`.
  package let catalog: LimitCatalog
  /// The empty set, for requests that no limit counts.
  package let noLimits: LimitSet
  private let policy: PolicySnapshot
  /// Indices into the catalog's rules, here and below: of the global limits, of each group's, of each
  /// tenant's, of each tenant's keys', and of each class's slots by the class's name.
  private let global: [Int]
  private let byGroup: [[Int]]
  private let byTenant: [[Int]]
  private let byKey: [[[Int]]]
  private let byClass: [String: Int]
  private let sets: LimitSets
  /// The policy's limit behind each rule; nil for a class's slots.
  private let limits: [Policy.Limit?]

  /// Computes everything once, for this policy.
  package init(_ policy: PolicySnapshot) {
    self.policy = policy
    var rules: [LimitRule] = []
    var limits: [Policy.Limit?] = []
    func add(_ limit: Policy.Limit, _ owner: LimitOwner) -> Int {
      rules.append(Self.rule(limit, owner))
      limits.append(limit)
      return rules.count - 1
    }
    global = policy.limits.map { add($0, .global) }
    byGroup = policy.groups.map { group in group.limits.map { add($0, .group(group.name)) } }
    byTenant = policy.tenants.map { tenant in
      tenant.limits.map { add($0, .tenant(tenant.name.string)) }
    }
    byKey = policy.tenants.map { tenant in
      tenant.keys.map { key in
        key.limits.map { add($0, .key(tenant: tenant.name.string, id: key.id.string)) }
      }
    }
    var byClass: [String: Int] = [:]
    for trafficClass in policy.classes {
      guard let most = trafficClass.maxConcurrent else { continue }
      byClass[trafficClass.name.string] = rules.count
      rules.append(
        .classSlots(
          trafficClass.name.string, amount: Int64(most), onStoreLoss: trafficClass.onStoreLoss))
      limits.append(nil)
    }
    self.byClass = byClass
    self.limits = limits
    catalog = LimitCatalog(rules: rules, timeZone: policy.timeZone)
    noLimits = catalog.set([])
    func applies(_ rule: Int, _ model: Int?) -> Bool {
      Self.applies(limits[rule], model.map { policy.models[$0] })
    }
    let (global, byGroup, byTenant, byKey) = (global, byGroup, byTenant, byKey)
    sets = LimitSets(
      catalog: catalog, modelCount: policy.models.count,
      tenants: policy.tenants.map { tenant in
        let group = tenant.group.map { byGroup[$0.index] } ?? []
        return (group + byTenant[tenant.index], byKey[tenant.index])
      },
      shared: { model in
        let slots = model.flatMap { byClass[policy.models[$0].trafficClass.name.string] }
        return global.filter { applies($0, model) } + (slots.map { [$0] } ?? [])
      },
      applies: applies, namesModels: { limits[$0]?.models != nil })
  }

  /// The limits that a request must pass: global ones, its group's, the tenant's, the key's, and its
  /// class's slots. A request without a model (on a path without inspection) passes only limits on
  /// `requests` and `concurrent` that do not name models.
  package func set(tenant: Tenant, keyIndex: Int?, model: Model?) -> LimitSet {
    sets.set(tenant: tenant.index, key: keyIndex, model: model?.index)
  }

  /// The limits that a request for a list of models must pass, which Tollgate answers at once: those on
  /// `requests` that do not name models.
  package func ownAnswerSet(tenant: Tenant, keyIndex: Int?) -> LimitSet {
    sets.ownAnswers(tenant: tenant.index, key: keyIndex)
  }

  /// One limit that a page shows: which rule, and where the policy states it.
  package struct Place {
    /// The index into the catalog's rules.
    package let rule: Int
    /// Where the policy states it.
    package let owner: LimitState.Owner
    /// For a class's slots, the tenant whose slots are shown; else empty.
    package var scopeValue = ""
  }

  /// The limits that count all tenants together.
  package var globalPlaces: [Place] { global.map { Place(rule: $0, owner: .global) } }

  /// The limits that each of these tenants' groups has, with the group; each group once.
  package func groupPlaces(ofTenants names: [String]) -> [(group: TenantGroup, places: [Place])] {
    var seen: Set<Int> = []
    return names.compactMap { name in
      let bytes = Array(name.utf8)
      guard let index = policy.tenant(named: bytes.span)?.group?.index, seen.insert(index).inserted
      else { return nil }
      return (policy.groups[index], places(ofGroup: index))
    }
  }

  /// Every group of the policy, with its limits.
  package var groupPlaces: [(group: TenantGroup, places: [Place])] {
    policy.groups.indices.map { (policy.groups[$0], places(ofGroup: $0)) }
  }

  private func places(ofGroup index: Int) -> [Place] {
    byGroup[index].map { Place(rule: $0, owner: .group(policy.groups[index].name)) }
  }

  /// The tenant with this name; nil where the policy has none.
  package func tenant(named name: String) -> Tenant? {
    let bytes = Array(name.utf8)
    return policy.tenant(named: bytes.span)
  }

  /// The limits of the tenant with this name, of its keys, and its slots in each traffic class;
  /// none where the policy has no such tenant.
  package func places(ofTenant name: String) -> [Place] {
    let bytes = Array(name.utf8)
    guard let tenant = policy.tenant(named: bytes.span) else { return [] }
    return places(of: tenant)
  }

  /// The same for a tenant of this policy.
  package func places(of tenant: Tenant) -> [Place] {
    var places = byTenant[tenant.index].map { Place(rule: $0, owner: .tenant) }
    for (key, rules) in zip(tenant.keys, byKey[tenant.index]) {
      places += rules.map { Place(rule: $0, owner: .key(key.id.string)) }
    }
    for trafficClass in policy.classes {
      guard let rule = byClass[trafficClass.name.string] else { continue }
      places.append(
        Place(
          rule: rule, owner: .trafficClass(trafficClass.name.string), scopeValue: tenant.name.string
        ))
    }
    return places
  }

  /// Where the policy states a limit.
  package struct Origin: Sendable {
    package let name: String
    /// `global`, `group research`, `plan gold`, `tenant`, `key agents`, `class batch_inference`.
    package let words: String
  }

  /// The limits of a set, each with where the policy states it; the limit is nil for a class's slots.
  package func origins(of set: LimitSet) -> [(limit: Policy.Limit?, origin: Origin)] {
    set.indices.map { index in
      let rule = catalog.rules[index]
      let words =
        switch rule.owner {
        case .global: "global"
        case .group(let name): "group \(name)"
        case .tenant: limits[index]?.plan.map { "plan \($0)" } ?? "tenant"
        case .key(_, let id): "key \(id)"
        case .trafficClass(let name): "class \(name)"
        }
      return (limits[index], Origin(name: rule.name, words: words))
    }
  }

  /// Every tenant of the policy, in its order.
  package var tenants: [Tenant] { policy.tenants }

  /// The policy's limit behind a rule; nil for a class's slots.
  package func limit(ofRule rule: Int) -> Policy.Limit? { limits[rule] }

  /// The prices of the model with this canonical name; nil where it has none, or the policy has no
  /// such model.
  package func prices(ofModel name: String) -> Prices? {
    let name = Array(name.utf8)
    return policy.model(named: name.span)?.prices
  }

  /// Whether the policy has a model of that canonical name.
  func hasModel(_ name: String) -> Bool {
    let name = Array(name.utf8)
    return policy.model(named: name.span) != nil
  }

  /// Whether the policy has a tenant of that name.
  func hasTenant(_ name: String) -> Bool {
    let name = Array(name.utf8)
    return policy.tenant(named: name.span) != nil
  }

  private static func applies(_ limit: Policy.Limit?, _ model: Model?) -> Bool {
    guard let limit else { return true }
    guard let model else {
      return limit.models == nil && (limit.kind == .requests || limit.kind == .concurrent)
    }
    guard let patterns = limit.models else { return true }
    return patterns.contains { WildcardPattern($0).matches(model.name.string) }
  }

  private static func rule(_ limit: Policy.Limit, _ owner: LimitOwner) -> LimitRule {
    LimitRule(
      owner: owner, name: limit.name, kind: limit.kind, amount: limit.amount,
      window: window(limit), scope: scope(limit.scope), subjectsMax: limit.maxSubjects,
      onStoreLoss: limit.onStoreLoss, isShadow: limit.isShadow, raises: limit.raises,
      warnAt: limit.warnAt)
  }

  private static func window(_ limit: Policy.Limit) -> LimitWindow {
    let capacity = limit.burst ?? limit.amount
    switch limit.per {
    case .second: return .bucket(periodMilliseconds: 1_000, capacity: capacity)
    case .minute: return .bucket(periodMilliseconds: 60_000, capacity: capacity)
    case .hour: return .bucket(periodMilliseconds: 3_600_000, capacity: capacity)
    case .day: return .calendar(.day)
    case .week: return .calendar(.week)
    case .month: return .calendar(.month)
    case nil: return .slots
    }
  }

  private static func scope(_ scope: Policy.Limit.Scope) -> LimitScope {
    switch scope {
    case .tenant: .owner
    case .key: .key
    case .subject: .subject
    }
  }
}
