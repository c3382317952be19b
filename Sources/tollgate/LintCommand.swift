import Bytes
import Lint
import Policy
import Server

/// `tollgate lint PATH…`: checks manifests and Envoy configs for common mistakes, and against the
/// policy.
enum LintCommand {
  static let specification = CommandSpecification(
    "lint",
    "Finds common mistakes in manifests, Envoy configs and config dumps, and says how to correct them. "
      + "The exit status is 1 where there is an error, or where something was not checked (not-checked).",
    positionals: [.init("PATH", isRequired: false, repeats: true)],
    flags: [
      Flag("policy", .value("PATH"), "a policy to check against, besides those in ConfigMaps"),
      Flag(
        "ignore", .list("CHECK", splitsAtCommas: true),
        "leave this check out; separate several by commas"),
      Flag("list", .toggle, "print all checks, and check nothing"),
      Flag("json", .toggle, "print the findings as JSON"),
      Flag(
        "python", .value("PATH"), "the Python 3 with PyYAML that reads YAML", default: "python3"),
    ])

  static func run(_ arguments: inout ParsedArguments, environment: [String: String]) -> Int32 {
    let names = Set(Checks.all.map(\.name))
    func expected(_ text: String) -> String {
      "a check (`tollgate lint --list` prints them)\(nearest(text, names))"
    }
    let ignored = arguments.values("ignore", expected: expected) { names.contains($0) ? $0 : nil }
    if arguments.positionals.isEmpty, !arguments.toggle("list") {
      arguments.report(.argumentMissing("PATH"))
    }
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    if arguments.toggle("list") {
      for check in Checks.all { Console.result(LintText.row(check)) }
      return ExitStatus.done
    }
    var policies: [PolicySnapshot] = []
    if let path = arguments.text("policy") {
      guard let policy = PolicyFile.load(path) else { return ExitStatus.failed }
      policies = [policy]
    }
    Kernel.ignoreBrokenPipes()
    let tools = LintTools(
      python: arguments.text("python") ?? "python3", path: environment["PATH"] ?? "")
    let report: LintReport
    do {
      report = try LintReport(
        of: arguments.positionals, tools: tools, policies: policies, ignoring: Set(ignored),
        nowSeconds: UnixTime.now().seconds)
    } catch {
      Console.diagnose("tollgate lint: \(error)")
      return ExitStatus.failed
    }
    if arguments.toggle("json") {
      Console.result(LintText.json(report))
    } else {
      var told: Set<String> = []
      for finding in report.findings.prefix(LintText.findingsMax) {
        let isNew = told.insert("\(finding.check) \(finding.remedy)").inserted
        Console.result(LintText.lines(finding, withRemedy: isNew))
      }
      Console.diagnose(LintText.summary(report))
    }
    return report.errorCount == 0 && !report.hasUnchecked ? ExitStatus.done : ExitStatus.failed
  }

  private static func nearest(_ name: String, _ names: Set<String>) -> String {
    NearestName.of(name, among: names.sorted()).map { "; did you mean `\($0)`?" } ?? ""
  }
}
