/// Collects the problems of a policy, and returns them in the order of their places.
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

  /// Adds an error, which makes the policy invalid.
  func error(_ place: Place, _ path: FieldPath, _ message: String) {
    errorCount += 1
    append(.error, place, path, message)
  }

  func error(_ node: Node, _ message: String) { error(node.place, node.path, message) }

  /// Adds a warning: something unusual, with which the policy is still valid.
  func warning(_ place: Place, _ path: FieldPath, _ message: String) {
    append(.warning, place, path, message)
  }

  func warning(_ node: Node, _ message: String) { warning(node.place, node.path, message) }

  /// Adds a warning that something has no use or no effect. It is reported only where there are no
  /// errors, because an error may be its cause.
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
    // Errors and warnings have a limit each. One more is kept, so that the list can end by saying that
    // there are more.
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

  /// All problems, by file and place. More than `problemsMax` are cut, and a last one says so.
  var problems: [PolicyProblem] {
    let sorted = entries.filter { errorCount == 0 || !$0.isUse }.enumerated().sorted { a, b in
      (a.element.place.source, a.element.place.offset, a.offset)
        < (b.element.place.source, b.element.place.offset, b.offset)
    }.map(\.element.problem)
    guard sorted.count > bounds.problemsMax, let last = sorted.last else { return sorted }
    // The errors may be among those that were cut: the last one is then an error too.
    let severity: PolicyProblem.Severity = errorCount > 0 ? .error : .warning
    return sorted.prefix(bounds.problemsMax) + [
      PolicyProblem(
        severity: severity, file: last.file, line: last.line, column: last.column, path: "",
        message: "more than \(bounds.problemsMax) problems (problemsMax); the rest is left out")
    ]
  }
}
