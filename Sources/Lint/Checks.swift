/// All checks.
package enum Checks {
  /// In the order in which they run and are listed.
  package static let all: [Check] =
    inputChecks + timeoutChecks + routeChecks + attachmentChecks + extensionChecks
    + bodyChecks + headerChecks + identityChecks + ledgerChecks + storeChecks + podChecks
    + accessChecks
    + sidecarChecks + sizeChecks + bypassChecks + routeTargetChecks + blindSpotChecks

  /// Mistakes that are found while the input is read.
  private static let inputChecks = [
    Check(
      "broken-file", .error, "A file is not valid YAML or JSON, or has a key twice.",
      remedy: "correct the file"
    ) { _, _ in [] },
    Check(
      "policy", .error,
      "A ConfigMap contains a policy that Tollgate would not load, or that has a warning.",
      remedy: "try it with `tollgate check` before it is mounted"
    ) { context, _ in context.set.policyFindings },
  ]

  /// The findings in a set, without the checks in `ignored`.
  static func findings(in set: LintSet, ignoring ignored: Set<String> = []) -> [Finding] {
    let context = LintContext(set)
    var findings: [Finding] = []
    // The same mistake can be found at one place for two filters: it is reported once.
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
