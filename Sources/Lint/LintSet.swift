import Policy

/// What is looked at together: the objects of one deployment, or one Envoy config, and the policies
/// they are checked against.
package struct LintSet: Sendable {
  /// The directory, file or kustomization.
  package let name: String
  package let resources: [Resource]
  /// Envoy bootstrap configs.
  let bootstraps: [Field]
  package let policies: [PolicySnapshot]
  /// What was wrong with the policies found in it.
  package let policyFindings: [Finding]

  /// `policies`: those that were named beside the manifests.
  package init(
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

  /// Whether there is anything that a check looks at.
  package var isEmpty: Bool { resources.isEmpty && bootstraps.isEmpty }

  /// How many objects and Envoy configs it has.
  package var objectCount: Int { resources.count + bootstraps.count }

  func resources(_ kinds: String..., group: String? = nil) -> [Resource] {
    resources.filter { kinds.contains($0.kind) && (group == nil || group == $0.group) }
  }
}

/// The policy in a ConfigMap: every `*.json` and `*.json5` key, as the mounted directory would be read.
enum PolicyConfigMap {
  /// nil where the ConfigMap holds no policy: none of its keys is `*.json5`, or `policy*.json`.
  static func read(
    _ resource: Resource, nowSeconds: Int64
  ) -> (policy: PolicySnapshot?, findings: [Finding])? {
    let data = resource.root["data"].members
    guard data.contains(where: { isPolicyName($0.key) }) else { return nil }
    let files = data.filter { $0.key.hasSuffix(".json5") || $0.key.hasSuffix(".json") }
    let sources = files.map { key, value in
      PolicySource(name: key, bytes: Array((value.text ?? "").utf8))
    }
    let (policy, problems) = PolicyLoader.load(sources, nowSeconds: nowSeconds)
    let findings = problems.map { problem in
      let value = resource.root["data"][problem.file]
      var place = value.place
      var position = "line \(problem.line), column \(problem.column)"
      if value.hasLines, case .string(_, isLiteral: true)? = value.node?.kind {
        // A literal block's lines are the file's, from the one behind its `|`.
        place.line = (value.node?.line ?? value.line) + problem.line
        position = "column \(problem.column) of the text"
      }
      let path = problem.path.isEmpty ? "" : "\(problem.path): "
      return Finding(
        severity: problem.severity == .error ? .error : .warning, check: "policy", place: place,
        message: "\(path)\(problem.message) (\(position))",
        remedy: "try it with `tollgate check` before it is mounted")
    }
    return (policy, findings)
  }

  private static func isPolicyName(_ key: String) -> Bool {
    key.hasSuffix(".json5") || key.hasPrefix("policy") && key.hasSuffix(".json")
  }
}
