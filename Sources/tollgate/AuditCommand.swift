import Gateway
import Ledger
import Server
import Terms

/// `tollgate audit verify DIR` checks a ledger; `tollgate audit show DIR [filters]` prints its
/// records; `tollgate audit ship DIR --to TARGET` ships them again; `tollgate audit restore DIR --from
/// FILE…` makes a ledger out of shipped ones.
enum AuditCommand {
  static let specification = CommandSpecification(
    "audit",
    "Verifies a ledger (`audit verify DIR`), shows its records (`audit show DIR`), ships them again"
      + " (`audit ship DIR --to TARGET`) or makes it anew of shipped ones (`audit restore DIR --from"
      + " FILE…`).",
    positionals: [
      .init("verify|show|ship|restore"), .init("DIR"),
      .init("FILE", isRequired: false, repeats: true),
    ],
    flags: [
      Flag("tenant", .value("TENANT"), "show: only this tenant's records"),
      Flag("subject", .value("SUBJECT"), "show: only this subject's records"),
      Flag("key", .value("ID"), "show: only records of requests with this API key"),
      Flag("min-cost", .value("USD"), "show: only completions that cost at least so much"),
      Flag("decision", .value("allow|deny"), "show: only admissions with this decision"),
      Flag(
        "reason", .value("CODE"), "show: only this code of a refusal, or this end of an exchange"),
      Flag("model", .value("MODEL"), "show: only this model's records"),
      Flag("route", .value("ROUTE"), "show: only this request path or model route"),
      Flag("type", .value("TYPE"), "show: only records of this type"),
      Flag(
        "request-id", .value("ID"),
        "show: only this request's records: Tollgate's id, or Envoy's (x-request-id)"),
      Flag(
        "since", .value("TIME"),
        "show: from this time on: 2026-11-22, 2026-11-22T20:17:10Z, or 1h for an hour ago"),
      Flag(
        "until", .value("TIME|SEQ"), "show: before that time; ship: up to the record of that number"
      ),
      Flag("to", .value("TARGET"), "ship: where to, as `serve --ship` takes it"),
      Flag(
        "from", .list("SEQ|FILE", splitsAtCommas: false),
        "ship: from the record of that number on; restore: a file of shipped records, lines or OTLP JSON"
      ),
      Flag("ledger", .value("ID"), "restore: which ledger, where the files have several"),
      Flag("follow", .toggle, "show: do not end, print new records as they come"),
      Flag("json", .toggle, "the records' own lines, or the result as JSON"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let action = arguments.positionals.first
    switch action {
    case nil, "show": refuse(["to", "from", "ledger"], &arguments)
    case "verify": refuse(all.subtracting(["json"]), &arguments)
    case "ship": refuse(all.subtracting(["to", "from", "until"]), &arguments)
    case "restore": refuse(all.subtracting(["from", "ledger", "json"]), &arguments)
    case .some(let text):
      arguments.report(.unknownAction(text, expected: "`verify`, `show`, `ship` or `restore`"))
    }
    let directory = arguments.positionals.count > 1 ? arguments.positionals[1] : nil
    if let directory, action == "restore" { return restore(directory, &arguments) }
    for extra in arguments.positionals.dropFirst(2) {
      arguments.report(.unexpectedArgument(extra))
    }
    if let directory, action == "ship" { return ship(directory, &arguments) }
    let filter = filter(&arguments)
    let requestID = arguments.text("request-id")
    let asJSON = arguments.toggle("json")
    let follows = arguments.toggle("follow")
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    guard let directory else { return ExitStatus.usage }
    if action == "verify" { return verify(directory, asJSON: asJSON) }
    let search = requestID.map {
      RequestSearch(id: $0, madeMs: RequestIDs.unixMilliseconds(of: Array($0.utf8).span))
    }
    return show(directory, filter, search, asJSON: asJSON, follows: follows)
  }

  private static let all = Set(specification.flags.map(\.name))

  /// Reports flags that belong to other forms.
  private static func refuse(_ names: Set<String>, _ arguments: inout ParsedArguments) {
    for flag in specification.flags where names.contains(flag.name) && arguments.isGiven(flag.name)
    {
      let form =
        switch flag.name {
        case "to": "audit ship"
        case "from": "audit ship` and `audit restore"
        case "ledger": "audit restore"
        default: "audit show"
        }
      arguments.report(.flagOfOther(.flag(flag.name), form: form))
    }
  }

  private static func filter(_ arguments: inout ParsedArguments) -> RecordFilter {
    var filter = RecordFilter()
    filter.tenant = arguments.text("tenant")
    filter.subject = arguments.text("subject")
    filter.keyID = arguments.text("key")
    filter.minCostNanodollars = arguments.optionalValue(
      "min-cost", expected: "an amount of dollars such as 0.25"
    ) { Dollars.nanodollars($0).flatMap { $0 >= 0 ? $0 : nil } }
    filter.decision = arguments.optionalValue(
      "decision", expected: "`allow` or `deny`", Admission.Decision.init(rawValue:))
    filter.reason = arguments.text("reason")
    filter.model = arguments.text("model")
    filter.route = arguments.text("route")
    let types = LedgerRecord.types
    filter.type = arguments.optionalValue(
      "type", expected: "one of " + types.map { "`\($0)`" }.joined(separator: ", ")
    ) { types.contains($0) ? $0 : nil }
    filter.sinceMs = LedgerTimes.value("since", &arguments)
    filter.untilMs = LedgerTimes.value("until", &arguments)
    return filter
  }

  private static func verify(_ directory: String, asJSON: Bool) -> Int32 {
    let result = Verification.run(LedgerDirectory.files(of: directory))
    for repair in result.repairs {
      Console.diagnose(
        "\(repair.file): offset \(repair.offset): \(repair.damage); recorded by a repair")
    }
    if let torn = result.torn { LedgerReading.say(torn, for: "audit") }
    if asJSON { Console.result(VerificationText.json(result)) }
    if let problem = result.problem {
      Console.diagnose("tollgate audit: \(problem)")
      return ExitStatus.failed
    }
    guard let line = VerificationText.line(result) else {
      Console.diagnose("tollgate audit: \(directory) holds no ledger")
      return ExitStatus.failed
    }
    if !asJSON { Console.result(line) }
    return ExitStatus.done
  }

  private static func show(
    _ directory: String, _ filter: RecordFilter, _ search: RequestSearch?, asJSON: Bool,
    follows: Bool
  ) -> Int32 {
    var hasSaid = false
    func say(_ line: [UInt8], _ record: LedgerRecord) {
      hasSaid = true
      Console.result(asJSON ? String(decoding: line, as: UTF8.self) : RecordText.line(of: record))
    }
    var search = search
    var exchanges = OpenExchanges()
    let isWhole = LedgerReading.run(directory, for: "audit", follows: follows) { step, record in
      defer { exchanges.apply(record) }
      let isRequests = search?.matches(record) ?? true
      guard filter.matches(record, of: exchanges.admission(of: record)) else { return }
      if isRequests {
        say(step.line.bytes, record)
      } else {
        search?.keep(record, line: step.line.bytes)
      }
    }
    guard let search, !hasSaid else {
      return isWhole ? ExitStatus.done : ExitStatus.failed
    }
    for found in search.nearby { say(found.line, found.record) }
    Console.diagnose(
      search.nearby.isEmpty
        ? "tollgate audit: no record has this request id"
        : "tollgate audit: no record has this request id. Many refusals in a second are only "
          + "counted; it may be one of these")
    return ExitStatus.failed
  }
}
