import Policy

/// What is checked together: the objects of one deployment, or one Envoy config, and the policies to
/// check them against.
struct LintSet: Sendable {
  /// What the report calls it: the file, `3 files`, or the directory of a kustomization.
  let name: String
  let resources: [Resource]
  let configs: [EnvoyConfig]
  /// What may change Envoy's filters and is not read.
  let unread: [Remark]
  /// The policies of its ConfigMaps, then those of the command line.
  let policies: [PolicySnapshot]
  /// The problems of the policies in its ConfigMaps.
  let policyFindings: [Finding]

  /// - Parameters:
  ///   - embedded: Envoy configs that are texts in these documents.
  ///   - policies: those of the command line.
  init(
    name: String, documents: [Document], embedded: EmbeddedConfigs = EmbeddedConfigs(),
    policies: [PolicySnapshot], nowSeconds: Int64
  ) {
    self.name = name
    resources = documents.flatMap(Resource.all)
    configs = (documents + embedded.documents).flatMap(EnvoyConfig.all)
    unread =
      documents.compactMap(ForeignObjects.reason)
      + embedded.unread.map { Remark($0, "this Envoy config") }
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

  /// Whether a document is something that is checked, or that must be reported as not checked.
  static func knows(_ document: Document) -> Bool {
    !Resource.all(in: document).isEmpty || !EnvoyConfig.all(in: document).isEmpty
      || ForeignObjects.reason(for: document) != nil
  }

  /// Whether it has nothing to check.
  var isEmpty: Bool { objectCount == 0 && unread.isEmpty }

  /// How many objects and Envoy configs it has.
  var objectCount: Int { resources.count + configs.count }

  /// One by its name; nil where it is not in the set. One that is in no namespace has "".
  func resource(_ kind: String, _ name: String?, in namespace: String?) -> Resource? {
    resources(kind).first { $0.name == name && $0.namespace == namespace }
  }

  /// The resources of these kinds, if they are of the group that lint knows them in.
  func resources(_ kinds: String...) -> [Resource] {
    resources.filter { kinds.contains($0.kind) && $0.group == Resource.groups[$0.kind] }
  }
}
