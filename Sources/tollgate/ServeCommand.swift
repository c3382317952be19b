import Books
import Bytes
import Dispatch
import Gateway
import Ledger
import Log
import Metrics
import Policy
import Quota
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
      // What cannot be read now would leave the process waiting for ever.
      _ = try settings.store?.credentials.read()
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
      let first = FirstPolicy(store.policy)
      return try serve(settings, signals, state, first, Handover(store), log)
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

  /// The policy that the process starts with, until it serves. No frame of these functions, which live
  /// as long as the process, may keep it beyond that: a reload would not free it.
  final class FirstPolicy {
    private(set) var compiled: CompiledPolicy?
    private(set) var limits: PolicyLimits?

    init(_ policy: PolicySnapshot) {
      let limits = PolicyLimits(policy)
      self.limits = limits
      compiled = CompiledPolicy(policy, limits: limits)
    }

    func forget() { (compiled, limits) = (nil, nil) }
  }

  private static func serve(
    _ settings: ServeSettings, _ signals: SignalSource, _ state: ServingState,
    _ first: FirstPolicy, _ store: Handover<PolicyStore>, _ log: Logger
  ) throws -> Int32 {
    let outage = LedgerOutage(log: log)
    let (books, lock, revision) = try openBooks(settings, first, outage, state.metrics, log)
    defer { withExtendedLifetime(lock) {} }
    if let store = settings.store {
      let sharing = SharingSettings(
        usesLeases: store.usesLeases, leaseMilliseconds: store.leaseTime.wholeMilliseconds)
      books.share(sharing, timeoutMs: store.timeout.wholeMilliseconds)
    }
    let responseIDs = ResponseIDs()
    let idWriter = ResponseIDWriter.start(
      responseIDs, directory: settings.books.directory, log: log)
    defer { _ = idWriter?.stop() }
    state.keepsResponseIDs { [responseIDs] in
      ResponseIDStatistics(known: responseIDs.count, failures: idWriter?.failures ?? 0)
    }
    let opened = Opened(
      first: first, books: books, responseIDs: responseIDs, outage: outage,
      revision: Locked(revision))
    state.opened(books, directory: settings.books.directory)
    do {
      return try serve(settings, signals, state, store, opened, log)
    } catch {
      // The ledger is closed in order, as by a stop, though nothing was served.
      _ = close(opened, log)
      throw error
    }
  }

  /// What is open before the first listener is.
  struct Opened {
    let first: FirstPolicy
    let books: Books
    let responseIDs: ResponseIDs
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
    let server = try makeServer(settings, opened, metrics, log)
    var isStarted = false
    defer { if !isStarted { server.abandon() } }
    server.drainBegan = state.drainBegan
    server.inflight = { metrics.inflight }
    let handle = server.handle
    let revision = opened.revision
    let memory = FreedMemory(handle)
    let force = inForce(opened, handle)
    let watcher = try PolicyWatcher(
      store: store, watches: settings.watches, log: log, attempted: state.uses
    ) { next in
      let limits = PolicyLimits(next)
      revision.withLock { $0 = next.revision }
      books.use(limits, event(next.revision))
      force.use(next, limits)
      memory.policyChanged()
    }
    defer { if !isStarted { watcher.stop() } }
    // The last step that can fail, because nothing ends its threads before the books are closed:
    // they ship what closing the books writes.
    let shipper = try startShipping(settings, books, log)
    let sharing = try startSharing(settings, opened, state, handle, log)
    isStarted = true
    if let shipper { state.ships { shipper.statistics } }
    books.onOutcome {
      handle.recordsEnded($0)
      shipper?.wake()
    }
    books.onStoreOutcome { handle.storeAnswered($0) }
    sharing?.start()
    let clock = startClock(books, opened.outage, memory, state, log)
    state.started()
    if let summary = opened.first.compiled?.snapshot.summary {
      log.ready(
        server.addresses, revision.withLock { $0 }, summary, workers: settings.server.workers)
    }
    opened.first.forget()
    let control = openControl(settings, force, log)
    var status = server.run(signals: signals, rotate: books.rotate) {
      watcher.reload()
      sharing?.reload()
    }
    control?.stop()
    watcher.stop()
    clock.cancel()
    sharing?.stop()
    if !close(opened, log) { status = ExitStatus.failed }
    shipper?.finish()
    log.stopped(status: status)
    return status
  }

  private static func makeServer(
    _ settings: ServeSettings, _ opened: Opened, _ metrics: MetricsRegistry, _ log: Logger
  ) throws -> Server {
    guard let compiled = opened.first.compiled else {
      preconditionFailure("the first policy is forgotten later")
    }
    let (books, responseIDs) = (opened.books, opened.responseIDs)
    let revoked = books.revoked
    // It was compiled before the ledger was read.
    let policy =
      revoked.isEmpty
      ? compiled
      : CompiledPolicy(compiled.snapshot, limits: opened.first.limits, revoked: revoked)
    return try Server(settings.server, log: log) {
      GatewayLoop(
        policy: policy, books: books, metrics: metrics.makeLoop(), responseIDs: responseIDs,
        log: log)
    }
  }

  /// Does once a second, on a thread of Dispatch, what nothing else triggers: the books' timers,
  /// the log lines about an unavailable ledger and about refusals, and giving freed memory back.
  private static func startClock(
    _ books: Books, _ outage: LedgerOutage, _ memory: FreedMemory, _ state: ServingState,
    _ log: Logger
  ) -> any DispatchSourceTimer {
    let clock = DispatchSource.makeTimerSource()
    clock.schedule(deadline: .now() + 1, repeating: 1)
    clock.setEventHandler {
      books.tick()
      outage.saw(books.ledgerState)
      log.clockSteps(books.untoldClockSteps())
      log.refused(books.refusalSummaries())
      log.reached(books.untoldThresholds())
      memory.tick()
      state.history.tick(state.metrics)
    }
    clock.resume()
    return clock
  }

  /// Closes the books; false where the ledger's end could not be written.
  private static func close(_ opened: Opened, _ log: Logger) -> Bool {
    log.refused(opened.books.refusalSummaries(isLast: true))
    log.reached(opened.books.untoldThresholds())
    guard opened.books.close(event(opened.revision.withLock { $0 })) else {
      log.ledgerCloseFailed()
      return false
    }
    return true
  }

  /// Recovers the ledger. Listeners are opened only afterwards.
  private static func openBooks(
    _ settings: ServeSettings, _ first: FirstPolicy, _ outage: LedgerOutage,
    _ metrics: MetricsRegistry, _ log: Logger
  ) throws -> (books: Books, lock: DirectoryLock, revision: String) {
    guard let policy = first.compiled, let limits = first.limits else {
      preconditionFailure("the first policy is forgotten later")
    }
    let revision = policy.snapshot.revision
    let (books, lock, found) = try Books.open(
      settings.books, limits, clock: .system, event: event(revision),
      stateChanged: outage.saw, committed: metrics.record(commitNanoseconds:),
      segmentsGone: log.segmentsGone)
    log.started(settings, policy.snapshot, found, books.ledgerStatistics)
    log.clockSteps(books.untoldClockSteps())
    return (books, lock, revision)
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

  /// The thread that shares the limits; nil where they are this process's alone.
  private static func startSharing(
    _ settings: ServeSettings, _ opened: Opened, _ state: ServingState, _ handle: ServerHandle,
    _ log: Logger
  ) throws -> StoreThread? {
    guard let store = settings.store else { return nil }
    let (revision, metrics) = (opened.revision, state.metrics)
    let thread = try StoreThread(
      store, books: opened.books, revision: { revision.withLock { $0 } },
      record: { metrics.record(storeCallNanoseconds: $0) }, ready: handle.serveHealth,
      fenced: handle.stopHealth, log: log)
    // Before a connection is taken: until the store has answered, Envoy is to ask another replica.
    handle.holdHealth()
    state.shares { thread.status }
    return thread
  }

  private static func event(_ revision: String) -> ProcessEvent {
    ProcessEvent(policy: revision, version: Version.string)
  }
}
