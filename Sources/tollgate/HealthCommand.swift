import EnvoyAPI
import Server

/// `tollgate health [ADDR]`: asks a server for its health; the exit status is 0 where it serves.
enum HealthCommand {
  static let specification = CommandSpecification(
    "health", "Asks a running Tollgate whether it serves; the exit status is the answer.",
    positionals: [.init("ADDR", isRequired: false)],
    flags: [
      Flag("service", .value("NAME"), "the gRPC service asked about", default: "the whole server"),
      Flag("timeout", .value("DURATION"), "how long to wait for the answer", default: "2s"),
    ])

  static func run(
    _ arguments: inout ParsedArguments, environment: [String: String]
  ) -> Int32 {
    let timeout = arguments.duration(
      "timeout", default: .seconds(2), in: .milliseconds(100) ... .seconds(60))
    let service = arguments.text("service") ?? ""
    // A probe in the same container has the environment of `serve`, and needs no argument then.
    let listen = environment["TOLLGATE_LISTEN"]?.split(separator: ",").first.map(String.init)
    let text = arguments.positionals.first ?? listen ?? "127.0.0.1:9002"
    let address: ListenAddress
    do {
      address = try ListenAddress(text)
    } catch {
      arguments.report(.invalid(.flag("ADDR"), value: text, expected: "an address: it \(error)"))
      _ = Commands.refuse(arguments, specification)
      return ExitStatus.usage
    }
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    do {
      let status = try HealthProbe.ask(address, service: service, timeout: timeout)
      Console.result("\(address): \(status)")
      return status == .serving ? ExitStatus.done : ExitStatus.failed
    } catch {
      Console.diagnose("tollgate health: \(address): \(error)")
      return ExitStatus.failed
    }
  }
}
