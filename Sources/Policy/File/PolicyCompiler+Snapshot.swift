import Bytes
import Terms

extension PolicyCompiler {
  /// Makes the snapshot of a draft that has passed every check.
  func snapshot(revision: String) -> PolicySnapshot {
    let classes = draft.classes.map(\.trafficClass)
    var classesByName: [String: TrafficClass] = [:]
    for trafficClass in classes { classesByName[trafficClass.name.string] = trafficClass }
    let models = draft.models.enumerated().map { index, model in
      guard let trafficClass = model.className.flatMap({ classesByName[$0.text] }) else {
        preconditionFailure("a model without a class in a validated policy")
      }
      return self.model(model, index, trafficClass)
    }
    let customPaths = customPaths
    var customIndices: [String: Int] = [:]
    for (index, path) in customPaths.enumerated() { customIndices[path] = index }
    let tenants = draft.tenants.enumerated().map { index, tenant in
      self.tenant(tenant, index, customIndices)
    }
    return PolicySnapshot(
      revision: revision, settings: draft.settings, classes: classes, models: models,
      plans: draft.plans.map { plan in
        Plan(
          name: plan.named.name, limits: plan.limits.compactMap(\.limit),
          accessDigest: digest(accessParts(plan.allow)))
      },
      groups: draft.groups.map { group in
        TenantGroup(
          name: group.named.name, tenants: group.tenants.map(\.text),
          limits: group.limits.compactMap(\.limit))
      },
      tenants: tenants, limits: draft.limits.compactMap(\.limit), customPaths: customPaths,
      sharedHostnames: draft.sharedHostnames?.map(\.text).sorted(),
      pathAliases: Dictionary(
        uniqueKeysWithValues: draft.pathAliases.map { ($0.named.name, $0.endpoint) }),
      lookup: lookup(tenants, customPaths))
  }

  private func model(_ model: ModelDraft, _ index: Int, _ trafficClass: TrafficClass) -> Model {
    let byDefault: StreamUsage = draft.settings.enforceAt == .extAuthz ? .asAsked : .inject
    return Model(
      index: index, name: model.name, aliases: model.aliases.map(\.text),
      trafficClass: trafficClass, provider: model.provider, routes: model.routes,
      sticky: model.sticky,
      paths: model.paths.map { Set($0.compactMap { endpointsByPath[$0.text] }) },
      requests: model.requests, streamUsage: model.streamUsage ?? byDefault,
      prices: model.prices)
  }

  private func tenant(_ tenant: TenantDraft, _ index: Int, _ customIndices: [String: Int]) -> Tenant
  {
    let byEndpoint = modelsByEndpoint(tenant)
    var routes: [Int: HeaderText] = [:]
    for entry in allow(of: tenant) {
      guard let route = entry.route else { continue }
      for path in entry.paths {
        if let index = customIndices[path.text] { routes[index] = HeaderText(route.text) }
      }
    }
    let keys = tenant.keys.map { key in
      guard let id = key.id?.text, let digest = key.digest else {
        preconditionFailure("a key without id or digest in a validated policy")
      }
      return APIKey(
        id: HeaderText(id), digest: digest, subject: HeaderText(key.subject ?? "key:" + id),
        expiresSeconds: key.expiresSeconds, disabled: key.disabled,
        limits: key.limits.compactMap(\.limit), modelPatterns: key.models?.map(\.text))
    }
    return Tenant(
      index: index, name: tenant.named.name, keys: keys,
      limits: limits(of: tenant).compactMap(\.limit), plan: tenant.plan?.text,
      group: groupIndices[tenant.named.name].map { ($0, draft.groups[$0].named.name) },
      allModels: union(byEndpoint),
      modelsByEndpoint: byEndpoint, routesByCustomPath: routes,
      modelsByKey: tenant.keys.map { key in
        key.models.map { models(matching: $0.map(\.text)) }
      },
      accessDigest: accessDigest(tenant))
  }

  /// A digest of the tenant's hosts, principals and `allow` entries, to tell whether a new policy changes
  /// them. Hosts and principals are sorted, because their order has no meaning.
  private func accessDigest(_ tenant: TenantDraft) -> SHA256Digest {
    var parts = ["hostnames"] + tenant.hostnames.map(\.text).sorted()
    parts += ["principals"] + tenant.principals.map(\.text).sorted()
    parts += accessParts(allow(of: tenant))
    return digest(parts)
  }

  private func accessParts(_ allow: [AllowDraft]) -> [String] {
    var parts: [String] = []
    for entry in allow {
      parts += ["paths"] + entry.paths.map(\.text) + ["models"] + (entry.models ?? []).map(\.text)
      parts += ["route", entry.route?.text ?? ""]
    }
    return parts
  }

  /// A line feed separates the parts: no name, path or pattern may have one.
  private func digest(_ parts: [String]) -> SHA256Digest {
    SHA256.digest(of: Array(parts.joined(separator: "\n").utf8).span)
  }

  private func lookup(_ tenants: [Tenant], _ customPaths: [String]) -> PolicyLookup {
    var lookup = PolicyLookup(
      hosts: HostTable(others: draft.sharedHostnames == nil ? .shared : .nobody),
      paths: PathTable(
        aliases: draft.pathAliases.map { ($0.named.name, $0.endpoint) }, customPaths: customPaths))
    for host in draft.sharedHostnames ?? [] { lookup.hosts.insert(host.text, tenant: nil) }
    for (index, model) in draft.models.enumerated() {
      lookup.models.insert(model.name, value: index)
      for alias in model.aliases { lookup.models.insert(alias.text, value: index) }
    }
    let indices = Dictionary(
      tenants.map { ($0.name.string, $0.index) }, uniquingKeysWith: { first, _ in first })
    lookup.claimTenants = draft.settings.jwt.map { issuer in
      issuer.tenants.map { ClaimTenants($0, indices: indices) }
    }
    for (index, tenant) in tenants.enumerated() {
      lookup.tenants.insert(tenant.name.string, value: index)
      for (keyIndex, key) in tenant.keys.enumerated() {
        lookup.keys[key.digest] = KeyReference(tenant: index, key: keyIndex)
      }
      for host in draft.tenants[index].hostnames { lookup.hosts.insert(host.text, tenant: index) }
      for principal in draft.tenants[index].principals {
        lookup.principals.insert(PrincipalPattern(principal.text), tenant: index)
      }
    }
    return lookup
  }
}
