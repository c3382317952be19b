import Ledger
import Server

/// `tollgate usage DIR`: what was used and what it cost.
enum UsageCommand {
  static let specification = CommandSpecification(
    "usage", "Sums what was used and what it cost, from the ledger.",
    positionals: [.init("DIR")],
    flags: [
      Flag(
        "by", .list("tenant,model_route,subject,day", splitsAtCommas: true), "what to sum by",
        default: "tenant,model_route"),
      Flag("since", .value("TIME"), "from 2026-11-22, 2026-11-22T20:17:10.123Z or 1h ago on"),
      Flag("until", .value("TIME"), "before that time"),
      Flag("json", .toggle, "as JSON"),
      Flag("csv", .toggle, "as CSV"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let expected = "`tenant`, `model_route`, `subject` or `day`"
    let by = arguments.values(
      "by", expected: { _ in expected }, UsageReport.Dimension.init(rawValue:))
    var filter = RecordFilter()
    filter.type = "completion"
    filter.sinceMs = LedgerTimes.value("since", &arguments)
    filter.untilMs = LedgerTimes.value("until", &arguments)
    let asJSON = arguments.toggle("json")
    let asCSV = arguments.toggle("csv")
    if asJSON, asCSV {
      arguments.report(.unexpectedArgument("--csv"))
    }
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    var report = UsageReport(by: by.isEmpty ? [.tenant, .modelRoute] : by)
    do {
      var walk = try LedgerWalk(LedgerDirectory.files(of: arguments.positionals[0]))
      while let step = try walk.next() {
        let record = try step.line.record(of: step.segment)
        if filter.matches(record) { report.add(record) }
      }
      guard walk.segmentCount > 0 else {
        Console.diagnose("tollgate usage: \(arguments.positionals[0]) holds no ledger")
        return ExitStatus.failed
      }
    } catch {
      Console.diagnose("tollgate usage: \(error)")
      return ExitStatus.failed
    }
    let lines =
      asJSON
      ? [UsageText.json(report)] : asCSV ? UsageText.csv(report) : UsageText.table(report)
    for line in lines { Console.result(line) }
    return ExitStatus.done
  }
}

/// Moments as flags have them.
enum LedgerTimes {
  /// A day, a moment of the ledger's own form, or a duration ago; a problem where it is none.
  static func value(_ name: String, _ arguments: inout ParsedArguments) -> Int64? {
    let expected = "a day (2026-11-22), a moment (2026-11-22T20:17:10.123Z) or a duration (1h)"
    let nowMs = Kernel.wallNanoseconds() / 1_000_000
    return arguments.value(name, default: nil, expected: expected) { text in
      UTCTime.dayStart(text) ?? UTCTime.milliseconds(text)
        ?? DurationText.parse(text).map { nowMs - Int64($0 / .milliseconds(1)) }
    }
  }
}
