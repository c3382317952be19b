import Books
import Bytes
import Dispatch
import Gateway
import Ledger
import Log
import Metrics
import Policy
import Server

/// `tollgate serve`: opens everything in order, serves until the drain is over, and closes it in
/// order.
///
/// On the main thread, which becomes the server's.
enum ServeCommand {
  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let settings = ServeSettings(&arguments)
    if Commands.refuse(arguments, ServeSettings.specification) { return ExitStatus.usage }
    Kernel.ignoreFileSizeSignals()
    // Before any thread is started: threads inherit that these signals are blocked.
    let signals = Result { try SignalSource() }
    let log = Logger(
      level: settings.logLevel, format: settings.logFormat,
      colours: settings.logFormat == .text && Logger.isStandardErrorColourful)
    defer { log.flush() }
    do {
      let signals = try signals.get()
      // First, because the uptime counts from here.
      let state = ServingState()
      let (store, warnings) = try PolicyStore.open(
        path: settings.policyPath, log: log,
        nowMs: UnixTime.now().milliseconds)
      log.policyWarnings(warnings)
      state.uses(store.policy, store.status)
      // Before the ledger, whose recovery may take minutes: probes are answered meanwhile.
      let admin = try openAdmin(settings, state, log)
      defer { admin?.stop() }
      let policy = store.policy
      return try serve(settings, signals, state, policy, Handover(store), log)
    } catch {
      sayFailed(error, settings, log)
      return ExitStatus.failed
    }
  }

  /// Says why serving could not begin: as lines for people, or as lines of the JSON log.
  private static func sayFailed(_ error: any Error, _ settings: ServeSettings, _ log: Logger) {
    let isJSON = settings.logFormat == .json
    var text = "\(error)"
    if let problem = error as? PolicyStore.StartProblem {
      if isJSON {
        log.policyUnusable(problem)
      } else {
        // As `tollgate check` prints them.
        log.flush()
        for line in problem.lines { Console.diagnose(line) }
      }
      text = "the policy cannot be used"
    } else if let problem = error as? Books.Problem {
      text = "\(settings.books.directory): \(problem)"
      if case .ledger(.damaged) = problem {
        text += "; --repair-ledger keeps the old files and begins a chain that records the break"
      }
    }
    if isJSON { return log.startFailed(text) }
    log.flush()
    Console.diagnose("tollgate serve: \(text)")
  }

  private static func serve(
    _ settings: ServeSettings, _ signals: SignalSource, _ state: ServingState,
    _ policy: PolicySnapshot, _ store: Handover<PolicyStore>, _ log: Logger
  ) throws -> Int32 {
    let limits = PolicyLimits(policy)
    let outage = LedgerOutage(log: log)
    let (books, lock) = try openBooks(
      settings, limits, policy, outage, state.metrics, log)
    defer { withExtendedLifetime(lock) {} }
    let opened = Opened(
      policy: policy, limits: limits, books: books, outage: outage,
      revision: Locked(policy.revision))
    state.opened(books)
    do {
      return try serve(settings, signals, state, store, opened, log)
    } catch {
      // The ledger is closed in order, as by a stop, though nothing was served.
      _ = close(opened, log)
      throw error
    }
  }

  /// What is open before the first listener is.
  private struct Opened {
    let policy: PolicySnapshot
    let limits: PolicyLimits?
    let books: Books
    let outage: LedgerOutage
    /// The revision of the policy in force.
    let revision: Locked<String>
  }

  /// Opens the listeners, serves until the drain is over, and closes the books. Where it throws,
  /// the books are still open.
  private static func serve(
    _ settings: ServeSettings, _ signals: SignalSource, _ state: ServingState,
    _ store: Handover<PolicyStore>, _ opened: Opened, _ log: Logger
  ) throws -> Int32 {
    let books = opened.books
    let metrics = state.metrics
    let compiled = CompiledPolicy(opened.policy, limits: opened.limits)
    let server = try Server(settings.server, log: log) {
      GatewayLoop(policy: compiled, books: books, metrics: metrics.makeLoop(), log: log)
    }
    var isStarted = false
    defer { if !isStarted { server.abandon() } }
    server.drainBegan = state.drainBegan
    server.inflight = { metrics.inflight }
    let handle = server.handle
    let revision = opened.revision
    let watcher = try PolicyWatcher(
      store: store, watches: settings.watches, log: log, attempted: state.uses
    ) { next in
      let limits = PolicyLimits(next)
      revision.withLock { $0 = next.revision }
      books.use(limits, event(next.revision))
      handle.use(next, limits: limits)
    }
    defer { if !isStarted { watcher.stop() } }
    // The last step that can fail, because nothing ends its threads before the books are closed:
    // they ship what closing the books writes.
    let shipper = try startShipping(settings, books, log)
    isStarted = true
    if let shipper { state.ships { shipper.statistics } }
    books.onOutcome {
      handle.recordsEnded($0)
      shipper?.wake()
    }
    let clock = startClock(books, opened.outage, log)
    state.started()
    log.ready(server.addresses, opened.policy, workers: settings.server.workers)
    var status = server.run(signals: signals, rotate: books.rotate) { watcher.reload() }
    watcher.stop()
    clock.cancel()
    if !close(opened, log) { status = ExitStatus.failed }
    shipper?.finish()
    log.stopped(status: status)
    return status
  }

  /// Does once a second, on a thread of Dispatch, what nothing else triggers: the books' timers,
  /// and the log lines about an unavailable ledger and about refusals.
  private static func startClock(
    _ books: Books, _ outage: LedgerOutage, _ log: Logger
  ) -> any DispatchSourceTimer {
    let clock = DispatchSource.makeTimerSource()
    clock.schedule(deadline: .now() + 1, repeating: 1)
    clock.setEventHandler {
      books.tick()
      outage.saw(books.ledgerState)
      log.clockSteps(books.untoldClockSteps())
      log.refused(books.refusalSummaries())
    }
    clock.resume()
    return clock
  }

  /// Closes the books; false where the ledger's end could not be written.
  private static func close(_ opened: Opened, _ log: Logger) -> Bool {
    log.refused(opened.books.refusalSummaries(isLast: true))
    guard opened.books.close(event(opened.revision.withLock { $0 })) else {
      log.ledgerCloseFailed()
      return false
    }
    return true
  }

  /// Recovers the ledger. Listeners are opened only afterwards.
  private static func openBooks(
    _ settings: ServeSettings, _ limits: PolicyLimits, _ policy: PolicySnapshot,
    _ outage: LedgerOutage, _ metrics: MetricsRegistry, _ log: Logger
  ) throws -> (books: Books, lock: DirectoryLock) {
    let (books, lock, found) = try Books.open(
      settings.books, limits, clock: .system, event: event(policy.revision),
      stateChanged: outage.saw, committed: metrics.record(commitNanoseconds:),
      segmentsGone: log.segmentsGone)
    log.started(settings, policy, found)
    log.clockSteps(books.untoldClockSteps())
    return (books, lock)
  }

  /// Ships the records to the targets of `--ship`; nil where there are none.
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
