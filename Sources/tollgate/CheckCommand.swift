import Server

/// `tollgate check PATH`: validates a policy. Opens no ledger and no listener.
enum CheckCommand {
  static let specification = CommandSpecification(
    "check", "Validates a policy: prints every problem with its place and what to do.",
    positionals: [.init("PATH")])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let path = arguments.positionals[0]
    guard let policy = PolicyFile.load(path) else { return ExitStatus.failed }
    Console.result("\(path): ok, \(PolicyFile.summary(policy))")
    return ExitStatus.done
  }
}
