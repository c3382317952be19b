/// One kind of mistake, and how to find it.
package struct Check: Sendable {
  /// `retries-on-streams`: what `--ignore` and findings name it.
  package let name: String
  /// The severity of its findings, unless one says otherwise.
  package let severity: Finding.Severity
  /// What is wrong and what comes of it, in one line.
  package let summary: String
  /// What to do about it, unless a finding says otherwise.
  package let remedy: String
  /// Finds the mistake in a set.
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

  /// A finding of this check at a field.
  func finding(
    _ field: Field, _ message: String, remedy: String? = nil, severity: Finding.Severity? = nil
  ) -> Finding {
    Finding(
      severity: severity ?? self.severity, check: name, place: field.place, message: message,
      remedy: remedy ?? self.remedy)
  }

  func finding(_ fault: SettingFault) -> Finding {
    finding(fault.field, fault.message, remedy: fault.remedy)
  }
}
