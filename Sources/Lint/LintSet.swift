import Policy

/// What is checked together: the objects of one deployment, or one Envoy config, and the policies to
/// check them against.
struct LintSet: Sendable {
  /// What the report calls it: the file, `3 files`, or the directory of a kustomization.
  let name: String
  let resources: [Resource]
  /// Envoy bootstrap configs.
  let bootstraps: [Field]
  /// The policies of its ConfigMaps, then those of the command line.
  let policies: [PolicySnapshot]
  /// The problems of the policies in its ConfigMaps.
  let policyFindings: [Finding]

  /// `policies`: those of the command line.
  init(
    name: String, documents: [Document], policies: [PolicySnapshot], nowSeconds: Int64
  ) {
    self.name = name
    resources = documents.flatMap(Resource.all)
    bootstraps = documents.compactMap { document in
      let root = Field(document: document, object: "Envoy")
      let isBootstrap = root["static_resources"].exists || root["dynamic_resources"].exists
      return isBootstrap && !root["kind"].exists ? root : nil
    }
    var found: [PolicySnapshot] = []
    var findings: [Finding] = []
    for resource in resources where resource.kind == "ConfigMap" && resource.group.isEmpty {
      guard let reading = PolicyConfigMap.read(resource, nowSeconds: nowSeconds) else { continue }
      if let policy = reading.policy { found.append(policy) }
      findings += reading.findings
    }
    self.policies = found + policies
    policyFindings = findings
  }

  /// Whether it has nothing to check.
  var isEmpty: Bool { resources.isEmpty && bootstraps.isEmpty }

  /// How many objects and Envoy configs it has.
  var objectCount: Int { resources.count + bootstraps.count }

  /// The resources of these kinds; of any group where none is given.
  func resources(_ kinds: String..., group: String? = nil) -> [Resource] {
    resources.filter { kinds.contains($0.kind) && (group == nil || group == $0.group) }
  }
}
