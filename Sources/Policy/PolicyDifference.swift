import Terms

/// What a new policy changes, by name, for logs and pages that report a reload. It has names only, never
/// a key's digest.
package struct PolicyDifference: Sendable, Equatable {
  /// The names of one kind of thing, each list sorted.
  package struct Names: Sendable, Equatable {
    package var added: [String] = []
    package var removed: [String] = []
    package var changed: [String] = []

    var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
  }

  /// Changed are those whose hosts, principals or `allow` differ. Keys and limits have lists of their own.
  package let tenants: Names
  /// `tenant/key`
  package let keys: Names
  /// `name` for a global limit, `group:group/name`, `tenant/name`, `tenant/key/name`. Those of a plan are
  /// those of its tenants.
  package let limits: Names
  /// Changed are those in which anything but the routes differs.
  package let models: Names
  /// `model/route`. Changed are those whose weight or `upstream_model` differs.
  package let routes: Names
  package let classes: Names
  package let plans: Names
  /// Changed are those whose tenants differ.
  package let groups: Names
  /// The tenants of both policies whose plan is another one, or has changed; sorted.
  package let planChanges: [PlanChange]
  /// The settings of the whole policy that differ, as the file names them: `auth.jwt`.
  package let settings: [String]

  /// What became of a tenant's plan. Where both names are the same, the plan has changed.
  package struct PlanChange: Sendable, Equatable {
    package let tenant: String
    package let before: String?
    package let after: String?
  }

  /// Compares two policies.
  package init(from old: PolicySnapshot, to new: PolicySnapshot) {
    tenants = Self.names(old.tenantsByName, new.tenantsByName) {
      $0.accessDigest == $1.accessDigest
    }
    keys = Self.names(old.keysByName, new.keysByName) { $0.isSame(as: $1) }
    limits = Self.names(old.limitsByName, new.limitsByName) { $0 == $1 }
    models = Self.names(old.modelsByName, new.modelsByName) { $0.isSame(as: $1) }
    routes = Self.names(old.routesByName, new.routesByName) { $0 == $1 }
    classes = Self.names(old.classesByName, new.classesByName) { $0 == $1 }
    plans = Self.names(old.plansByName, new.plansByName) { $0.isSame(as: $1) }
    groups = Self.names(old.groupsByName, new.groupsByName) { $0 == $1 }
    planChanges = Self.planChanges(old, new, changed: Set(plans.changed))
    settings = Self.settings(old, new)
  }

  /// Whether the policies mean the same, although their text may differ.
  package var isEmpty: Bool {
    [tenants, keys, limits, models, routes, classes, plans, groups].allSatisfy(\.isEmpty)
      && settings.isEmpty
      && planChanges.isEmpty
  }

  private static func planChanges(
    _ old: PolicySnapshot, _ new: PolicySnapshot, changed: Set<String>
  ) -> [PlanChange] {
    let tenants = old.tenantsByName
    return new.tenants.compactMap { tenant -> PlanChange? in
      guard let before = tenants[tenant.name.string] else { return nil }
      guard before.plan != tenant.plan || tenant.plan.map(changed.contains) ?? false else {
        return nil
      }
      return PlanChange(tenant: tenant.name.string, before: before.plan, after: tenant.plan)
    }.sorted { $0.tenant < $1.tenant }
  }

  private static func names<Thing>(
    _ old: [String: Thing], _ new: [String: Thing], isSame: (Thing, Thing) -> Bool
  ) -> Names {
    var names = Names()
    for (name, thing) in new {
      guard let before = old[name] else {
        names.added.append(name)
        continue
      }
      if !isSame(before, thing) { names.changed.append(name) }
    }
    names.removed = old.keys.filter { new[$0] == nil }
    names.added.sort()
    names.removed.sort()
    names.changed.sort()
    return names
  }

  private static func settings(_ old: PolicySnapshot, _ new: PolicySnapshot) -> [String] {
    let same = [
      ("timezone", old.timeZone == new.timeZone),
      ("shared_hostnames", old.sharedHostnames == new.sharedHostnames),
      ("max_body_bytes", old.maxBodyBytes == new.maxBodyBytes),
      ("max_headers_count", old.maxHeadersCount == new.maxHeadersCount),
      ("max_headers_kb", old.maxHeadersBytes == new.maxHeadersBytes),
      ("enforce_at", old.enforceAt == new.enforceAt),
      ("response_ids", old.responseIDs == new.responseIDs),
      ("log_level", old.logLevel == new.logLevel),
      ("path_aliases", old.pathAliases == new.pathAliases),
      ("auth.api_key_headers", old.apiKeyHeaders == new.apiKeyHeaders),
      ("auth.jwt", old.jwt == new.jwt),
      ("auth.client_certificates", old.clientCertificates == new.clientCertificates),
    ]
    return same.filter { !$0.1 }.map(\.0)
  }
}

extension PolicySnapshot {
  fileprivate var tenantsByName: [String: Tenant] {
    Dictionary(uniqueKeysWithValues: tenants.map { ($0.name.string, $0) })
  }

  fileprivate var keysByName: [String: APIKey] {
    Dictionary(
      tenants.flatMap { tenant in
        tenant.keys.map { ("\(tenant.name.string)/\($0.id.string)", $0) }
      }, uniquingKeysWith: { $1 })
  }

  fileprivate var limitsByName: [String: Limit] {
    var result: [String: Limit] = [:]
    for limit in limits { result[limit.name] = limit }
    for group in groups {
      for limit in group.limits { result["group:\(group.name)/\(limit.name)"] = limit }
    }
    for tenant in tenants {
      let name = tenant.name.string
      for limit in tenant.limits { result["\(name)/\(limit.name)"] = limit }
      for key in tenant.keys {
        for limit in key.limits { result["\(name)/\(key.id.string)/\(limit.name)"] = limit }
      }
    }
    return result
  }

  fileprivate var plansByName: [String: Plan] {
    Dictionary(plans.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
  }

  fileprivate var groupsByName: [String: [String]] {
    Dictionary(groups.map { ($0.name, $0.tenants.sorted()) }, uniquingKeysWith: { $1 })
  }

  fileprivate var modelsByName: [String: Model] {
    Dictionary(uniqueKeysWithValues: models.map { ($0.name.string, $0) })
  }

  fileprivate var routesByName: [String: ModelRoute] {
    Dictionary(
      models.flatMap { model in
        model.routes.map { ("\(model.name.string)/\($0.name.string)", $0) }
      }, uniquingKeysWith: { $1 })
  }

  fileprivate var classesByName: [String: TrafficClass] {
    Dictionary(uniqueKeysWithValues: classes.map { ($0.name.string, $0) })
  }
}

extension APIKey {
  /// Whether two keys are equal in all but their limits.
  fileprivate func isSame(as other: APIKey) -> Bool {
    digest == other.digest && subject == other.subject && expiresSeconds == other.expiresSeconds
      && disabled == other.disabled && modelPatterns == other.modelPatterns
  }
}

extension Model {
  /// Whether two models are equal in all but their routes.
  fileprivate func isSame(as other: Model) -> Bool {
    aliases == other.aliases && trafficClass.name == other.trafficClass.name
      && provider == other.provider && sticky == other.sticky && paths == other.paths
      && requests == other.requests && streamUsage == other.streamUsage
      && prices == other.prices
  }
}
