import Bytes
import Gateway
import Policy
import Server

/// `tollgate replay --policy NEW DIR`: shows what a new policy would have decided on recorded
/// traffic.
enum ReplayCommand {
  static let specification = CommandSpecification(
    "replay", "Shows what a new policy would have decided on recorded traffic.",
    positionals: [.init("DIR")],
    flags: [
      Flag("policy", .value("PATH"), "the new policy: a JSON5 file, or a directory of them"),
      Flag("json", .toggle, "as JSON, with up to 100 request ids of each difference"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let policyPath = arguments.requiredText("policy")
    let asJSON = arguments.toggle("json")
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    guard let policy = PolicyFile.load(policyPath) else { return ExitStatus.failed }
    let replay = PolicyReplay(policy)
    let isWhole = LedgerReading.run(arguments.positionals[0], for: "replay") { _, record in
      replay.apply(record)
    }
    guard isWhole else { return ExitStatus.failed }
    if asJSON {
      Console.result(ReplayText.json(replay.report, policy: policy.revision))
    } else {
      for line in ReplayText.table(replay.report) { Console.result(line) }
      for line in ReplayText.summary(replay.report) { Console.result(line) }
    }
    for line in ReplayText.remarks(replay.report) { Console.diagnose("tollgate replay: \(line)") }
    return ExitStatus.done
  }
}

/// A replay's differences as a table or JSON.
enum ReplayText {
  /// Request ids in a row of the table.
  static let requestIDsShown = 3

  /// A header line, and a line for each difference; nothing where there is none.
  static func table(_ report: ReplayReport) -> [String] {
    let rows = report.rows
    guard !rows.isEmpty else { return [] }
    var cells = [["tenant", "was", "would be", "limit", "count", "request ids"]]
    for row in rows {
      let ids = row.requestIDs.prefix(requestIDsShown).map(UsageText.plain).joined(separator: " ")
      let more = row.count > Int64(requestIDsShown) ? " …" : ""
      cells.append([
        row.tenant.map(UsageText.plain) ?? "-", text(row.was), text(row.would),
        UsageText.plain(row.would.limit ?? row.was.limit ?? "-"), String(row.count), ids + more,
      ])
    }
    let widths = cells[0].indices.map { index in cells.map { $0[index].count }.max() ?? 0 }
    let (count, last) = (4, 5)
    return cells.map { row in
      let padded = row.enumerated().map { index, cell in
        let padding = String(repeating: " ", count: widths[index] - cell.count)
        return index == last ? cell : index == count ? padding + cell : cell + padding
      }
      return padded.joined(separator: "  ")
    }
  }

  private static func text(_ decision: ReplayedDecision) -> String {
    switch decision {
    case .allow: "allow"
    case .deny(let reason, _): "deny " + UsageText.plain(reason)
    case .unsure(let reason, _): "allow or deny " + UsageText.plain(reason)
    }
  }

  /// The line of totals.
  static func summary(_ report: ReplayReport) -> [String] {
    var parts: [String] = []
    for (count, words) in [
      (report.newlyDenied, "newly denied"), (report.newlyAllowed, "newly allowed"),
      (report.deniedOtherwise, "denied otherwise"), (report.unsure, "unsure"),
    ] where count > 0 {
      parts.append("\(count) \(words)")
    }
    let details = parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
    return ["\(report.replayed) decisions replayed, \(report.differing) differ\(details)"]
  }

  /// What the result leaves out, and where it is only approximate.
  static func remarks(_ report: ReplayReport) -> [String] {
    var lines: [String] = []
    let leftOut = report.notReplayed.sorted { $0.key < $1.key }
    if !leftOut.isEmpty {
      let counts = leftOut.map { "\($0.value) \(UsageText.plain($0.key))" }
      lines.append(
        "refusals not replayed, their records say too little: " + counts.joined(separator: ", "))
    }
    if report.withoutDemand > 0 {
      lines.append(
        "approximate: \(report.withoutDemand) refused requests were replayed as requests of no "
          + "tokens, for no more of them is on record")
    }
    if report.unsure > 0 {
      lines.append(
        "approximate: \(report.unsure) depend on what is not on record: a bound that the client may "
          + "or may not have stated, a host or a body that was not looked at")
    }
    if report.lacksCounters {
      lines.append("approximate: the oldest counters cannot be read; all begin at nothing")
    }
    return lines
  }

  /// `{"policy":…,"replayed":…,"differences":[…],…}` on one line.
  static func json(_ report: ReplayReport, policy: String) -> String {
    var json = JSONWriter()
    json.object { json in
      json.field("policy", policy)
      json.field("replayed", report.replayed)
      json.field("differing", report.differing)
      json.field("newly_denied", report.newlyDenied)
      json.field("newly_allowed", report.newlyAllowed)
      json.field("denied_otherwise", report.deniedOtherwise)
      json.field("unsure", report.unsure)
      json.field("without_demand", report.withoutDemand)
      json.field("lacks_counters", report.lacksCounters)
      json.object("not_replayed") { json in
        for (reason, count) in report.notReplayed.sorted(by: { $0.key < $1.key }) {
          json.field(any: reason, count)
        }
      }
      json.array("differences") { json in
        for row in report.rows { json.object { add(row, to: &$0) } }
      }
    }
    return json.text
  }

  private static func add(_ row: ReplayReport.Row, to json: inout JSONWriter) {
    json.field("tenant", row.tenant)
    json.object("was") { add(row.was, to: &$0) }
    json.object("would_be") { add(row.would, to: &$0) }
    json.field("count", row.count)
    json.field("request_ids", row.requestIDs)
  }

  private static func add(_ decision: ReplayedDecision, to json: inout JSONWriter) {
    json.field("decision", decision.name)
    json.field("reason", decision.reason)
    json.field("limit", decision.limit)
  }
}
