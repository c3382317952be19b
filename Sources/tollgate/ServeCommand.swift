import Gateway
import Policy
import Server

/// `tollgate serve`.
enum ServeCommand {
  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let settings = ServeSettings(&arguments)
    if Commands.refuse(arguments, ServeSettings.specification) { return ExitStatus.usage }
    do {
      // Before any thread: they inherit that these signals are blocked.
      let signals = try SignalSource()
      let log = Logger(level: settings.logLevel, format: settings.logFormat)
      defer { log.flush() }
      return try serve(settings, signals, log)
    } catch let problem as PolicyStore.StartProblem {
      for line in problem.lines { Console.diagnose(line) }
      Console.diagnose("tollgate serve: the policy cannot be used")
      return ExitStatus.failed
    } catch {
      Console.diagnose("tollgate serve: \(error)")
      return ExitStatus.failed
    }
  }

  private static func serve(
    _ settings: ServeSettings, _ signals: SignalSource, _ log: Logger
  ) throws -> Int32 {
    let now = Kernel.wallNanoseconds() / 1_000_000_000
    let (store, warnings) = try PolicyStore.open(
      path: settings.policyPath, log: log, nowSeconds: now)
    for warning in warnings { log.log(.warning, warning.description) }
    let policy = store.policy
    let server = try Server(settings.server, log: log) {
      GatewayLoop(policy: policy, log: log)
    }
    let handle = server.handle
    let watcher = try PolicyWatcher(store: store, watches: settings.watches, log: log) { next in
      handle.use(next)
    }
    log.log(.info, readyLine(server.addresses, policy, settings))
    let status = server.run(signals: signals) { watcher.reload() }
    watcher.stop()
    log.log(.info, status == 0 ? "stopped" : "stopped, not everything was finished")
    return status
  }

  private static func readyLine(
    _ addresses: [ListenAddress], _ policy: PolicySnapshot, _ settings: ServeSettings
  ) -> String {
    let places = addresses.map(\.description).joined(separator: ", ")
    return "tollgate \(Version.string) is ready on \(places): policy "
      + "\(PolicyFile.summary(policy)); \(settings.server.workers) workers"
  }
}
