import Bytes
import Inference
import Ledger
import Quota

/// Opening: recovers the counters from the ledger and starts its writer.
extension Books {
  /// Why the books cannot be opened.
  package enum Problem: Error, CustomStringConvertible {
    /// The data directory's lock could not be taken: another process has it, or it cannot be
    /// opened.
    case locked(DirectoryLock.Problem)
    /// A file operation failed.
    case files(LedgerFault)
    /// The ledger is damaged, or was written by a newer version.
    case ledger(LedgerProblem)

    /// The text for the log and for standard error.
    package var description: String {
      switch self {
      case .locked(let problem): problem.description
      case .files(let fault): fault.description
      case .ledger(let problem): problem.description
      }
    }
  }

  /// What the command line says about the books.
  package struct Settings: Sendable {
    /// The path of the data directory, `--data`.
    package var directory: String
    /// The writer's settings.
    package var ledger: LedgerSettings
    /// `--repair-ledger`: begin a new chain where the ledger is damaged.
    package var repairs: Bool

    package init(directory: String, ledger: LedgerSettings, repairs: Bool = false) {
      self.directory = directory
      self.ledger = ledger
      self.repairs = repairs
    }
  }

  /// What opening found in the ledger, to be logged.
  package struct Found: Sendable {
    /// How many exchanges were open and are closed as `interrupted`.
    package var interrupted = 0
    /// What a crash left at the ledger's end, and where it is kept now.
    package var torn: [TornEnd] = []
    /// Whether the ledger was damaged and goes on in a new chain.
    package var wasRepaired = false
    /// The `seq` of the last record before this start; 0 in a new ledger.
    package var headSeq: Int64 = 0
    /// The hash of that record, in hexadecimal; nil in a new ledger and after a repair.
    package var headHash: String?
  }

  /// Takes the data directory's lock, recovers the counters from the ledger, begins a new segment,
  /// and closes as `interrupted` what was open. All of this is on disk when it returns.
  ///
  /// The caller must keep the lock as long as it uses the books. The ledger's thread calls
  /// `stateChanged` when the ledger becomes unavailable or available again, `committed` with the
  /// number of nanoseconds that each batch took until it was on disk, and `segmentsGone` with old
  /// segments that somebody else removed.
  package static func open(
    _ settings: Settings, _ limits: PolicyLimits, clock: Clock, event: ProcessEvent,
    stateChanged: @escaping @Sendable (LedgerState) -> Void,
    committed: @escaping @Sendable (Int64) -> Void = { _ in },
    segmentsGone: @escaping @Sendable ([Segment]) -> Void = { _ in }
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
      OwnedFiles(files, lock: lock), settings, limits, clock: clock, event: event,
      stateChanged: stateChanged, committed: committed, segmentsGone: segmentsGone)
    return (books, lock, found)
  }

  /// The same without a lock, over files that nobody else writes; `settings.directory` is not used.
  package static func open(
    _ files: any LedgerFiles, _ settings: Settings, _ limits: PolicyLimits, clock: Clock,
    event: ProcessEvent, stateChanged: @escaping @Sendable (LedgerState) -> Void,
    committed: @escaping @Sendable (Int64) -> Void = { _ in },
    segmentsGone: @escaping @Sendable ([Segment]) -> Void = { _ in }
  ) throws(Problem) -> (books: Books, found: Found) {
    var recovering = Recovering(limits)
    let outcome: Recovery.Outcome
    do throws(LedgerProblem) {
      outcome = try Recovery.run(files, repairing: settings.repairs) {
        (record) throws(RecordProblem) in try recovering.apply(record)
      }
    } catch { throw .ledger(error) }
    // Restored counters have the amounts of their checkpoint until `configure` gives them today's.
    let reopened = recovering.reopen()
    recovering.table.configure(limits.catalog, now: outcome.timeMs)
    let books = Books(
      table: recovering.table, of: limits, estimates: recovering.estimates,
      totals: recovering.totals, revoked: recovering.revoked, after: outcome.timeMs, clock: clock,
      ledger: settings.ledger)
    for admission in reopened { books.reopen(admission) }
    do throws(LedgerFault) {
      let writer = try LedgerWriter(
        files: files, recovered: outcome, settings: settings.ledger,
        callbacks: books.callbacks(
          stateChanged: stateChanged, committed: committed, segmentsGone: segmentsGone))
      books.attach(writer)
      try writer.start()
      var event = event
      event.identity = writer.identity
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

/// Builds counters, estimates and open exchanges from the records of the last segment.
private struct Recovering {
  var table: QuotaTable
  private(set) var estimates = Estimates()
  /// Nil before the first record.
  private(set) var totals: DayTotals?
  private(set) var revoked = Revocations()
  private let limits: PolicyLimits
  private var open = OpenExchanges()
  private var days = LocalDays.utc

  init(_ limits: PolicyLimits) {
    self.limits = limits
    table = QuotaTable(limits.catalog)
  }

  /// Throws, and changes nothing but the counters, where a checkpoint's cannot be.
  mutating func apply(_ record: LedgerRecord) throws(RecordProblem) {
    switch record.body {
    case .checkpoint(let checkpoint):
      do throws(RecoveryError) {
        try table.restore(checkpoint.counters, now: record.timeMs)
      } catch {
        throw .wrongValue("counters")
      }
      table.clockRuns(since: checkpoint.clockSinceMs ?? record.timeMs)
      estimates = Estimates(checkpoint.estimates.filter(isKnown))
      let zone = checkpoint.totals?.timeZone ?? limits.catalog.timeZone
      totals = checkpoint.totals ?? DayTotals(timeZone: zone, sinceMs: record.timeMs)
      days = LocalDays(timeZone: zone) ?? .utc
      revoked = Revocations(checkpoint.revoked)
    case .admission(let admission) where admission.value.decision == .allow:
      totals?.came(admission.value, atMs: record.timeMs)
      if !record.isCarried { table.replayAdmission(admission.value.reserved, now: record.timeMs) }
    case .completion(let completion):
      if record.isCarried { break }
      let admitted = open.byRequestID[completion.value.requestID]?.admission
      totals?.add(completion.value, keyID: admitted?.keyID, day: days.day(ofMs: record.timeMs))
      if let admitted {
        table.replayCompletion(
          reserved: admitted.reserved, final: completion.value.charged, now: record.timeMs)
      }
    case .stop(let event):
      estimates.restore(event.estimates.filter(isKnown))
    case .clock(let jump):
      if let fromMs = jump.fromMs, !record.isCarried {
        table.step(from: fromMs, to: record.timeMs)
      }
    case .store: table.wasShared = true
    case .threshold(let threshold):
      if !record.isCarried {
        table.told(
          counter: threshold.counter, threshold.share, windowStartMs: threshold.windowStartMs)
      }
    case .admission(let admission):
      totals?.came(admission.value, atMs: record.timeMs)
    case .revoke(let revocation): revoked.apply(revocation)
    case .denials, .start, .reload, .repair, .drop, .restore: break
    }
    open.apply(record)
  }

  /// Whether the policy still has the model, and the tenant where it is a tenant's estimate.
  private func isKnown(_ estimate: ModelEstimate) -> Bool {
    limits.hasModel(estimate.model) && estimate.tenant.map(limits.hasTenant) ?? true
  }

  /// The exchanges that are open after the last record, with their reservations.
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
  /// A reservation for a recorded admission that has no completion: see `reopen(_:demand:now:)`.
  package mutating func reopen(_ admission: Admission, now: Int64) -> Reservation {
    reopen(
      admission.reserved,
      demand: Demand(
        promptTokens: max(0, admission.estimatedPromptTokens ?? 0),
        completionTokens: max(0, admission.reservedCompletionTokens ?? 0), isBoundStated: true),
      now: now)
  }
}
