import Bytes
import Terms

extension PolicyCompiler {
  /// Makes every check that concerns more than one part of the policy.
  func crossCheck() {
    checkModels()
    checkAliasRepeats()
    checkEnforcementPoint()
    checkHosts()
    checkDigests()
    checkPrincipals()
    checkClaimedTenants()
    if draft.tenants.isEmpty {
      log.useWarning(
        Place(source: 0, offset: 0), .top, "there are no tenants: every request will be refused")
    }
    checkPlans()
    for tenant in draft.tenants { check(tenant) }
    checkPlanLimits()
    checkGroups()
    for limit in draft.limits { check(limit, allowed: allowedSomewhere) }
    checkRepeatedGlobalLimits()
    checkCustomPathCount()
    checkUse()
  }

  /// Reports each tenant that an issuer's `tenants` names and that the policy has not.
  private func checkClaimedTenants() {
    let names = draft.tenants.map(\.named.name)
    let known = Set(names)
    for tenant in draft.claimedTenants where !known.contains(tenant.text) {
      log.error(
        tenant.node,
        "there is no tenant \(quoted(tenant.text))"
          + Suggestion.text(for: tenant.text, among: names))
    }
  }

  private func check(_ tenant: TenantDraft) {
    let place = tenant.named.keyPlace
    let path = tenant.named.node.path
    if !tenant.hasKeys, !tenant.hasPrincipals, draft.settings.jwt.isEmpty {
      log.useWarning(
        place, path,
        "nobody can be this tenant: it has no keys and no principals, and `auth.jwt` is not set")
    }
    if tenant.hasPrincipals, !draft.settings.clientCertificates {
      log.useWarning(
        place, path, "its principals are never looked at: set `auth.client_certificates: true`")
    }
    if tenant.hasKeys, draft.settings.apiKeyHeaders.isEmpty {
      log.useWarning(place, path, "its keys are never looked at: `auth.api_key_headers` is empty")
    }
    if !tenant.hasAllow, plan(of: tenant)?.hasAllow != true {
      log.useWarning(place, path, "it may use no endpoint and no model, because it has no `allow`")
    }
    for entry in tenant.allow { check(entry) }
    checkRepeatedPaths(tenant.allow, after: plan(of: tenant)?.allow ?? [])
    let allowed = union(modelsByEndpoint(tenant))
    allowedSomewhere.formUnion(allowed)
    allowedByTenant[tenant.named.name] = allowed
    for limit in tenant.limits { check(limit, allowed: allowed) }
    for key in tenant.keys {
      var keyAllowed = allowed
      if let patterns = key.models, !patterns.isEmpty {
        checkPatterns(patterns)
        let own = models(matching: patterns.map(\.text))
        keyAllowed = allowed.intersection(own)
        if !own.isEmpty, keyAllowed.isEmpty {
          log.useWarning(
            key.node, "this key may use no model: its tenant is allowed none of its `models`")
        }
      }
      for limit in key.limits { check(limit, allowed: keyAllowed) }
    }
  }

  func check(_ entry: AllowDraft) {
    if let patterns = entry.models, !entry.hasRoute { checkPatterns(patterns) }
    for path in entry.paths {
      let endpoint = endpointsByPath[path.text]
      if path.text == PathTable.modelList || path.text.hasPrefix(PathTable.modelList + "/") {
        log.error(path.node, "\(quoted(path.text)) is always allowed and needs no entry; remove it")
      } else if endpoint != nil, entry.hasRoute {
        log.error(
          path.node,
          "\(quoted(path.text)) is a known endpoint, whose route its model chooses; "
            + "remove `route`, or the path")
      } else if endpoint == nil, !entry.hasRoute {
        log.error(
          path.node,
          "\(quoted(path.text)) is no known endpoint; give the entry a `route`, "
            + "or map the path in `path_aliases`"
            + Suggestion.text(for: path.text, among: endpointsByPath.keys.sorted()))
      } else if endpoint == nil, path.text.hasPrefix(AzurePath.prefix) {
        log.error(
          path.node,
          "\(quoted(path.text)) is below \(AzurePath.prefix), where only Azure's known endpoints are; "
            + "write it with {model} in place of the deployment")
      } else if let endpoint, let patterns = entry.models {
        let allowed = models(matching: patterns.map(\.text))
        if !allowed.isEmpty, allowed.intersection(models(serving: endpoint)).isEmpty {
          log.useWarning(
            path.node, "no model of this entry serves \(quoted(path.text)): see their `paths`")
        }
      }
    }
  }

  /// Reports a path that two `route` entries of a tenant list, or one of it and one of its plan.
  func checkRepeatedPaths(_ allow: [AllowDraft], after plan: [AllowDraft] = []) {
    var first: [String: PlacedText] = [:]
    for entry in plan where entry.route != nil {
      for path in entry.paths where first[path.text] == nil { first[path.text] = path }
    }
    for entry in allow where entry.route != nil {
      for path in entry.paths where endpointsByPath[path.text] == nil {
        if let earlier = first[path.text] {
          log.error(
            path.node,
            "\(quoted(path.text)) has a route already, at \(log.text(of: earlier.node.place))")
        } else {
          first[path.text] = path
        }
      }
    }
  }

  func check(_ limit: LimitDraft, allowed: ModelSet) {
    var counted = allowed
    if let patterns = limit.models {
      checkPatterns(patterns)
      counted = allowed.intersection(models(matching: patterns.map(\.text)))
    }
    warnOfRaises(limit)
    guard limit.limit?.kind == .usd else { return }
    let free = counted.indices.map { draft.models[$0] }.filter { $0.prices == nil }.map(\.name)
    if !free.isEmpty {
      log.error(
        limit.node,
        "limits money, but \(quotedList(free)) \(free.count == 1 ? "has" : "have") no price; add "
          + "a price such as `price_usd_per_million`, or narrow the limit's `models`")
    }
  }

  private func checkRepeatedGlobalLimits() {
    var first: [String: Node] = [:]
    for name in draft.limits.compactMap(\.name) {
      if let earlier = first[name.text] {
        log.error(
          name.node,
          "the limit \(quoted(name.text)) is given twice; the first is at \(log.text(of: earlier.place))"
        )
      } else {
        first[name.text] = name.node
      }
    }
  }

  private func checkHosts() {
    var owners: [String: (tenant: String?, node: Node)] = [:]
    func claim(_ host: PlacedText, _ tenant: String?) {
      guard let earlier = owners[host.text] else {
        owners[host.text] = (tenant, host.node)
        return
      }
      let place = log.text(of: earlier.node.place)
      if earlier.tenant == tenant {
        log.error(host.node, "\(quoted(host.text)) is given twice; the first is at \(place)")
      } else if let other = earlier.tenant {
        log.error(
          host.node, "\(quoted(host.text)) belongs to tenant \(quoted(other)) already, at \(place)")
      } else {
        log.error(
          host.node, "\(quoted(host.text)) is in `shared_hostnames` too, at \(place); keep one")
      }
    }
    for host in draft.sharedHostnames ?? [] { claim(host, nil) }
    for tenant in draft.tenants {
      for host in tenant.hostnames { claim(host, tenant.named.name) }
    }
  }

  private func checkDigests() {
    var first: [SHA256Digest: Node] = [:]
    for key in draft.tenants.flatMap(\.keys) {
      guard let digest = key.digest, let node = key.digestNode else { continue }
      if let earlier = first[digest] {
        log.error(
          node,
          "the same key is given twice; the first is at \(log.text(of: earlier.place))")
      } else {
        first[digest] = node
      }
    }
  }

  private func checkCustomPathCount() {
    let paths = customPaths
    guard paths.count > bounds.customPathsMax, let tenant = draft.tenants.last else { return }
    log.error(
      tenant.named.keyPlace, tenant.named.node.path,
      "there are \(paths.count) different paths with a `route`; "
        + "at most \(bounds.customPathsMax) are allowed (customPathsMax)")
  }

  /// The paths that have a `route` and are not inspected, in the order in which they first appear.
  var customPaths: [String] {
    var seen: Set<String> = []
    var paths: [String] = []
    let entries = draft.plans.flatMap(\.allow) + draft.tenants.flatMap(\.allow)
    for entry in entries where entry.route != nil {
      for path in entry.paths where endpointsByPath[path.text] == nil {
        if seen.insert(path.text).inserted { paths.append(path.text) }
      }
    }
    return paths
  }
}
