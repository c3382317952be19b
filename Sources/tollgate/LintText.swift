import Bytes
import Lint

/// The findings of `lint` as text and JSON.
enum LintText {
  /// The most findings that are printed; the others are only counted.
  static let findingsMax = 1000

  /// `file:12: error: HTTPRoute tenant-a/chat spec.rules[0]: … [check]`, and the remedy below, which the
  /// report says once for all findings that have the same.
  static func lines(_ finding: Finding, withRemedy: Bool) -> String {
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
    return "\(head): \(UsageText.plain(finding.message)) [\(finding.check)]"
      + (withRemedy ? "\n    remedy: \(finding.remedy)" : "") + also
  }

  /// `3 errors, 1 warning in 2 sets: envoy/base (40 objects), …`
  static func summary(_ report: LintReport) -> String {
    let sets = report.sets.map { "\($0.name) (\(Counted.text($0.objects, "object")))" }
    let looked = sets.isEmpty ? "nothing that lint knows" : sets.joined(separator: ", ")
    let more = report.findings.count - findingsMax
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
    var json = JSONWriter()
    json.object { json in
      json.field("errors", report.errorCount)
      json.field("warnings", report.warningCount)
      json.array("sets") { json in
        for set in report.sets {
          json.object { json in
            json.field("name", set.name)
            json.field("objects", set.objects)
          }
        }
      }
      json.array("findings") { json in
        for finding in report.findings.prefix(findingsMax) {
          json.object { add(finding, to: &$0) }
        }
      }
    }
    return json.text
  }

  private static func add(_ finding: Finding, to json: inout JSONWriter) {
    json.field("severity", finding.severity.rawValue)
    json.field("check", finding.check)
    json.field("file", finding.place.source)
    json.field("line", finding.place.line.map(Int64.init))
    json.field("object", finding.place.object)
    json.field("field", finding.place.field)
    json.field("message", finding.message)
    json.field("remedy", finding.remedy)
    json.field("also_in", finding.alsoIn)
  }
}
