import Ledger
import Server

/// `tollgate usage DIR`: sums what was used and what it cost.
enum UsageCommand {
  static let specification = CommandSpecification(
    "usage", "Sums what was used and what it cost, from the ledger.",
    positionals: [.init("DIR")],
    flags: [
      Flag(
        "by", .list("tenant,model_route,subject,day", splitsAtCommas: true), "what to sum by",
        default: "tenant,model_route"),
      Flag(
        "since", .value("TIME"),
        "from this time on: 2026-11-22, 2026-11-22T20:17:10Z, or 1h for an hour ago"),
      Flag("until", .value("TIME"), "before that time"),
      Flag("json", .toggle, "as JSON"),
      Flag("csv", .toggle, "as CSV"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let expected = "`tenant`, `model_route`, `subject` or `day`"
    let by = arguments.values(
      "by", expected: { _ in expected }, UsageReport.Dimension.init(rawValue:))
    var named: Set<UsageReport.Dimension> = []
    for dimension in by where !named.insert(dimension).inserted {
      arguments.report(
        .invalid(.flag("by"), value: dimension.rawValue, expected: "given once: it is repeated"))
    }
    var filter = RecordFilter()
    filter.type = "completion"
    filter.sinceMs = LedgerTimes.value("since", &arguments)
    filter.untilMs = LedgerTimes.value("until", &arguments)
    let asJSON = arguments.toggle("json")
    let asCSV = arguments.toggle("csv")
    if asJSON, asCSV { arguments.report(.notTogether(.flag("json"), .flag("csv"))) }
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    var report = UsageReport(by: by.isEmpty ? [.tenant, .modelRoute] : by)
    let isWhole = LedgerReading.run(arguments.positionals[0], for: "usage") { _, record in
      if filter.matches(record) { report.add(record) }
    }
    guard isWhole else { return ExitStatus.failed }
    let lines =
      asJSON
      ? [UsageText.json(report)] : asCSV ? UsageText.csv(report) : UsageText.table(report)
    for line in lines { Console.result(line) }
    return ExitStatus.done
  }
}
