import Glibc
import Ledger
import Server

/// `tollgate reload`: sends SIGHUP to the process that serves from a data directory, so that it
/// reads its policy again. For containers without a shell, where nothing else can send a signal.
enum ReloadCommand {
  static let specification = CommandSpecification(
    "reload", "Has a running Tollgate read its policy again, as SIGHUP does.",
    flags: [
      Flag("data", .value("DIR"), "the data directory it serves from", default: "tollgate-data")
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let directory = arguments.text("data") ?? "tollgate-data"
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let pid: Int32
    do {
      guard let holder = try DirectoryLock.holder(directory: directory) else {
        Console.diagnose("tollgate reload: nobody serves from \(directory)")
        return ExitStatus.failed
      }
      pid = holder
    } catch {
      Console.diagnose("tollgate reload: \(error)")
      return ExitStatus.failed
    }
    // The process held the lock a moment ago, so the number is still its own.
    guard kill(pid, SIGHUP) == 0 else {
      Console.diagnose("tollgate reload: process \(pid): \(SystemError(call: "kill", code: errno))")
      return ExitStatus.failed
    }
    Console.result("process \(pid) reads its policy again")
    // A signal has no answer: whether the new policy was accepted is told elsewhere.
    Console.diagnose(
      "tollgate reload: what came of it: policy_replaced, policy_unchanged or policy_refused in its "
        + "log, ai_gateway_policy_reloads_total{result} in /metrics, `policy` in /api/v1/status")
    return ExitStatus.done
  }
}
