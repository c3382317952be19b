import Lint

/// The findings of `lint` as text and JSON.
enum LintText {
  /// `file:12: error: HTTPRoute tenant-a/chat spec.rules[0]: … [check]`, and the remedy below.
  static func lines(_ finding: Finding) -> String {
    let subject = finding.place.subject
    let parts = [
      UsageText.plain(finding.place.position), finding.severity.rawValue,
      subject.isEmpty ? "" : UsageText.plain(subject),
    ]
    let head = parts.filter { !$0.isEmpty }.joined(separator: ": ")
    var also = ""
    if !finding.alsoIn.isEmpty {
      also = "\n    also in: \(finding.alsoIn.map(UsageText.plain).joined(separator: ", "))"
    }
    return "\(head): \(UsageText.plain(finding.message)) [\(finding.check)]\n"
      + "    remedy: \(finding.remedy)\(also)"
  }

  /// `3 errors, 1 warning in 2 sets: envoy/base (40 objects), …`
  static func summary(_ report: LintReport) -> String {
    let sets = report.sets.map { "\($0.name) (\(Counted.text($0.objects, "object")))" }
    let looked = sets.isEmpty ? "nothing that lint knows" : sets.joined(separator: ", ")
    let more = report.findings.count - DocumentLimits.findingsMax
    let cut = more > 0 ? "; \(more) more are not shown" : ""
    return "tollgate lint: \(Counted.text(report.errorCount, "error")), "
      + "\(Counted.text(report.warningCount, "warning")) in \(looked)\(cut)"
  }

  /// One check of `--list`.
  static func row(_ check: Check) -> String {
    "\(check.name) (\(check.severity.rawValue)): \(check.summary)\n    remedy: \(check.remedy)"
  }

  /// `{"errors":…,"warnings":…,"sets":[…],"findings":[…]}`
  static func json(_ report: LintReport) -> String {
    let string = UsageText.jsonString
    let findings = report.findings.prefix(DocumentLimits.findingsMax).map { finding in
      let also = finding.alsoIn.map(string).joined(separator: ",")
      return
        "{\"severity\":\(string(finding.severity.rawValue)),\"check\":\(string(finding.check)),"
        + "\"file\":\(string(finding.place.source)),"
        + "\"line\":\(finding.place.line.map(String.init) ?? "null"),"
        + "\"object\":\(string(finding.place.object)),\"field\":\(string(finding.place.field)),"
        + "\"message\":\(string(finding.message)),\"remedy\":\(string(finding.remedy)),"
        + "\"also_in\":[\(also)]}"
    }
    let sets = report.sets.map { "{\"name\":\(string($0.name)),\"objects\":\($0.objects)}" }
    return "{\"errors\":\(report.errorCount),\"warnings\":\(report.warningCount),"
      + "\"sets\":[\(sets.joined(separator: ","))],\"findings\":[\(findings.joined(separator: ","))]}"
  }
}
