import Foundation
import Ledger
import Server

/// `tollgate audit verify DIR` and `tollgate audit show DIR [filters]`.
enum AuditCommand {
  static let specification = CommandSpecification(
    "audit", "Verifies a ledger (`audit verify DIR`) or shows its records (`audit show DIR`).",
    positionals: [.init("verify|show"), .init("DIR")],
    flags: [
      Flag("tenant", .value("TENANT"), "show: only this tenant's records"),
      Flag("subject", .value("SUBJECT"), "show: only this caller's"),
      Flag("decision", .value("allow|deny"), "show: only such decisions"),
      Flag("reason", .value("CODE"), "show: a refusal's code, or how an exchange ended"),
      Flag("model", .value("MODEL"), "show: only this model's"),
      Flag("route", .value("ROUTE"), "show: a request path or a model route"),
      Flag("type", .value("TYPE"), "show: only records of this type"),
      Flag("request-id", .value("ID"), "show: only this exchange's"),
      Flag("since", .value("TIME"), "show: from 2026-11-22, 2026-11-22T20:17:10.123Z or 1h ago on"),
      Flag("until", .value("TIME"), "show: before that time"),
      Flag("follow", .toggle, "show: waits for more"),
      Flag("json", .toggle, "the records' own lines, or the result as JSON"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let action = arguments.positionals.first ?? ""
    let filter = filter(&arguments)
    let asJSON = arguments.toggle("json")
    let follows = arguments.toggle("follow")
    if action != "verify", action != "show" { arguments.report(.unexpectedArgument(action)) }
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let directory = arguments.positionals[1]
    let files = LedgerDirectory.files(of: directory)
    if action == "verify" { return verify(files, directory, asJSON: asJSON) }
    return show(files, filter, asJSON: asJSON, follows: follows)
  }

  private static func filter(_ arguments: inout ParsedArguments) -> RecordFilter {
    var filter = RecordFilter()
    filter.tenant = arguments.text("tenant")
    filter.subject = arguments.text("subject")
    filter.decision = arguments.value(
      "decision", default: nil, expected: "`allow` or `deny`", Admission.Decision.init(rawValue:))
    filter.reason = arguments.text("reason")
    filter.model = arguments.text("model")
    filter.route = arguments.text("route")
    filter.type = arguments.text("type")
    filter.requestID = arguments.text("request-id")
    filter.sinceMs = LedgerTimes.value("since", &arguments)
    filter.untilMs = LedgerTimes.value("until", &arguments)
    return filter
  }

  private static func verify(
    _ files: DirectoryFiles, _ directory: String, asJSON: Bool
  ) -> Int32 {
    let result = Verification.run(files)
    for repair in result.repairs {
      Console.diagnose(
        "\(repair.file): offset \(repair.offset): \(repair.damage); recorded by a repair")
    }
    if let problem = result.problem {
      Console.diagnose("tollgate audit: \(problem)")
      return ExitStatus.failed
    }
    guard let first = result.firstSeq, let last = result.lastSeq else {
      Console.diagnose("tollgate audit: \(directory) holds no ledger")
      return ExitStatus.failed
    }
    if let incomplete = result.incomplete {
      Console.diagnose(
        "\(incomplete.file): offset \(incomplete.offset): the last line has no end: it is being "
          + "written, or a crash cut it")
    }
    if asJSON {
      Console.result(
        "{\"records\":\(result.recordCount),\"segments\":\(result.segmentCount),"
          + "\"first_seq\":\(first),\"last_seq\":\(last),\"void_bytes\":\(result.voidBytes),"
          + "\"repairs\":\(result.repairs.count)}")
    } else {
      let start = first == 1 ? "from the first record on" : "the chain starts at record \(first)"
      let void = result.voidBytes == 0 ? "" : ", \(result.voidBytes) bytes of failed writes"
      Console.result(
        "ok: records \(first) to \(last) in \(result.segmentCount) segments, \(start)\(void)")
    }
    return ExitStatus.done
  }

  private static func show(
    _ files: DirectoryFiles, _ filter: RecordFilter, asJSON: Bool, follows: Bool
  ) -> Int32 {
    do {
      var walk = try LedgerWalk(files)
      while true {
        while let step = try walk.next() {
          let record = try step.line.record(of: step.segment)
          guard filter.matches(record) else { continue }
          Console.result(
            asJSON
              ? String(decoding: step.line.bytes, as: UTF8.self) : RecordText.line(of: record))
        }
        guard follows else { return ExitStatus.done }
        Thread.sleep(forTimeInterval: 0.2)
      }
    } catch {
      Console.diagnose("tollgate audit: \(error)")
      return ExitStatus.failed
    }
  }
}
