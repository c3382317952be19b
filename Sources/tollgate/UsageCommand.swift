import Bytes
import Ledger
import Server

/// `tollgate usage DIR…`: sums what was used and what it cost.
enum UsageCommand {
  private static let dimensions = UsageReport.Dimension.allCases.map(\.rawValue)

  static let specification = CommandSpecification(
    "usage", "Sums what was used and what it cost, from one or several ledgers.",
    positionals: [.init("DIR", repeats: true)],
    flags: [
      Flag(
        "by", .list(dimensions.joined(separator: ","), splitsAtCommas: true), "what to sum by",
        default: "tenant,model_route"),
      Flag(
        "since", .value("TIME"),
        "from this time on: 2026-11-22, 2026-11-22T20:17:10Z, 1h for an hour ago, or the beginning of "
          + PeriodStart.words),
      Flag("until", .value("TIME"), "before that time"),
      Flag(
        "timezone", .value("ZONE"), "where days and months begin: UTC, Europe/Berlin",
        default: "the policy's"),
      Flag("json", .toggle, "as JSON"),
      Flag("csv", .toggle, "as CSV"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let expected = "one of " + dimensions.map { "`\($0)`" }.joined(separator: ", ")
    var by = arguments.values(
      "by", expected: { _ in expected }, UsageReport.Dimension.init(rawValue:))
    var named: Set<UsageReport.Dimension> = []
    for dimension in by where !named.insert(dimension).inserted {
      arguments.report(
        .invalid(.flag("by"), value: dimension.rawValue, expected: "given once: it is repeated"))
    }
    if by.isEmpty { by = [.tenant, .modelRoute] }
    let zone = arguments.optionalValue(
      "timezone", expected: "UTC or an IANA name such as Europe/Berlin", LocalDays.init(timeZone:))
    // Read twice: here for what is wrong with them, below in the ledgers' time zone.
    _ = times(&arguments, zone ?? .utc)
    let asJSON = arguments.toggle("json")
    let asCSV = arguments.toggle("csv")
    if asJSON, asCSV { arguments.report(.notTogether(.flag("json"), .flag("csv"))) }
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    guard let days = days(of: arguments.positionals, zone) else { return ExitStatus.failed }
    let (since, until) = times(&arguments, days)
    var reading = UsageReading(by: by, sinceMs: since, untilMs: until, days: days)
    for directory in arguments.positionals {
      reading.beginLedger()
      let isWhole = LedgerReading.run(directory, for: "usage") { reading.add($1) }
      guard isWhole else { return ExitStatus.failed }
    }
    if asJSON {
      Console.result(UsageText.json(reading, timeZone: days.timeZone))
    } else {
      let report = reading.report
      for line in asCSV ? UsageText.csv(report) : UsageText.table(report) { Console.result(line) }
      for line in UsageText.coverage(reading, timeZone: days.timeZone) { Console.diagnose(line) }
    }
    return ExitStatus.done
  }

  private static func times(
    _ arguments: inout ParsedArguments, _ days: LocalDays
  ) -> (since: Int64?, until: Int64?) {
    (
      LedgerTimes.value("since", &arguments, in: days),
      LedgerTimes.value("until", &arguments, in: days)
    )
  }

  /// The days of the time zone that is asked for, or of the ledgers'. Nil where they do not go together,
  /// which is printed.
  private static func days(of directories: [String], _ asked: LocalDays?) -> LocalDays? {
    var zones: [(name: String, directory: String)] = []
    var ids: [String: String] = [:]
    for directory in directories {
      do throws(LedgerProblem) {
        let newest = try LedgerDirectory.newest(LedgerDirectory.files(of: directory))
        if let id = newest.id, let other = ids.updateValue(directory, forKey: id) {
          Console.diagnose(
            "tollgate usage: \(other) and \(directory) are the same ledger: it would count twice")
          return nil
        }
        if let zone = newest.timeZone { zones.append((zone, directory)) }
      } catch {
        Console.diagnose("tollgate usage: \(directory): \(error)")
        return nil
      }
    }
    if let asked { return asked }
    guard let first = zones.first else { return .utc }
    if let other = zones.first(where: { $0.name != first.name }) {
      Console.diagnose(
        "tollgate usage: days begin in \(first.name) in \(first.directory) and in \(other.name) in "
          + "\(other.directory): say which with --timezone")
      return nil
    }
    return LocalDays(timeZone: first.name) ?? .utc
  }
}
