import Bytes
import Terms

/// What one policy has that another had not, by name: for people who read of a reload. Holds names
/// only, never a key's digest.
package struct PolicyDifference: Sendable, Equatable {
  /// The names of one kind of thing, each list in order.
  package struct Names: Sendable, Equatable {
    package var added: [String] = []
    package var removed: [String] = []
    package var changed: [String] = []

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
  }

  /// Changed: their hosts, principals or what they are allowed. Keys and limits are told by themselves.
  package let tenants: Names
  /// `tenant/key`
  package let keys: Names
  /// `name` of everybody's, `tenant/name`, `tenant/key/name`
  package let limits: Names
  /// Changed: anything but their routes.
  package let models: Names
  /// `model/route`; changed: the weight or the upstream's name.
  package let routes: Names
  package let classes: Names
  /// Settings of the whole policy, as the file names them.
  package let settings: [String]

  package init(from old: PolicySnapshot, to new: PolicySnapshot) {
    tenants = Self.names(old.tenantsByName, new.tenantsByName) {
      $0.accessDigest == $1.accessDigest
    }
    keys = Self.names(old.keysByName, new.keysByName) { $0.isSame(as: $1) }
    limits = Self.names(old.limitsByName, new.limitsByName) { $0 == $1 }
    models = Self.names(old.modelsByName, new.modelsByName) { $0.isSame(as: $1) }
    routes = Self.names(old.routesByName, new.routesByName) { $0 == $1 }
    classes = Self.names(old.classesByName, new.classesByName) { $0 == $1 }
    settings = Self.settings(old, new)
  }

  /// Whether the policies differ in nothing but their text.
  package var isEmpty: Bool {
    [tenants, keys, limits, models, routes, classes].allSatisfy(\.isEmpty) && settings.isEmpty
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
      ("enforce_at", old.enforceAt == new.enforceAt),
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
    for tenant in tenants {
      let name = tenant.name.string
      for limit in tenant.limits { result["\(name)/\(limit.name)"] = limit }
      for key in tenant.keys {
        for limit in key.limits { result["\(name)/\(key.id.string)/\(limit.name)"] = limit }
      }
    }
    return result
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
  /// Everything but its limits.
  fileprivate func isSame(as other: APIKey) -> Bool {
    digest == other.digest && subject == other.subject && expiresSeconds == other.expiresSeconds
      && disabled == other.disabled && modelPatterns == other.modelPatterns
  }
}

extension Model {
  /// Everything but its routes.
  fileprivate func isSame(as other: Model) -> Bool {
    aliases == other.aliases && trafficClass.name == other.trafficClass.name
      && sticky == other.sticky && paths == other.paths
      && maxOutputTokens == other.maxOutputTokens && streamUsage == other.streamUsage
      && prices == other.prices
  }
}
