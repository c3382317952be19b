import Bytes
import Terms

extension PolicyCompiler {
  /// Checks what plans allow, and that each tenant's plan is there.
  func checkPlans() {
    let names = draft.plans.map(\.named.name)
    var used: Set<String> = []
    for plan in draft.tenants.compactMap(\.plan) {
      used.insert(plan.text)
      if plansByName[plan.text] == nil {
        log.error(
          plan.node,
          "there is no plan \(quoted(plan.text))" + Suggestion.text(for: plan.text, among: names))
      }
    }
    for plan in draft.plans {
      for entry in plan.allow { check(entry) }
      checkRepeatedPaths(plan.allow)
      if !used.contains(plan.named.name) {
        log.useWarning(
          plan.named.keyPlace, plan.named.node.path,
          "no tenant has this plan; give it to one or remove it")
      }
    }
  }

  /// Checks the limits of plans, each for all tenants that have it: a tenant's own limit of the same name
  /// replaces it. After the tenants, whose models are known then.
  func checkPlanLimits() {
    var allowed = draft.plans.map { plan in
      Array(repeating: ModelSet(modelCount: draft.models.count), count: plan.limits.count)
    }
    let indices = Dictionary(
      draft.plans.enumerated().map { ($1.named.name, $0) }, uniquingKeysWith: { first, _ in first })
    for tenant in draft.tenants {
      guard let plan = tenant.plan.flatMap({ indices[$0.text] }),
        let models = allowedByTenant[tenant.named.name]
      else { continue }
      let own = Set(tenant.limits.compactMap(\.name?.text))
      for (index, limit) in draft.plans[plan].limits.enumerated()
      where limit.name.map({ !own.contains($0.text) }) ?? true {
        allowed[plan][index].formUnion(models)
      }
    }
    for (plan, allowed) in zip(draft.plans, allowed) {
      for (limit, models) in zip(plan.limits, allowed) { check(limit, allowed: models) }
    }
  }

  /// Checks that a group's tenants are there and in no other group, and the limits that they have
  /// together.
  func checkGroups() {
    let names = draft.tenants.map(\.named.name)
    let known = Set(names)
    var first: [String: (group: String, node: Node)] = [:]
    for group in draft.groups {
      var models = ModelSet(modelCount: draft.models.count)
      for tenant in group.tenants {
        if !known.contains(tenant.text) {
          log.error(
            tenant.node,
            "there is no tenant \(quoted(tenant.text))"
              + Suggestion.text(for: tenant.text, among: names))
        }
        if let earlier = first[tenant.text], earlier.group != group.named.name {
          log.error(
            tenant.node,
            "the tenant \(quoted(tenant.text)) is in the group \(quoted(earlier.group)) already, at "
              + "\(log.text(of: earlier.node.place)); a tenant is in one group at most")
        } else {
          first[tenant.text] = (group.named.name, tenant.node)
        }
        if let allowed = allowedByTenant[tenant.text] { models.formUnion(allowed) }
      }
      if group.tenants.isEmpty {
        log.useWarning(
          group.named.keyPlace, group.named.node.path,
          "no tenant is in this group; name one in its `tenants` or remove it")
      }
      for limit in group.limits { check(limit, allowed: models) }
    }
  }

  /// Warns of each raise that touches more than one of its limit's windows: it adds to each of them.
  func warnOfRaises(_ limit: LimitDraft) {
    guard let known = limit.limit, !known.raises.isEmpty else { return }
    let (unit, word): (CalendarPeriods.Unit, String)
    switch known.per {
    case .day: (unit, word) = (.day, "day")
    case .week: (unit, word) = (.week, "week")
    case .month: (unit, word) = (.month, "month")
    case .second, .minute, .hour, nil: return
    }
    let periods = CalendarPeriods(timeZone: draft.settings.timeZone)
    for (raise, node) in zip(known.raises, limit.raiseNodes) {
      guard let end = periods.period(unit, containing: raise.fromMs)?.end, end < raise.untilMs
      else {
        continue
      }
      log.warning(
        node,
        "touches more than one \(word) and adds to each of them; the first ends at "
          + "\(UTCTime.string(end)): end it there if it is meant once")
    }
  }
}
