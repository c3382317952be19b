/// The files in which kustomize's objects are written, so that a finding can name a file and a line.
struct Origins {
  private var resources: [Resource]

  init(_ documents: [Document]) { resources = documents.flatMap(Resource.all) }

  /// The objects that are written in these files, in the order of the files.
  func restricted(to files: [String]) -> Origins {
    var origins = self
    origins.resources = files.flatMap { file in resources.filter { $0.root.source == file } }
    return origins
  }

  /// The resources that write an object: it, and patches of it. A file may leave the namespace to its
  /// kustomization. Where files of several directories do so for the same name, those count in whose
  /// directory the Namespace is written too.
  private func resources(writing object: String) -> [Resource] {
    let own = resources.filter { $0.isWritten(as: object) }
    let named = own.filter { $0.root.object == object && $0.root["metadata"]["namespace"].exists }
    let open = own.filter { !$0.root["metadata"]["namespace"].exists }
    let namespace = object.drop { $0 != " " }.dropFirst().prefix { $0 != "/" }
    let homes = resources.filter { $0.kind == "Namespace" && $0.name == namespace }
      .map { LintInputs.folder(of: $0.root.source) }
    let atHome = open.filter { homes.contains(LintInputs.folder(of: $0.root.source)) }
    return named + (atHome.isEmpty ? open : atHome)
  }

  /// The finding with the file and line at which its field is written, or else its object. Where several
  /// files write the object, the first that has the field.
  func placed(_ finding: Finding) -> Finding {
    let fields = resources(writing: finding.place.object).map { $0.root.at(finding.place.field) }
    guard let best = (fields.first(where: \.exists) ?? fields.first)?.place else { return finding }
    var finding = finding
    (finding.place.source, finding.place.line) = (best.source, best.line)
    return finding
  }
}
