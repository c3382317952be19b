import Policy

/// Reads what a command line names, runs every check on it, and keeps the findings. This is the way into
/// Lint: `Checks.all` lists the checks, the rest is internal.
package struct LintReport {
  /// In the order of the sets and of `Checks.all`. One that is found in several sets is here once.
  package private(set) var findings: [Finding] = []
  /// What was checked together, with the number of its objects: the plain files, an Envoy config, the
  /// output of a kustomization.
  package private(set) var sets: [(name: String, objects: Int)] = []
  private let ignored: Set<String>
  /// The index in `findings` by check, place and message.
  private var indicesByText: [String: Int] = [:]

  package var errorCount: Int { findings.count { $0.severity == .error } }
  package var warningCount: Int { findings.count - errorCount }
  /// Whether something was given that no check looked at.
  package var hasUnchecked: Bool { findings.contains { $0.check == Checks.notChecked } }

  /// Checks files and directories.
  ///
  /// - Parameters:
  ///   - paths: files, directories, or `-` for standard input.
  ///   - policies: policies to check against, besides those in ConfigMaps.
  ///   - ignored: names of checks to leave out.
  ///   - nowSeconds: Unix time, for warnings about keys that expire.
  package init(
    of paths: [String], tools: LintTools, policies: [PolicySnapshot],
    ignoring ignored: Set<String>, nowSeconds: Int64
  ) throws(LintFault) {
    self.ignored = ignored
    func set(_ name: String, _ documents: [Document]) throws(LintFault) -> LintSet {
      LintSet(
        name: name, documents: documents, embedded: try EmbeddedConfigs(in: documents, tools),
        policies: policies, nowSeconds: nowSeconds)
    }
    let inputs = try LintInputs.gather(paths)
    let kustomizations = inputs.kustomizations
    let texts = inputs.plain + [inputs.stdin].compactMap { $0 }
    let beside = kustomizations.map(\.file) + inputs.origins
    // The files of a kustomization are read only to find the lines of its objects. An error in one of
    // them is kustomize's to report.
    let read = try tools.documents(texts + beside)
    var documents: [(text: LintInputs.Text, documents: [Document])] = []
    for (text, result) in zip(texts, read) {
      switch result {
      case .success(let nodes): documents.append((text, Document.all(nodes, of: text)))
      case .failure(let problem): add([Self.finding(problem, in: text)], set: text.name)
      }
    }
    let besideRead = read.dropFirst(texts.count)
    let files = Kustomizations(
      zip(kustomizations, besideRead).map { kustomization, result in
        Kustomizations.Entry(
          directory: kustomization.directory, isNamed: kustomization.isNamed,
          root: Document.all((try? result.get()) ?? [], of: kustomization.file).first.map {
            Field(document: $0, object: "")
          })
      })
    let origins = Origins(
      zip(inputs.origins, besideRead.dropFirst(kustomizations.count)).flatMap { text, result in
        Document.all((try? result.get()) ?? [], of: text)
      })
    for (name, plain) in Self.plainSets(documents) { check(try set(name, plain), origins: nil) }
    var built: [LintInputs.Text] = []
    for directory in files.roots { built.append(try tools.build(directory)) }
    for (text, result) in zip(built, try tools.readYAML(built)) {
      switch result {
      case .success(let nodes):
        let written = nodes.map { Document(source: text.name, hasLines: false, root: $0) }
        check(
          try set(text.name, written), origins: origins.restricted(to: files.reach(of: text.name)))
      case .failure(let problem): add([Self.finding(problem, in: text)], set: text.name)
      }
    }
    addUnknown(documents)
  }

  /// Names the inputs in which there is nothing that lint knows: those that the command line names, and
  /// all where nothing was checked.
  private mutating func addUnknown(_ files: [(text: LintInputs.Text, documents: [Document])]) {
    let isNothing = sets.isEmpty && findings.isEmpty
    let unknown = files.filter { file in
      (isNothing || file.text.isNamed) && !file.documents.contains(where: LintSet.knows)
    }.map(\.text.name)
    let names = unknown.isEmpty && isNothing ? ["the input"] : unknown
    let found = names.map { name in
      Finding(
        severity: .warning, check: Checks.notChecked,
        place: Place(source: name, line: nil, object: "", field: ""),
        message: "nothing here is a Kubernetes object or a configuration of Envoy's",
        remedy: "give manifests, an Envoy config, or what Envoy answers at /config_dump")
    }
    add(found, set: "")
  }

  /// What is checked together: all manifests; each Envoy config alone, and standard input alone.
  private static func plainSets(
    _ files: [(text: LintInputs.Text, documents: [Document])]
  ) -> [(String, [Document])] {
    var together: [Document] = []
    var names: [String] = []
    var sets: [(String, [Document])] = []
    for (text, documents) in files {
      let isConfig = documents.contains { !EnvoyConfig.all(in: $0).isEmpty }
      if isConfig || text.name == LintInputs.stdinName {
        sets.append((text.name, documents))
      } else {
        together += documents
        names.append(text.name)
      }
    }
    if let first = names.first {
      sets.insert((names.count == 1 ? first : "\(names.count) files", together), at: 0)
    }
    return sets
  }

  private mutating func check(_ set: LintSet, origins: Origins?) {
    if set.isEmpty { return }
    sets.append((set.name, set.objectCount))
    let found = Checks.findings(in: set, ignoring: ignored)
    add(found.map { origins?.placed($0) ?? $0 }, set: set.name)
  }

  /// Adds the findings in a set. One that was found in another set too is kept once, with both names.
  private mutating func add(_ found: [Finding], set: String) {
    for finding in found where !ignored.contains(finding.check) {
      let subject = finding.place.subject
      let key = "\(finding.check) \(subject) \(finding.message)"
      if let index = indicesByText[key], !subject.isEmpty {
        findings[index].alsoIn.append(set)
      } else {
        indicesByText[key] = findings.count
        findings.append(finding)
      }
    }
  }

  private static func finding(_ problem: DocumentProblem, in text: LintInputs.Text) -> Finding {
    let content = String(decoding: text.bytes, as: UTF8.self)
    let remedy =
      content.contains("${")
      ? "this looks like a template: fill in its variables first, and check the result"
      : content.contains("{{")
        ? "this looks like a Helm template: check its output: helm template … | tollgate lint -"
        : "correct the file"
    return Finding(
      severity: .error, check: "broken-file",
      place: Place(source: text.name, line: problem.line, object: "", field: ""),
      message: "\(problem.message) (column \(problem.column))", remedy: remedy)
  }
}
