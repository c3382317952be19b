import Bytes
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
      Flag("since", .value("TIME"), "from 2026-11-22, 2026-11-22T20:17:10Z or 1h ago on"),
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

/// Moments as flags have them.
enum LedgerTimes {
  /// The beginning of a day (UTC), a moment (RFC 3339) or a duration ago; a problem where it is none.
  static func value(_ name: String, _ arguments: inout ParsedArguments) -> Int64? {
    let expected =
      "a day (2026-11-22), a moment (2026-11-22T20:17:10Z, 2026-11-22T21:17:10.5+01:00) or a "
      + "duration ago (1h)"
    let nowMs = SystemClock.wallNanoseconds() / 1_000_000
    return arguments.optionalValue(name, expected: expected) { text in
      UTCTime.dayStart(text) ?? UTCTime.moment(text)
        ?? DurationText.parse(text).map { nowMs - Int64($0 / .milliseconds(1)) }
    }
  }
}
