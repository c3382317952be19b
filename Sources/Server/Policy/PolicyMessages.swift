import Log
import Policy
import Terms

/// The log lines about policies: replaced, unchanged, refused, and their problems.
extension Logger {
  /// How many problems of a policy get a line each; `tollgate check` shows all of them.
  package static let problemsMax = 20

  /// The warnings about a policy that is in force; at most `problemsMax` lines.
  package func policyWarnings(_ problems: [PolicyProblem]) {
    policyProblems(problems, .warning, .policyWarning)
  }

  /// The first policy cannot be used.
  package func policyUnusable(_ problem: PolicyStore.StartProblem) {
    policyProblems(problem.fault, problem.problems)
  }

  /// The new policy is in force.
  package func policyReplaced(_ old: PolicySnapshot, by new: PolicySnapshot) {
    guard isKept(.info) else { return }
    let difference = PolicyDifference(from: old, to: new)
    log(
      .info, .policyReplaced,
      "policy replaced: revision \(new.revision) for \(old.revision), "
        + (difference.isEmpty
          ? "its text has changed and its meaning has not" : "now \(new.summary)"),
      [
        (.policyRevision, .text(new.revision)), (.previousRevision, .text(old.revision)),
      ] + difference.fields)
    planChanges(difference.planChanges)
  }

  /// How many tenants whose plan has changed get a line each.
  static let planChangesMax = 10

  /// A line for each tenant whose plan is another one or has changed, and one for all that are left out.
  private func planChanges(_ changes: [PolicyDifference.PlanChange]) {
    for change in changes.prefix(Self.planChangesMax) {
      let what =
        switch (change.before, change.after) {
        case (let before?, let after?) where before == after: "its plan \(after) has changed"
        case (let before?, let after?): "its plan is \(after), and was \(before)"
        case (nil, let after?): "its plan is \(after), and it had none"
        case (let before?, nil): "it has no plan any more; it was \(before)"
        case (nil, nil): "it has no plan"
        }
      log(
        .info, .tenantPlanChanged, "tenant \(change.tenant): \(what)",
        [
          .tenant: .text(change.tenant), .plan: .optional(change.after),
          .previousPlan: .optional(change.before),
        ])
    }
    guard changes.count > Self.planChangesMax else { return }
    let rest = changes.count - Self.planChangesMax
    log(
      .info, .tenantPlanChanged, "and \(rest) tenants more whose plan has changed",
      [.count: .integer(rest)])
  }

  /// The policy was read because somebody asked, and it is the one that is in force.
  package func policyUnchanged(_ policy: PolicySnapshot) {
    log(
      .info, .policyUnchanged, "the policy is unchanged: revision \(policy.revision)",
      [.policyRevision: .text(policy.revision)])
  }

  /// The files could not be read, or are not a valid policy; `policy` stays in force.
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
      // A warning is not why a policy is refused.
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
  /// The file or directory that it is about.
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
      (.plansAdded, plans.added), (.plansRemoved, plans.removed), (.plansChanged, plans.changed),
      (.groupsAdded, groups.added), (.groupsRemoved, groups.removed),
      (.groupsChanged, groups.changed),
      (.settingsChanged, settings),
    ]
    return lists.filter { !$0.1.isEmpty }.map { ($0.0, .names($0.1)) }
  }
}
