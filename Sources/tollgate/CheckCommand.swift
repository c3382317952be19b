import Bytes
import Server

/// `tollgate check PATH`: validates a policy. Opens no listener, and no ledger but to read the one of
/// `--data`.
enum CheckCommand {
  static let specification = CommandSpecification(
    "check", "Validates a policy: prints every problem with its place and what to do.",
    positionals: [.init("PATH")],
    flags: [
      Flag(
        "data", .value("DIR"),
        "a data directory, or a copy of one: warn of keys that were not used for 90 days")
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let directory = arguments.text("data")
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let path = arguments.positionals[0]
    guard let policy = PolicyFile.load(path) else { return ExitStatus.failed }
    if let directory {
      guard let use = KeyUse(of: directory) else { return ExitStatus.failed }
      for warning in use.warnings(policy, nowMs: UnixTime.now().milliseconds) {
        Console.diagnose("\(path): warning: \(warning)")
      }
    }
    Console.result("\(path): ok, \(PolicyFile.summary(policy))")
    return ExitStatus.done
  }
}
