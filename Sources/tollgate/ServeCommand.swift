import Dispatch
import Gateway
import Ledger
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
      // Before the policy and the ledger, whose recovery may take its time: probes can ask.
      let state = ServingState()
      let admin = try openAdmin(settings, state, log)
      defer { admin?.stop() }
      return try serve(settings, signals, state, log)
    } catch let problem as PolicyStore.StartProblem {
      for line in problem.lines { Console.diagnose(line) }
      Console.diagnose("tollgate serve: the policy cannot be used")
      return ExitStatus.failed
    } catch let problem as Books.Problem {
      Console.diagnose("tollgate serve: \(settings.books.directory): \(problem)")
      return ExitStatus.failed
    } catch {
      Console.diagnose("tollgate serve: \(error)")
      return ExitStatus.failed
    }
  }

  private static func serve(
    _ settings: ServeSettings, _ signals: SignalSource, _ state: ServingState, _ log: Logger
  ) throws -> Int32 {
    let now = Kernel.wallNanoseconds() / 1_000_000_000
    let (store, warnings) = try PolicyStore.open(
      path: settings.policyPath, log: log, nowSeconds: now)
    for warning in warnings { log.log(.warning, warning.description) }
    let policy = store.policy
    state.hasPolicy()
    let limits = PolicyLimits(policy)
    let (books, lock) = try openBooks(settings, limits, policy, log)
    state.hasLedger { books.ledgerState }
    let server = try Server(settings.server, log: log) {
      GatewayLoop(policy: policy, limits: limits, books: books, log: log)
    }
    server.drainBegan = state.drainBegan
    let handle = server.handle
    books.onNews { handle.tell($0) }
    let current = Locked(policy.revision)
    let watcher = try PolicyWatcher(store: store, watches: settings.watches, log: log) { next in
      let limits = PolicyLimits(next)
      current.withLock { $0 = next.revision }
      books.use(limits, event(next.revision))
      handle.use(next, limits: limits)
    }
    let clock = DispatchSource.makeTimerSource()
    clock.schedule(deadline: .now() + 1, repeating: 1)
    let reachedBound = Locked(false)
    clock.setEventHandler {
      books.tick()
      sayWhetherFull(books, reachedBound, log)
    }
    clock.resume()
    state.started()
    log.log(.info, readyLine(server.addresses, policy, settings))
    var status = server.run(signals: signals, rotate: books.rotate) { watcher.reload() }
    watcher.stop()
    clock.cancel()
    if !books.close(event(current.withLock { $0 })) {
      log.log(.error, "the ledger could not be written to its end; the next start closes it")
      status = ExitStatus.failed
    }
    withExtendedLifetime(lock) {}
    log.log(.info, status == 0 ? "stopped" : "stopped, not everything was finished")
    return status
  }

  /// The page's address cannot be had; the gateway's own addresses say it themselves.
  private struct AdminProblem: Error, CustomStringConvertible {
    let cause: ListenError
    var description: String { "\(cause) (--admin, --metrics; --admin off goes without the page)" }
  }

  /// Opens what operators and probes ask; nil where both addresses are off.
  private static func openAdmin(
    _ settings: ServeSettings, _ state: ServingState, _ log: Logger
  ) throws -> AdminServer? {
    var places: [(address: ListenAddress, scope: AdminScope)] = []
    if let admin = settings.admin { places.append((admin, .admin(admin))) }
    if let metrics = settings.metrics { places.append((metrics, .probes)) }
    guard !places.isEmpty else { return nil }
    let server: AdminServer
    do {
      server = try AdminServer(places, site: AdminPages(state: state), log: log)
    } catch let problem as ListenError {
      throw AdminProblem(cause: problem)
    }
    for (place, address) in zip(places, server.addresses) {
      log.log(
        .info,
        place.scope == .probes
          ? "probes and metrics are on \(address)" : "the admin page is on \(address)")
    }
    return server
  }

  /// Recovers the ledger; listeners open only afterwards.
  private static func openBooks(
    _ settings: ServeSettings, _ limits: PolicyLimits, _ policy: PolicySnapshot, _ log: Logger
  ) throws -> (books: Books, lock: DirectoryLock) {
    let clock = Books.Clock(
      wallMs: { Kernel.wallNanoseconds() / 1_000_000 },
      monotonicMs: { Kernel.monotonicNanoseconds() / 1_000_000 })
    // The first segment of a start is nothing to tell of.
    let wasOut = Locked(false)
    let (books, lock, found) = try Books.open(
      settings.books, limits, clock: clock, event: event(policy.revision)
    ) { state in
      switch state {
      case .writable:
        if wasOut.withLock({ $0 }) { log.log(.info, "the ledger is written again") }
        wasOut.withLock { $0 = false }
      case .unavailable(let reason):
        wasOut.withLock { $0 = true }
        log.log(.error, "the ledger cannot be written, nothing is let through: \(reason)")
      }
    }
    for file in found.torn {
      log.log(.warning, "the ledger's torn end was put aside in \(file)")
    }
    if found.wasRepaired {
      log.log(.warning, "the ledger was damaged: a new chain begins, the old files are kept")
    }
    if found.interrupted > 0 {
      log.log(
        .warning, "\(found.interrupted) exchanges were open when the last process ended: closed")
    }
    return (books, lock)
  }

  /// The ledger's bound comes and goes with what is open: its writer has nothing to tell then.
  private static func sayWhetherFull(
    _ books: Books, _ reachedBound: Locked<Bool>, _ log: Logger
  ) {
    let isFull = books.ledgerState == .unavailable(.ledgerFull)
    let changed = reachedBound.withLock { was in
      defer { was = isFull }
      return was != isFull
    }
    guard changed else { return }
    if isFull {
      log.log(
        .error, "the ledger takes no more, nothing is let through: --ledger-max-bytes is reached")
    } else {
      log.log(.info, "the ledger has room again")
    }
  }

  private static func event(_ revision: String) -> ProcessEvent {
    ProcessEvent(policy: revision, version: Version.string)
  }

  private static func readyLine(
    _ addresses: [ListenAddress], _ policy: PolicySnapshot, _ settings: ServeSettings
  ) -> String {
    let places = addresses.map(\.description).joined(separator: ", ")
    return "tollgate \(Version.string) is ready on \(places): policy "
      + "\(PolicyFile.summary(policy)); \(settings.server.workers) workers"
  }
}
