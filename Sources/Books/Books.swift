import Bytes
import Foundation
import Inference
import Ledger
import Policy
import Quota
import Terms

/// Limits and ledger together: what is decided and what is recorded have the same order, under one
/// lock. It knows no message of Envoy's and no exchange.
///
/// The door is `admit`, `deny`, `settle` and `shares` for the loops' threads, and `onOutcome` for
/// what became of the records that admissions wait for; a shared store will stand behind the same
/// door. Nothing of a caller's is called under the lock. Lock order: the books', then the ledger's.
package final class Books: @unchecked Sendable {
  /// What became of admissions' records: told to every loop, of which each knows its own exchanges.
  package enum RecordOutcome: Sendable {
    /// Every record up to that number is on disk.
    case durable(upTo: Int64)
    /// These will never be on disk. Their numbers are given out again: only admissions of before
    /// `epoch` are meant.
    case failed(Set<Int64>, before: Int)
  }

  /// The answer to an exchange that asks to be let through.
  package enum Answer {
    /// Reserved and queued to be recorded. `waits`: it may go on once `RecordOutcome` names it, which
    /// is later than this call returns; else at once (relaxed durability).
    case admitted(OpenAdmission, waits: Bool)
    case refused(QuotaRefusal)
    /// The ledger takes no record: nothing may go on.
    case unavailable
  }

  /// The wall clock and one that only runs forward, in milliseconds.
  package struct Clock: Sendable {
    var wallMs: @Sendable () -> Int64
    var monotonicMs: @Sendable () -> Int64

    package init(
      wallMs: @escaping @Sendable () -> Int64, monotonicMs: @escaping @Sendable () -> Int64
    ) {
      self.wallMs = wallMs
      self.monotonicMs = monotonicMs
    }

    /// The system's.
    package static let system = Clock(
      wallMs: { SystemClock.wallNanoseconds() / 1_000_000 },
      monotonicMs: { SystemClock.monotonicNanoseconds() / 1_000_000 })
  }

  private let lock = NSLock()
  private var table: QuotaTable
  /// The limits that are in the table.
  private var limits: PolicyLimits
  private var ledgerClock: LedgerClock
  private var denials = DenialTally()
  private var refusals = RefusalTally()
  /// By the number of the admission's record.
  private var open: [Int64: OpenAdmission] = [:]
  /// How often admissions' records have failed.
  private var epoch = 0
  private var estimates: Estimates
  private var writer: LedgerWriter?
  private let clock: Clock
  private let durability: Durability
  /// Called on the ledger's thread, without a lock.
  private var tellOutcome: @Sendable (RecordOutcome) -> Void = { _ in }

  init(
    table: consuming QuotaTable, of limits: PolicyLimits, estimates: Estimates,
    after timeMs: Int64, clock: Clock, durability: Durability
  ) {
    self.table = table
    self.limits = limits
    self.estimates = estimates
    ledgerClock = LedgerClock(after: timeMs)
    self.clock = clock
    self.durability = durability
  }

  // MARK: Set-up, before any loop

  func attach(_ writer: LedgerWriter) { self.writer = writer }

  /// Who is told what became of records. The ledger's thread runs by then, and calls it.
  package func onOutcome(_ tell: @escaping @Sendable (RecordOutcome) -> Void) {
    lock.withLock { tellOutcome = tell }
  }

  func reopen(_ admission: OpenAdmission) { open[admission.seq] = admission }

  // MARK: The door, on the loops' threads

  /// Reserves and records, or refuses. A refusal charges nothing; recording it is `deny`'s.
  package func admit(_ request: AdmissionRequest) -> Answer {
    lock.withLock {
      let now = readClock()
      let demand =
        request.size.map { $0.demand(by: estimates.estimator(of: $0.model), request.prices) }
        ?? Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
      switch table.reserve(request.limits, caller: request.caller, demand: demand, now: now) {
      case .refused(let refusal): return .refused(refusal)
      case .admitted(let reservation):
        return record(request, reservation, now)
      }
    }
  }

  private func record(
    _ request: AdmissionRequest, _ reservation: consuming Reservation, _ now: Int64
  ) -> Answer {
    var request = request
    request.record.reserved = reservation.charges
    request.record.estimatedPromptTokens = reservation.demand.promptTokens
    request.record.reservedCompletionTokens = reservation.demand.completionTokens
    guard case .queued(let seq)? = writer?.enqueue(.admission(request.record), timeMs: now) else {
      _ = table.settle(reservation, as: .nothing, now: now)
      return .unavailable
    }
    let admission = OpenAdmission(request, seq: seq, epoch: epoch, timeMs: now, reservation)
    open[seq] = admission
    return .admitted(admission, waits: durability == .durable)
  }

  /// Settles and records, once; nil where it was undone before, because its record failed.
  ///
  /// - Parameters:
  ///   - metered: what the answer said of usage, as far as it came.
  ///   - backend: the upstream's address as Envoy names it.
  package func settle(
    _ admission: OpenAdmission, as ending: Ending, metered: MeteredUsage = MeteredUsage(),
    backend: String? = nil
  ) -> Completion? {
    lock.withLock {
      guard let reservation = admission.take() else { return nil }
      let now = readClock()
      open[admission.seq] = nil
      let size = admission.request.size
      let outcome = ending.outcome(
        of: admission, metered: metered, by: estimates.estimator(of: size?.model))
      if let size { estimates.learn(size, outcome.usage) }
      var completion = Completion(of: admission.record, outcome)
      completion.gatewayBackend = backend
      completion.latencyMs = now - admission.timeMs
      completion.charged = table.settle(reservation, as: outcome.settlement, now: now)
      _ = writer?.enqueue(.completion(completion), timeMs: now)
      return completion
    }
  }

  /// Records a refusal; never waits, and a flood becomes counts.
  package func deny(_ record: Admission) {
    lock.withLock {
      let now = readClock()
      let reason = record.reason ?? "other"
      refusals.count(tenant: record.tenant, reason: reason, timeMs: now)
      let (singly, due) = denials.denied(tenant: record.tenant, reason: reason, timeMs: now)
      write(due, now)
      if singly { _ = writer?.enqueue(.admission(record), timeMs: now) }
    }
  }

  /// The tightest limits of a caller, for headers, and the ledger's time.
  package func shares(_ set: LimitSet, _ caller: Caller) -> (shares: LimitShares, nowMs: Int64) {
    lock.withLock {
      let now = readClock()
      return (table.shares(set, caller: caller, now: now), now)
    }
  }

  // MARK: Others

  /// Once a second: what a flood of refusals left to be recorded.
  package func tick() {
    lock.withLock {
      let now = readClock()
      write(denials.flush(timeMs: now), now)
    }
  }

  /// What is to be said of refusals now: ask once a second, and a last time at the end.
  package func refusalSummaries(isLast: Bool = false) -> [RefusalSummary] {
    lock.withLock { refusals.due(timeMs: readClock(), isLast: isLast) }
  }

  /// A reload: counts go on. A checkpoint follows, because buckets refill otherwise from here.
  package func use(_ limits: PolicyLimits, _ event: ProcessEvent) {
    lock.withLock {
      let now = readClock()
      table.configure(limits.catalog, now: now)
      self.limits = limits
      estimates.keep { limits.hasModel($0) }
      _ = writer?.enqueue(.reload(event), timeMs: now)
    }
    ledger?.beginSegment()
  }

  /// SIGUSR1.
  package func rotate() { ledger?.beginSegment() }

  package var ledgerState: LedgerState { ledger?.state ?? .unavailable(.stopped) }

  /// The writer, as long as the books are open. Shipping keeps it beyond: the last records are on
  /// disk when the books close.
  package var ledger: LedgerWriter? { lock.withLock { writer } }

  /// The ledger in numbers; nil where there is none.
  package var ledgerStatistics: LedgerStatistics? { ledger?.statistics }

  /// The limits that count now.
  package var currentLimits: PolicyLimits { lock.withLock { limits } }

  /// Lends the counters for a short look, if they are still under these limits.
  func look<Result>(
    at limits: PolicyLimits, _ body: (inout QuotaTable, _ nowMs: Int64) -> Result
  ) -> Result? {
    lock.withLock {
      guard self.limits === limits else { return nil }
      return body(&table, readClock())
    }
  }

  /// The process ends: everything is written, flushed, and said. False where it could not be.
  package func close(_ event: ProcessEvent) -> Bool {
    lock.withLock {
      let now = readClock()
      write(denials.drain(), now)
      var event = event
      event.estimates = estimates.unsaved
      _ = writer?.enqueue(.stop(event), timeMs: now)
      for admission in open.values { admission.take()?.leaveToRecovery() }
      open = [:]
    }
    let isWhole = ledger?.stop() ?? true
    // Its callbacks hold the books, and what is told holds the server: each would keep the other.
    lock.withLock {
      writer = nil
      tellOutcome = { _ in }
    }
    return isWhole
  }

  /// A record of the process itself.
  func note(_ body: LedgerRecord.Body) {
    lock.withLock {
      let now = readClock()
      _ = writer?.enqueue(body, timeMs: now)
    }
  }

  /// Records that a target of shipping will never be sent some records.
  package func recordDrop(_ drop: Drop) { note(.drop(drop)) }

  private func write(_ due: [Denials], _ now: Int64) {
    for denials in due { _ = writer?.enqueue(.denials(denials), timeMs: now) }
  }

  /// The ledger's time; a jump of the wall clock is recorded.
  private func readClock() -> Int64 {
    let (now, jump) = ledgerClock.read(
      wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs())
    if let jump { _ = writer?.enqueue(.clock(jump), timeMs: now) }
    return now
  }
}

// MARK: - On the ledger's thread

extension Books {
  func callbacks(
    stateChanged: @escaping @Sendable (LedgerState) -> Void,
    committed: @escaping @Sendable (Int64) -> Void
  ) -> LedgerCallbacks {
    var callbacks = LedgerCallbacks(
      checkpointDue: { [self] in queueCheckpoint() },
      durable: { [self] seq in report(.durable(upTo: seq)) },
      failed: { [self] seqs in undo(seqs) },
      stateChanged: stateChanged,
      wallMs: clock.wallMs)
    callbacks.committed = committed
    return callbacks
  }

  /// The state and its place in the order of records, under one hold of the lock: no record comes
  /// between them.
  private func queueCheckpoint() {
    lock.withLock {
      let now = readClock()
      writer?.queueCheckpoint(bookState(now, estimates.save()), timeMs: now)
    }
  }

  /// Every counter that is not as good as new, every open exchange, every estimate.
  package var state: BooksState { lock.withLock { bookState(readClock(), estimates.all) } }

  private func bookState(_ now: Int64, _ estimates: [ModelEstimate]) -> BooksState {
    let exchanges = open.values.sorted { $0.seq < $1.seq }.map {
      OpenExchange(seq: $0.seq, timeMs: $0.timeMs, admission: $0.record)
    }
    return BooksState(
      counters: table.snapshot(now: now), open: exchanges, estimates: estimates)
  }

  /// Admissions that will never be on record: what they reserved is given back, and their exchanges
  /// are told.
  private func undo(_ seqs: [Int64]) {
    let outcome = lock.withLock { () -> RecordOutcome in
      let now = readClock()
      for seq in seqs {
        guard let admission = open.removeValue(forKey: seq), let reservation = admission.take()
        else { continue }
        _ = table.settle(reservation, as: .nothing, now: now)
      }
      // Before the ledger takes the next admission, which may have the number of one of these.
      epoch += 1
      return .failed(Set(seqs), before: epoch)
    }
    report(outcome)
  }

  private func report(_ outcome: RecordOutcome) {
    let tell = lock.withLock { tellOutcome }
    tell(outcome)
  }
}
