package enum Checks {
  /// In the order in which they run and are listed.
  package static let all: [Check] =
    inputChecks + timeoutChecks + routeChecks + attachmentChecks + extensionChecks + socketChecks
    + bodyChecks + headerChecks + identityChecks + ledgerChecks + storeChecks + podChecks
    + accessChecks + sidecarChecks + sizeChecks + bypassChecks + routeTargetChecks + blindSpotChecks

  /// Mistakes that are found while the input is read.
  private static let inputChecks = [
    Check(
      "broken-file", .error, each: \.whole, "A file is not valid YAML or JSON, or has a key twice.",
      remedy: "correct the file"
    ) { _, _, _ in },
    Check(
      "policy", .error, each: \.set.policyFindings,
      "A ConfigMap contains a policy that Tollgate would not load, or that has a warning.",
      remedy: "try it with `tollgate check` before it is mounted"
    ) { finding, _, report in report(finding) },
  ]

  /// The findings in a set, without the checks in `ignored`.
  static func findings(in set: LintSet, ignoring ignored: Set<String> = []) -> [Finding] {
    let context = LintContext(set)
    // The same mistake can be found at one place for two filters: it is reported once.
    var seen: Set<String> = []
    return all.filter { !ignored.contains($0.name) }.flatMap { $0.findings(in: context) }
      .filter { seen.insert("\($0.check) \($0.place) \($0.message)").inserted }
  }
}
