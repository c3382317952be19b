import Terms

extension PolicyReading {
  private static let topFields = [
    "version", "timezone", "shared_hostnames", "max_body_bytes", "max_headers_count",
    "max_headers_kb",
    "enforce_at", "response_ids", "max_subjects", "log_level", "auth", "classes", "models",
    "path_aliases", "plans", "groups", "tenants", "limits",
  ]
  private static let authFields = ["api_key_headers", "jwt", "client_certificates"]

  /// Reads the files' top-level objects into one draft. A setting may be in one file only, `version` in
  /// every file; classes, models, tenants, path aliases and limits are collected from all files.
  func draft(of roots: [Node]) -> PolicyDraft {
    let files = roots.compactMap { fields($0, known: Self.topFields) }
    var draft = PolicyDraft()
    readVersions(files)
    let auth = files.compactMap { $0["auth"] }.compactMap { fields($0, known: Self.authFields) }
    draft.settings = settings(files: files, auth: auth)
    if let node = setting("jwt", auth) {
      let issuers = issuers(node)
      draft.settings.jwt = issuers.map(\.issuer)
      draft.claimedTenants = issuers.flatMap(\.tenants)
    }
    draft.responseIDsNode = setting("response_ids", files)
    if let node = draft.responseIDsNode,
      let rule = choice(
        node, [("strict", ResponseIDRule.strict), ("known", .known), ("any", .any)])
    {
      draft.settings.responseIDs = rule
    }
    if let node = setting("shared_hostnames", files) {
      draft.sharedHostnamesNode = node
      draft.sharedHostnames = hostnames(node)
    }
    draft.classes = gathered("classes", files, max: bounds.classesMax, "classesMax", "class")
      .compactMap(trafficClass)
    draft.pathAliases =
      gathered("path_aliases", files, max: bounds.pathAliasesMax, "pathAliasesMax", "path alias")
      .compactMap(pathAlias)
    draft.models = gathered("models", files, max: bounds.modelsMax, "modelsMax", "model")
      .compactMap(model)
    let subjects = draft.settings.maxSubjects
    draft.plans = gathered("plans", files, max: bounds.plansMax, "plansMax", "plan")
      .compactMap { plan($0, maxSubjects: subjects) }
    draft.groups = gathered("groups", files, max: bounds.groupsMax, "groupsMax", "group")
      .compactMap { group($0, maxSubjects: subjects) }
    draft.tenants = gathered("tenants", files, max: bounds.tenantsMax, "tenantsMax", "tenant")
      .compactMap { tenant($0, maxSubjects: subjects) }
    draft.limits = files.flatMap {
      limits($0["limits"], owner: .everybody, maxSubjects: subjects)
    }
    if draft.limits.count > bounds.limitsMax, let node = files.last?["limits"] {
      log.error(
        node,
        "all files together have \(draft.limits.count) global limits; "
          + "at most \(bounds.limitsMax) are allowed (limitsMax)")
    }
    return draft
  }

  private func readVersions(_ files: [Fields]) {
    let versions = files.compactMap { $0["version"] }
    for node in versions {
      guard case .number(let number) = node.value.kind else {
        refuseKind(node, "the number 1")
        continue
      }
      if (try? number.integer()) != 1 {
        log.error(node, "must be 1, the only version of the format there is")
      }
    }
    if versions.isEmpty, let first = files.first { missing(first.node, "version", "`version: 1`") }
  }

  private func settings(files: [Fields], auth: [Fields]) -> PolicySettings {
    var settings = PolicySettings()
    if let node = setting("timezone", files), let zone = timeZone(node) { settings.timeZone = zone }
    if let node = setting("max_body_bytes", files), let bytes = integer(node, in: bounds.bodyBytes)
    {
      settings.maxBodyBytes = bytes
    }
    if let node = setting("max_headers_count", files),
      let count = integer(node, in: bounds.headersCount)
    {
      settings.maxHeadersCount = count
    }
    if let node = setting("max_headers_kb", files), let size = integer(node, in: bounds.headersKiB)
    {
      settings.maxHeadersKiB = size
    }
    if let node = setting("max_subjects", files), let count = integer(node, in: bounds.subjects) {
      settings.maxSubjects = count
    }
    if let node = setting("enforce_at", files),
      let point = choice(node, [("ext_proc", EnforcementPoint.extProc), ("ext_authz", .extAuthz)])
    {
      settings.enforceAt = point
    }
    if let node = setting("log_level", files) {
      settings.logLevel = choice(node, LogLevel.allCases.map { ($0.rawValue, $0) })
    }
    if let node = setting("api_key_headers", auth) { settings.apiKeyHeaders = apiKeyHeaders(node) }
    settings.clientCertificates = flag(setting("client_certificates", auth), default: false)
    return settings
  }

  /// The node of a setting, from whichever file has it. A second file that has it too is an error, which
  /// names both places.
  private func setting(_ name: String, _ files: [Fields]) -> Node? {
    var first: Node?
    for node in files.compactMap({ $0[name] }) {
      if let first {
        log.error(
          node, "is set in two files; keep one: the other is at \(log.text(of: first.place))")
      } else {
        first = node
      }
    }
    return first
  }

  /// The entries of `field` from all files. A name that is defined twice is an error, which names both
  /// places.
  private func gathered(
    _ field: String, _ files: [Fields], max: Int, _ bound: String, _ noun: String
  ) -> [NamedNode] {
    var all: [NamedNode] = []
    var places: [String: Place] = [:]
    for node in files.compactMap({ $0[field] }) {
      for named in named(node) {
        if let first = places[named.name] {
          log.error(
            named.keyPlace, named.node.path,
            "this \(noun) is defined twice; the other is at \(log.text(of: first))")
          continue
        }
        places[named.name] = named.keyPlace
        all.append(named)
      }
      if all.count > max {
        log.error(node, "has \(all.count) entries; at most \(max) are allowed (\(bound))")
        return []
      }
    }
    return all
  }

  private func trafficClass(_ named: NamedNode) -> ClassDraft? {
    guard checkName(named.name, at: named.keyPlace, named.node.path),
      let fields = fields(
        named.node,
        known: [
          "latency_sensitive", "streaming", "retry_friendly", "max_concurrent", "on_store_loss",
        ])
    else { return nil }
    let maxConcurrent = fields["max_concurrent"]
    let onStoreLoss = fields["on_store_loss"]
    if let onStoreLoss, maxConcurrent == nil {
      log.error(onStoreLoss, "goes only with `max_concurrent`; remove it")
    }
    return ClassDraft(
      named: named,
      trafficClass: TrafficClass(
        name: named.name,
        latencySensitive: flag(fields["latency_sensitive"], default: false),
        streaming: flag(fields["streaming"], default: false),
        retryFriendly: flag(fields["retry_friendly"], default: false),
        maxConcurrent: maxConcurrent.flatMap { integer($0, in: bounds.concurrent) },
        statedStoreLoss: onStoreLoss.flatMap(storeLoss)),
      maxConcurrentNode: maxConcurrent)
  }

  private func pathAlias(_ named: NamedNode) -> PathAliasDraft? {
    guard checkPath(named.name, at: named.keyPlace, named.node.path) else { return nil }
    if isKnown(named.name) {
      log.error(
        named.keyPlace, named.node.path, "is a known path itself and cannot be an alias; remove it")
      return nil
    }
    guard case .string(let target) = named.node.value.kind else {
      refuseKind(named.node, "text in quotes")
      return nil
    }
    let known = Endpoint.allCases.map(\.canonicalPath)
    guard let index = known.firstIndex(of: target) else {
      log.error(
        named.node,
        "\(quoted(target)) is no known endpoint"
          + Suggestion.text(for: target, among: known))
      return nil
    }
    return PathAliasDraft(named: named, endpoint: Endpoint.allCases[index])
  }
}
