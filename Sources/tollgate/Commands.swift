import Server

/// All commands: finds the one that a command line names, and runs it.
enum Commands {
  /// The declarations, in the order of the overview.
  static let specifications: [CommandSpecification] = [
    ServeSettings.specification, CheckCommand.specification, ExplainCommand.specification,
    KeyCommand.specification, AuditCommand.specification, UsageCommand.specification,
    ReplayCommand.specification, PricesCommand.specification, LintCommand.specification,
    HealthCommand.specification, ReloadCommand.specification, RevokeCommand.specification,
    CommandSpecification("version", "Prints the version."),
    CommandSpecification(
      "help", "Lists the commands, or a command's flags.",
      positionals: [.init("COMMAND", isRequired: false)]),
  ]

  /// Runs a command line, which comes without the program's name; returns the exit status.
  static func run(_ arguments: [String], environment: [String: String]) -> Int32 {
    guard let first = arguments.first else {
      Console.diagnose(overview)
      return ExitStatus.usage
    }
    switch first {
    case "--help", "-h":
      Console.result(overview)
      return ExitStatus.done
    case "--version":
      Console.result(version)
      return ExitStatus.done
    default:
      break
    }
    let specification: CommandSpecification
    do {
      specification = try ArgumentParser.command(first, among: specifications)
    } catch {
      Console.diagnose("tollgate: \(error)")
      Console.diagnose("`tollgate help` lists the commands.")
      return ExitStatus.usage
    }
    var parsed = ArgumentParser.parse(
      specification, arguments: Array(arguments.dropFirst()), environment: environment)
    if parsed.asksForHelp {
      Console.result(specification.help)
      return ExitStatus.done
    }
    return dispatch(specification, &parsed, environment)
  }

  private static func dispatch(
    _ specification: CommandSpecification, _ arguments: inout ParsedArguments,
    _ environment: [String: String]
  ) -> Int32 {
    switch specification.name {
    case "serve": ServeCommand.run(&arguments)
    case "check": CheckCommand.run(&arguments)
    case "explain": ExplainCommand.run(&arguments)
    case "key": KeyCommand.run(&arguments)
    case "audit": AuditCommand.run(&arguments)
    case "usage": UsageCommand.run(&arguments)
    case "replay": ReplayCommand.run(&arguments)
    case "prices": PricesCommand.run(&arguments)
    case "lint": LintCommand.run(&arguments, environment: environment)
    case "health": HealthCommand.run(&arguments, environment: environment)
    case "reload": ReloadCommand.run(&arguments)
    case "revoke": RevokeCommand.run(&arguments)
    case "help": help(&arguments)
    case "version": printVersion(&arguments)
    default: preconditionFailure("every command is dispatched")
    }
  }

  /// Prints what is wrong with the command line; true where something is.
  static func refuse(_ arguments: ParsedArguments, _ specification: CommandSpecification) -> Bool {
    guard !arguments.problems.isEmpty else { return false }
    for problem in arguments.problems {
      Console.diagnose("tollgate \(specification.name): \(problem)")
    }
    Console.diagnose("usage: \(specification.usage)")
    Console.diagnose("`tollgate \(specification.name) --help` lists the flags.")
    return true
  }

  private static func help(_ arguments: inout ParsedArguments) -> Int32 {
    let specification = named("help")
    if refuse(arguments, specification) { return ExitStatus.usage }
    guard let name = arguments.positionals.first else {
      Console.result(overview)
      return ExitStatus.done
    }
    do {
      Console.result(try ArgumentParser.command(name, among: specifications).help)
      return ExitStatus.done
    } catch {
      Console.diagnose("tollgate: \(error)")
      return ExitStatus.usage
    }
  }

  private static func printVersion(_ arguments: inout ParsedArguments) -> Int32 {
    if refuse(arguments, named("version")) { return ExitStatus.usage }
    Console.result(version)
    return ExitStatus.done
  }

  private static func named(_ name: String) -> CommandSpecification {
    guard let found = specifications.first(where: { $0.name == name }) else {
      preconditionFailure("every command is declared")
    }
    return found
  }

  private static var version: String { "tollgate \(Version.string)" }

  private static var overview: String {
    let width = specifications.map(\.name.count).max() ?? 0
    let rows = specifications.map { command in
      let padding = String(repeating: " ", count: width - command.name.count)
      return "  \(command.name)\(padding)  \(command.summary)"
    }
    return """
      tollgate \(Version.string): decides beside Envoy who may use which model, and records what was used.

      usage: tollgate COMMAND [flags]

      \(rows.joined(separator: "\n"))

      `tollgate COMMAND --help` lists a command's flags.
      Exit status: 0 done, 1 failed or found problems, 2 wrong usage.
      """
  }
}
