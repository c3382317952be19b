import Log
import Server
import Shipping
import Terms

/// `tollgate audit ship DIR --to TARGET`: ships records again that a receiver lost, or that a new one
/// never got.
extension AuditCommand {
  static func ship(_ directory: String, _ arguments: inout ParsedArguments) -> Int32 {
    let text = arguments.requiredText("to")
    var target: ShipTarget?
    if !text.isEmpty {
      do throws(ShipTarget.Problem) {
        target = try ShipTarget(text)
      } catch {
        arguments.report(
          .invalid(.flag("to"), value: text, expected: "a target, because it \(error)"))
      }
    }
    if arguments.texts("from").count > 1 { arguments.report(.givenTwice(.flag("from"))) }
    let from = sequence("from", &arguments)
    let until = sequence("until", &arguments)
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    guard let target else { return ExitStatus.usage }
    let log = Logger(level: .warning, format: .text)
    defer { log.flush() }
    do {
      let again = try ShipAgain(target, directory: directory, version: Version.string, log: log)
      let outcome = try again.run(from: from, until: until)
      log.flush()
      return say(outcome, target, directory)
    } catch {
      Console.diagnose("tollgate audit: \(directory): \(error)")
      return ExitStatus.failed
    }
  }

  /// The number of a record.
  private static func sequence(_ name: String, _ arguments: inout ParsedArguments) -> Int64? {
    arguments.optionalValue(name, expected: "the number of a record (its `seq`)") { text in
      text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        ? Int64(text).flatMap { $0 > 0 ? $0 : nil } : nil
    }
  }

  private static func say(
    _ outcome: ShipAgain.Outcome, _ target: ShipTarget, _ directory: String
  ) -> Int32 {
    guard let range = outcome.range else {
      Console.diagnose("tollgate audit: \(directory) holds no such records")
      return ExitStatus.failed
    }
    var line =
      "\(target) has \(outcome.shipped) of \(Counted.text(range.count, "record")),"
      + " \(range.lowerBound) to \(range.upperBound)"
    for (count, what) in [
      (outcome.rejected, "refused"), (outcome.missing, "not in the ledger any more"),
      (outcome.damaged, "damaged"),
    ] where count > 0 {
      line += "; \(count) \(what)"
    }
    if !outcome.isComplete, let error = outcome.lastError { line += "; the last error: \(error)" }
    // On stdout there are the records, where they go there.
    if target.place == .standardOutput { Console.diagnose(line) } else { Console.result(line) }
    return outcome.isComplete ? ExitStatus.done : ExitStatus.failed
  }
}
