/// Collects what is wrong with a policy, and puts it in the order of the text.
final class ProblemLog {
  let sources: [SourceText]
  private let bounds: PolicyBounds
  private var entries: [(place: Place, isUse: Bool, problem: PolicyProblem)] = []
  private(set) var errorCount = 0
  private var warningCount = 0

  init(sources: [SourceText], bounds: PolicyBounds) {
    self.sources = sources
    self.bounds = bounds
  }

  /// A fault that refuses the policy.
  func error(_ place: Place, _ path: FieldPath, _ message: String) {
    errorCount += 1
    append(.error, place, path, message)
  }

  func error(_ node: Node, _ message: String) { error(node.place, node.path, message) }

  /// Something odd that the policy may keep.
  func warning(_ place: Place, _ path: FieldPath, _ message: String) {
    append(.warning, place, path, message)
  }

  func warning(_ node: Node, _ message: String) { warning(node.place, node.path, message) }

  /// A warning of what has no use or no effect. It is told only where nothing is wrong, for it may
  /// well be so because of what is.
  func useWarning(_ place: Place, _ path: FieldPath, _ message: String) {
    append(.warning, place, path, message, isUse: true)
  }

  func useWarning(_ node: Node, _ message: String) { useWarning(node.place, node.path, message) }

  /// `file:line:column` of a place, for messages that name two.
  func text(of place: Place) -> String {
    let source = sources[place.source]
    let (line, column) = source.position(of: place.offset)
    return "\(source.name):\(line):\(column)"
  }

  private func append(
    _ severity: PolicyProblem.Severity, _ place: Place, _ path: FieldPath, _ message: String,
    isUse: Bool = false
  ) {
    // Errors and warnings have a bound each; one over it is kept, so that the end of the list can
    // say that there is more.
    if severity == .warning {
      guard warningCount <= bounds.problemsMax else { return }
      warningCount += 1
    } else {
      guard errorCount <= bounds.problemsMax + 1 else { return }
    }
    let source = sources[place.source]
    let (line, column) = source.position(of: place.offset)
    entries.append(
      (
        place, isUse,
        PolicyProblem(
          severity: severity, file: source.name, line: line, column: column,
          path: path.description, message: message)
      ))
  }

  /// All problems: by file, then by place; cut at `problemsMax`, with a last one that says so.
  var problems: [PolicyProblem] {
    let sorted = entries.filter { errorCount == 0 || !$0.isUse }.enumerated().sorted { a, b in
      (a.element.place.source, a.element.place.offset, a.offset)
        < (b.element.place.source, b.element.place.offset, b.offset)
    }.map(\.element.problem)
    guard sorted.count > bounds.problemsMax, let last = sorted.last else { return sorted }
    // What is cut must not hide that the policy is refused.
    let severity: PolicyProblem.Severity = errorCount > 0 ? .error : .warning
    return sorted.prefix(bounds.problemsMax) + [
      PolicyProblem(
        severity: severity, file: last.file, line: last.line, column: last.column, path: "",
        message: "more than \(bounds.problemsMax) problems (problemsMax); the rest is left out")
    ]
  }
}
