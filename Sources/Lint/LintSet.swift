import Policy

/// What is checked together: a deployment's objects or an Envoy config, and the policies for them.
struct LintSet: Sendable {
  let resources: [Resource]
  /// Those of the groups that lint knows, by kind.
  private let resourcesByKind: [String: [Resource]]
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
    documents: [Document], embedded: EmbeddedConfigs = EmbeddedConfigs(),
    policies: [PolicySnapshot], nowSeconds: Int64
  ) {
    resources = documents.flatMap(Resource.all)
    let known = resources.filter { $0.group == Resource.groups[$0.kind] }
    resourcesByKind = Dictionary(grouping: known, by: \.kind)
    configs = (documents + embedded.documents).flatMap(EnvoyConfig.all)
    unread =
      documents.compactMap(ForeignObjects.reason)
      + embedded.unread.map { Remark($0, "this Envoy config") }
    let readings = (resourcesByKind["ConfigMap"] ?? []).map {
      PolicyConfigMap.read($0, nowSeconds: nowSeconds)
    }
    self.policies = readings.compactMap(\.policy) + policies
    policyFindings = readings.flatMap(\.findings)
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
    kinds.flatMap { resourcesByKind[$0] ?? [] }
  }
}
