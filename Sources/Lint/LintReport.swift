import Policy

/// Reads what a command line names, runs every check on it, and keeps the findings. This is the way into
/// Lint: `Checks.all` lists the checks, the rest is internal.
package struct LintReport {
  /// In the order of the sets and of `Checks.all`. One that is found in several sets is here once.
  package private(set) var findings: [Finding] = []
  /// What was checked together: the plain files, an Envoy config, the output of a kustomization.
  package private(set) var sets: [(name: String, objects: Int)] = []
  private let ignored: Set<String>
  /// The index in `findings` by check, place and message.
  private var indicesByText: [String: Int] = [:]

  package var errorCount: Int { findings.count { $0.severity == .error } }
  package var warningCount: Int { findings.count - errorCount }
  /// Whether something was given that no check looked at.
  package var hasUnchecked: Bool { findings.contains { $0.check == Checks.notChecked } }

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
    let inputs = try tools.read(LintInputs.gather(paths))
    let files = inputs.filter { $0.role == .plain }
    let kustomizations = Kustomizations(inputs.filter { $0.role == .kustomization })
    // Read only to find the lines of the objects: an error in them is kustomize's to report.
    let origins = Origins(inputs.filter { $0.role == .origin }.flatMap(\.documents))
    var texts: [LintInputs.Text] = []
    for directory in kustomizations.roots { texts.append(try tools.build(directory)) }
    let built = try tools.read(texts)
    for (name, documents) in Self.plainSets(files) + built.map({ ($0.name, $0.documents) }) {
      let set = LintSet(
        documents: documents, embedded: try EmbeddedConfigs(in: documents, tools),
        policies: policies, nowSeconds: nowSeconds)
      if set.isEmpty { continue }
      sets.append((name, set.objectCount))
      let own = origins.restricted(to: kustomizations.reach(of: name))
      add(Checks.findings(in: set, ignoring: ignored).map(own.placed), set: name)
    }
    for file in files + built { addProblem(of: file) }
    addUnknown(files)
  }

  /// Names the inputs without anything that lint knows: the named ones, or all where nothing is.
  private mutating func addUnknown(_ files: [LintInputs.Text]) {
    let isNothing = sets.isEmpty && findings.isEmpty
    let unknown = files.filter { file in
      (isNothing || file.isNamed) && file.problem == nil
        && !file.documents.contains(where: LintSet.knows)
    }.map(\.name)
    let names = unknown.isEmpty && isNothing ? ["the input"] : unknown
    let found = names.map {
      Finding(
        severity: .warning, check: Checks.notChecked, place: Place(source: $0),
        message: "nothing here is a Kubernetes object or a configuration of Envoy's",
        remedy: "give manifests, an Envoy config, or what Envoy answers at /config_dump")
    }
    add(found, set: "")
  }

  /// What is checked together: all manifests; each Envoy config alone, and standard input alone.
  private static func plainSets(_ files: [LintInputs.Text]) -> [(String, [Document])] {
    func isAlone(_ file: LintInputs.Text) -> Bool {
      file.name == LintInputs.stdinName
        || file.documents.contains { !EnvoyConfig.all(in: $0).isEmpty }
    }
    let together = files.filter { $0.problem == nil && !isAlone($0) }
    let name = together.count == 1 ? together[0].name : "\(together.count) files"
    return (together.isEmpty ? [] : [(name, together.flatMap(\.documents))])
      + files.filter(isAlone).map { ($0.name, $0.documents) }
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

  private mutating func addProblem(of input: LintInputs.Text) {
    guard let problem = input.problem else { return }
    let content = String(decoding: input.bytes, as: UTF8.self)
    let remedy =
      content.contains("${")
      ? "this looks like a template: fill in its variables first, and check the result"
      : content.contains("{{")
        ? "this looks like a Helm template: check its output: helm template … | tollgate lint -"
        : "correct the file"
    let finding = Finding(
      severity: .error, check: "broken-file",
      place: Place(source: input.name, line: problem.line),
      message: "\(problem.message) (column \(problem.column))", remedy: remedy)
    add([finding], set: input.name)
  }
}
