import Bytes
import Inference
import Ledger
import Quota

extension Books {
  /// Why the books cannot be opened.
  package enum Problem: Error, CustomStringConvertible {
    case locked(DirectoryLock.Problem)
    case files(LedgerFault)
    case ledger(LedgerProblem)
    case counters

    package var description: String {
      switch self {
      case .locked(let problem): problem.description
      case .files(let fault): fault.description
      case .ledger(let problem): problem.description
      case .counters:
        "a checkpoint's counters cannot be read; `--repair-ledger` begins a chain without them"
      }
    }
  }

  package struct Settings: Sendable {
    package var directory: String
    package var ledger: LedgerSettings
    package var repairs: Bool

    package init(directory: String, ledger: LedgerSettings, repairs: Bool = false) {
      self.directory = directory
      self.ledger = ledger
      self.repairs = repairs
    }
  }

  /// What opening found, to be logged.
  package struct Found: Sendable {
    package var interrupted = 0
    package var torn: [TornEnd] = []
    package var wasRepaired = false
    /// The last record before this start; 0 in a new ledger.
    package var headSeq: Int64 = 0
    /// Its hash, in hexadecimal; nil in a new ledger.
    package var headHash: String?
  }

  /// Recovers the counters from the ledger, begins a new segment, and closes what a crash left open.
  /// On return all of it is on disk. The lock is held as long as the books live.
  /// `committed` is told, on the ledger's thread, how many nanoseconds each commit took.
  package static func open(
    _ settings: Settings, _ limits: PolicyLimits, clock: Clock, event: ProcessEvent,
    stateChanged: @escaping @Sendable (LedgerState) -> Void,
    committed: @escaping @Sendable (Int64) -> Void = { _ in }
  ) throws(Problem) -> (books: Books, lock: DirectoryLock, found: Found) {
    let files: DirectoryFiles
    do throws(LedgerFault) {
      files = try DirectoryFiles.creating(path: settings.directory + "/ledger")
    } catch { throw .files(error) }
    let lock: DirectoryLock
    do throws(DirectoryLock.Problem) {
      lock = try DirectoryLock.take(directory: settings.directory)
    } catch { throw .locked(error) }
    let (books, found) = try open(
      files, settings, limits, clock: clock, event: event, stateChanged: stateChanged,
      committed: committed)
    return (books, lock, found)
  }

  /// The same over files that nobody else writes.
  package static func open(
    _ files: any LedgerFiles, _ settings: Settings, _ limits: PolicyLimits, clock: Clock,
    event: ProcessEvent, stateChanged: @escaping @Sendable (LedgerState) -> Void,
    committed: @escaping @Sendable (Int64) -> Void = { _ in }
  ) throws(Problem) -> (books: Books, found: Found) {
    var recovering = Recovering(limits)
    let outcome: Recovery.Outcome
    do throws(LedgerProblem) {
      outcome = try Recovery.run(files, repairing: settings.repairs) { recovering.apply($0) }
    } catch { throw .ledger(error) }
    guard !recovering.hasFailed else { throw .counters }
    // Restored counters have the amounts of their time until the table is put under today's.
    let reopened = recovering.reopen()
    recovering.table.configure(limits.catalog, now: outcome.timeMs)
    let books = Books(
      table: recovering.table, of: limits, estimates: recovering.estimates,
      after: outcome.timeMs, clock: clock, durability: settings.ledger.durability)
    for admission in reopened { books.reopen(admission) }
    do throws(LedgerFault) {
      let writer = try LedgerWriter(
        files: files, recovered: outcome, settings: settings.ledger,
        callbacks: books.callbacks(stateChanged: stateChanged, committed: committed))
      books.attach(writer)
      try writer.start()
      books.note(.start(event))
      for admission in reopened { _ = books.settle(admission, as: .interrupted) }
      _ = writer.flush()
    } catch {
      for admission in reopened { admission.take()?.leaveToRecovery() }
      throw .files(error)
    }
    return (
      books,
      Found(
        interrupted: reopened.count, torn: outcome.torn, wasRepaired: outcome.repair != nil,
        headSeq: outcome.nextSeq - 1,
        headHash: outcome.chain == Chain() ? nil : outcome.chain.head.hex)
    )
  }
}

/// The state that the last segment's records lead to.
private struct Recovering {
  var table: QuotaTable
  private(set) var estimates = Estimates()
  private let limits: PolicyLimits
  private var open = OpenExchanges()
  private(set) var hasFailed = false

  init(_ limits: PolicyLimits) {
    self.limits = limits
    table = QuotaTable(limits.catalog)
  }

  mutating func apply(_ record: LedgerRecord) {
    switch record.body {
    case .checkpoint(let checkpoint):
      estimates = Estimates(checkpoint.estimates.filter { limits.hasModel($0.model) })
      do throws(RecoveryError) {
        try table.restore(checkpoint.counters)
      } catch {
        hasFailed = true
      }
    case .admission(let admission) where admission.decision == .allow:
      if !record.isCarried { table.replayAdmission(admission.reserved, now: record.timeMs) }
    case .completion(let completion):
      if !record.isCarried, let admitted = open.byRequestID[completion.requestID]?.admission {
        table.replayCompletion(
          reserved: admitted.reserved, final: completion.charged, now: record.timeMs)
      }
    case .stop(let event):
      estimates.restore(event.estimates.filter { limits.hasModel($0.model) })
    case .admission, .denials, .start, .reload, .clock, .repair, .drop: break
    }
    open.apply(record)
  }

  /// What is open at the end, its reservations in hand again.
  mutating func reopen() -> [OpenAdmission] {
    var reopened: [OpenAdmission] = []
    for exchange in open.inOrder {
      reopened.append(
        OpenAdmission(
          reopening: exchange, limits, table.reopen(exchange.admission, now: exchange.timeMs)))
    }
    return reopened
  }
}

extension QuotaTable {
  /// The reservation of an admission that a ledger's records leave open.
  package mutating func reopen(_ admission: Admission, now: Int64) -> Reservation {
    reopen(
      admission.reserved,
      demand: Demand(
        promptTokens: max(0, admission.estimatedPromptTokens ?? 0),
        completionTokens: max(0, admission.reservedCompletionTokens ?? 0), isBoundStated: true),
      now: now)
  }
}
