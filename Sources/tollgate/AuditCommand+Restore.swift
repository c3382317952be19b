import Bytes
import Ledger
import Server

/// `tollgate audit restore DIR --from FILE…`: makes a lost node's ledger out of the records that it had
/// shipped.
extension AuditCommand {
  static func restore(_ directory: String, _ arguments: inout ParsedArguments) -> Int32 {
    var paths: [String] = arguments.texts("from")
    paths += arguments.positionals.dropFirst(2)
    if paths.isEmpty { _ = arguments.requiredText("from") }
    let ledger = arguments.text("ledger")
    let asJSON = arguments.toggle("json")
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    do throws(RestoreProblem) {
      let outcome = try LedgerRestore.run(
        from: paths, ledger: ledger, into: directory, wallMs: UnixTime.now().milliseconds)
      Console.result(asJSON ? json(outcome) : text(outcome, directory))
      return ExitStatus.done
    } catch {
      Console.diagnose("tollgate audit: \(error)")
      return ExitStatus.failed
    }
  }

  private static func text(_ outcome: LedgerRestore.Outcome, _ directory: String) -> String {
    let count = outcome.lastSeq - outcome.firstSeq + 1
    var line =
      "restored: records \(outcome.firstSeq) to \(outcome.lastSeq) of ledger \(outcome.ledgerID),"
      + " \(Counted.text(count, "record")) in \(Counted.text(outcome.segmentCount, "segment")) of"
      + " \(directory); the last is of \(UTCTime.string(outcome.lastTimeMs))"
    for (count, what) in [
      (outcome.repeatCount, "repeats were dropped"),
      (outcome.leftOutCount, "other records were left out"),
    ] where count > 0 {
      line += "; \(count) \(what)"
    }
    return line
  }

  private static func json(_ outcome: LedgerRestore.Outcome) -> String {
    var json = JSONWriter()
    json.object { json in
      json.field("ledger_id", outcome.ledgerID)
      json.field("first_seq", outcome.firstSeq)
      json.field("last_seq", outcome.lastSeq)
      json.field("last_timestamp", timeMs: outcome.lastTimeMs)
      json.field("segments", outcome.segmentCount)
      json.field("repeats", outcome.repeatCount)
      json.field("left_out", outcome.leftOutCount)
    }
    return json.text
  }
}
