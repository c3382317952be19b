import Gateway
import Log
import Policy
import Terms

/// What the log says of policies: read, replaced, refused.
extension Logger {
  /// Problems of a refused policy that are said singly; `tollgate check` shows all of them.
  package static let problemsMax = 20

  /// What a policy that is in force had better not have; at most `problemsMax` lines.
  package func policyWarnings(_ problems: [PolicyProblem]) {
    policyProblems(problems, .warning, .policyWarning)
  }

  /// There is no policy to begin with.
  package func policyUnusable(_ problem: PolicyStore.StartProblem) {
    policyProblems(problem.fault, problem.problems)
  }

  /// One policy has taken the place of another.
  package func policyReplaced(_ old: PolicySnapshot, by new: PolicySnapshot) {
    guard isKept(.info) else { return }
    let difference = PolicyDifference(from: old, to: new)
    log(
      .info, .policyReplaced,
      "policy replaced: revision \(new.revision) for \(old.revision), "
        + (difference.isEmpty ? "the same in other words" : "now \(new.summary)"),
      [
        (.policyRevision, .text(new.revision)), (.previousRevision, .text(old.revision)),
      ] + difference.fields)
  }

  /// Somebody asked for the policy that is in force anyway.
  package func policyUnchanged(_ policy: PolicySnapshot) {
    log(
      .info, .policyUnchanged, "the policy is unchanged: revision \(policy.revision)",
      [.policyRevision: .text(policy.revision)])
  }

  /// The files could not be read, or what they say is no policy; `policy` stays in force.
  package func policyRefused(
    _ fault: PolicyReader.Problem?, _ problems: [PolicyProblem], stays policy: PolicySnapshot,
    refusedSoFar: Int
  ) {
    policyProblems(fault, problems)
    log(
      .error, .policyRefused,
      "the new policy is refused, revision \(policy.revision) stays"
        + " (\(refusedSoFar) refused so far)",
      [
        .policyRevision: .text(policy.revision), .refused: .integer(refusedSoFar),
        .problems: .integer(problems.count { $0.severity == .error } + (fault == nil ? 0 : 1)),
      ])
  }

  private func policyProblems(_ fault: PolicyReader.Problem?, _ problems: [PolicyProblem]) {
    if let fault {
      log(.error, .policyProblem, fault.description, [.file: .text(fault.path)])
    }
    policyProblems(problems, .error, .policyProblem)
  }

  private func policyProblems(
    _ problems: [PolicyProblem], _ level: LogLevel, _ event: LogEvent
  ) {
    for problem in problems.prefix(Self.problemsMax) {
      // A refused policy's warnings are not what refused it.
      log(
        problem.severity == .warning ? .warning : level,
        problem.severity == .warning ? .policyWarning : event, problem.description,
        [
          .file: .text(problem.file), .place: .text("\(problem.line):\(problem.column)"),
          .problem: .optional(problem.path.isEmpty ? nil : problem.path),
        ])
    }
    if problems.count > Self.problemsMax {
      log(
        level, event,
        "and \(problems.count - Self.problemsMax) more: `tollgate check` shows them all",
        [.count: .integer(problems.count - Self.problemsMax)])
    }
  }
}

extension PolicyReader.Problem {
  /// The file or folder that it is about.
  var path: String {
    switch self {
    case .system(let path, _), .notRegular(let path), .fileTooLarge(let path, _),
      .totalTooLarge(let path, _), .tooManyFiles(let path, _), .noFiles(let path),
      .keepsChanging(let path):
      path
    }
  }
}

extension PolicyDifference {
  /// A field for each list that is not empty.
  var fields: [(key: LogKey, value: LogValue)] {
    let lists: [(LogKey, [String])] = [
      (.tenantsAdded, tenants.added), (.tenantsRemoved, tenants.removed),
      (.tenantsChanged, tenants.changed),
      (.keysAdded, keys.added), (.keysRemoved, keys.removed), (.keysChanged, keys.changed),
      (.limitsAdded, limits.added), (.limitsRemoved, limits.removed),
      (.limitsChanged, limits.changed),
      (.modelsAdded, models.added), (.modelsRemoved, models.removed),
      (.modelsChanged, models.changed),
      (.routesAdded, routes.added), (.routesRemoved, routes.removed),
      (.routesChanged, routes.changed),
      (.classesAdded, classes.added), (.classesRemoved, classes.removed),
      (.classesChanged, classes.changed),
      (.settingsChanged, settings),
    ]
    return lists.filter { !$0.1.isEmpty }.map { ($0.0, .names($0.1)) }
  }
}
