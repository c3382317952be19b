import Dispatch
import Gateway
import Ledger
import Metrics
import Policy
import Server
import Shipping

/// `tollgate serve`.
enum ServeCommand {
  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let settings = ServeSettings(&arguments)
    if Commands.refuse(arguments, ServeSettings.specification) { return ExitStatus.usage }
    do {
      // Before any thread: they inherit that these signals are blocked.
      let signals = try SignalSource()
      let log = Logger(
        level: settings.logLevel, format: settings.logFormat,
        colours: settings.logFormat == .text && Logger.isStandardErrorColourful)
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
    log.policyWarnings(warnings)
    let policy = store.policy
    state.uses(policy, store.status)
    let limits = PolicyLimits(policy)
    let outage = LedgerOutage(log: log)
    let (books, lock) = try openBooks(settings, limits, policy, outage, log)
    state.opened(books)
    let metrics = state.metrics
    let compiled = CompiledPolicy(policy, limits: limits)
    let server = try Server(settings.server, log: log) {
      GatewayLoop(policy: compiled, books: books, metrics: metrics.makeLoop(), log: log)
    }
    server.drainBegan = state.drainBegan
    server.inflight = { metrics.inflight }
    let handle = server.handle
    let shipper = try startShipping(settings, books, log)
    if let shipper { state.ships { shipper.statistics } }
    books.onNews {
      handle.tell($0)
      shipper?.wake()
    }
    let current = Locked(policy.revision)
    let watcher = try PolicyWatcher(
      store: store, watches: settings.watches, log: log, attempted: state.readPolicy
    ) { next in
      let limits = PolicyLimits(next)
      current.withLock { $0 = next.revision }
      books.use(limits, event(next.revision))
      handle.use(next, limits: limits)
    }
    let clock = DispatchSource.makeTimerSource()
    clock.schedule(deadline: .now() + 1, repeating: 1)
    clock.setEventHandler {
      books.tick()
      outage.saw(books.ledgerState)
      log.refused(books.refusalSummaries())
    }
    clock.resume()
    state.started()
    log.ready(server.addresses, policy, workers: settings.server.workers)
    var status = server.run(signals: signals, rotate: books.rotate) { watcher.reload() }
    watcher.stop()
    clock.cancel()
    log.refused(books.refusalSummaries(isLast: true))
    if !books.close(event(current.withLock { $0 })) {
      log.ledgerCloseFailed()
      status = ExitStatus.failed
    }
    shipper?.finish()
    withExtendedLifetime(lock) {}
    log.stopped(status: status)
    return status
  }

  /// Recovers the ledger; listeners open only afterwards.
  private static func openBooks(
    _ settings: ServeSettings, _ limits: PolicyLimits, _ policy: PolicySnapshot,
    _ outage: LedgerOutage, _ log: Logger
  ) throws -> (books: Books, lock: DirectoryLock) {
    let clock = Books.Clock(
      wallMs: { Kernel.wallNanoseconds() / 1_000_000 },
      monotonicMs: { Kernel.monotonicNanoseconds() / 1_000_000 })
    let (books, lock, found) = try Books.open(
      settings.books, limits, clock: clock, event: event(policy.revision),
      stateChanged: outage.saw)
    log.started(settings, policy, found)
    return (books, lock)
  }

  /// The records' way to `--ship`; nil where there is none.
  private static func startShipping(
    _ settings: ServeSettings, _ books: Books, _ log: Logger
  ) throws -> Shipper? {
    guard !settings.ship.isEmpty, let ledger = books.ledger else { return nil }
    let source = ShipSource(
      files: LedgerDirectory.files(of: settings.books.directory), end: { ledger.end },
      keep: { ledger.keep($0) }, recordDrop: { books.recordDrop($0) })
    return try Shipper(
      settings.ship, directory: settings.books.directory, source: source, version: Version.string,
      log: log)
  }

  private static func event(_ revision: String) -> ProcessEvent {
    ProcessEvent(policy: revision, version: Version.string)
  }
}
