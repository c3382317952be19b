/// One classic mistake: its name, and how it is found.
package struct Check: Sendable {
  package let name: String
  package let severity: Finding.Severity
  /// What is wrong where it is found, in a line.
  package let summary: String
  package let remedy: String
  let run: @Sendable (LintContext, Check) -> [Finding]

  init(
    _ name: String, _ severity: Finding.Severity, _ summary: String, remedy: String,
    _ run: @escaping @Sendable (LintContext, Check) -> [Finding]
  ) {
    self.name = name
    self.severity = severity
    self.summary = summary
    self.remedy = remedy
    self.run = run
  }

  /// A finding of this check.
  func finding(
    _ field: Field, _ message: String, remedy: String? = nil, severity: Finding.Severity? = nil
  ) -> Finding {
    Finding(
      severity: severity ?? self.severity, check: name, place: field.place, message: message,
      remedy: remedy ?? self.remedy)
  }
}

/// Every check there is.
package enum Checks {
  package static let all: [Check] =
    inputChecks + timeoutChecks + routeChecks + attachmentChecks + extensionChecks
    + bodyChecks + headerChecks + identityChecks + ledgerChecks + podChecks + accessChecks
    + sidecarChecks + sizeChecks + bypassChecks + routeTargetChecks + blindSpotChecks

  /// What the input itself can have; found while it is read.
  private static let inputChecks = [
    Check(
      "broken-file", .error, "A file is no YAML, or has a key twice.", remedy: "mend the file"
    ) { _, _ in [] },
    Check(
      "policy", .error, "A ConfigMap holds a policy that would not load, or that has a warning.",
      remedy: "try it with `tollgate check` before it is mounted"
    ) { context, _ in context.set.policyFindings },
  ]

  /// What is found in a set, without the checks that are to be ignored.
  package static func findings(in set: LintSet, ignoring ignored: Set<String> = []) -> [Finding] {
    let context = LintContext(set)
    var findings: [Finding] = []
    // Two filters with one fault at one place are one finding.
    var seen: Set<String> = []
    for check in all where !ignored.contains(check.name) {
      for finding in check.run(context, check)
      where seen.insert("\(check.name) \(finding.place) \(finding.message)").inserted {
        findings.append(finding)
      }
    }
    return findings
  }
}
