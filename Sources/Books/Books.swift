import Bytes
import Foundation
import Inference
import Ledger
import Quota
import Terms

/// Limits and ledger together. Counters and records change under one lock, so that the order of
/// records is the order in which counters changed. It knows nothing of Envoy's messages.
///
/// The loops' threads call `admit`, `deny`, `settle` and `shares`; `onOutcome` tells them what
/// became of the records that admissions wait for. Nothing of a caller's runs while the lock is held
/// but the closures of `Clock`, which must be short and must not call the books. Where both locks are
/// needed, the books' is taken first, then the ledger's.
package final class Books: @unchecked Sendable {
  let lock = NSLock()
  var table: QuotaTable
  /// The policy's limits that the table was configured with.
  private var limits: PolicyLimits
  private var ledgerClock: LedgerClock
  /// The last reading of the clock that counts the time that passes.
  private(set) var monotonicMs: Int64
  private var clockSteps = ClockSteps()
  private var denials = DenialTally()
  private var refusals = RefusalTally()
  /// The admissions that are not settled, by the `seq` of their record.
  private var open: [Int64: OpenAdmission] = [:]
  /// How often a write failed with admissions in it.
  private var epoch = 0
  private var estimates: Estimates
  var marks = LimitMarks()
  var sheet: UsageSheet
  var revocations: Revocations
  /// Nil once the books are closed.
  private(set) var writer: LedgerWriter?
  private let clock: Clock
  private let durability: Durability
  /// Called on the ledger's thread, without a lock.
  private var tellOutcome: @Sendable (RecordOutcome) -> Void = { _ in }
  /// Nil where limits are not shared.
  var door: StoreDoor?
  /// Notes of the store that are on record and were not taken yet.
  var toldNotes: [StoreNote] = []
  /// Called on any thread, without the lock.
  var tellStoreOutcome: @Sendable ([UInt64]) -> Void = { _ in }

  init(
    table: consuming QuotaTable, of limits: PolicyLimits, estimates: Estimates,
    totals: DayTotals?, revoked: Revocations = Revocations(), after timeMs: Int64, clock: Clock,
    ledger settings: LedgerSettings
  ) {
    self.table = table
    self.limits = limits
    self.estimates = estimates
    revocations = revoked
    ledgerClock = LedgerClock(after: timeMs)
    self.clock = clock
    durability = settings.durability
    monotonicMs = clock.monotonicMs()
    let nowMs = ledgerClock.read(wallMs: clock.wallMs(), monotonicMs: monotonicMs).timeMs
    sheet = UsageSheet(totals, timeZone: limits.catalog.timeZone, settings, nowMs: nowMs)
    self.table.resume(after: timeMs, at: nowMs)
  }

  // MARK: Set-up, before any loop runs

  func attach(_ writer: LedgerWriter) {
    self.writer = writer
    writer.shares(among: limits.tenants.count)
  }

  /// Sets the closure that is told what became of records. The ledger's thread calls it, without a
  /// lock. What happened before this call is not told.
  package func onOutcome(_ tell: @escaping @Sendable (RecordOutcome) -> Void) {
    lock.withLock { tellOutcome = tell }
  }

  func reopen(_ admission: OpenAdmission) { open[admission.seq] = admission }

  // MARK: The loops' calls

  /// Reserves what the exchange may use and queues its record; or refuses. A refusal charges
  /// nothing and is not recorded: call `deny` with its record.
  ///
  /// Where limits are shared the answer may be that the store is asked first: see `StoreTicket`.
  package func admit(_ request: AdmissionRequest) -> Answer { admit(request, nil) }

  func admit(_ request: AdmissionRequest, _ asked: QuotaAsk?) -> Answer {
    let (answer, wake) = lock.withLock { (decide(request, asked), storeWake()) }
    wake?()
    return answer
  }

  /// Under the lock. What is asked again demands what it did: a bound may be written into a body.
  private func decide(_ request: AdmissionRequest, _ asked: QuotaAsk?) -> Answer {
    let now = readClock()
    let demand =
      asked?.demand ?? request.size.map {
        $0.demand(
          by: estimates.estimator(ofTenant: request.caller.tenant, model: $0.model),
          request.prices)
      } ?? Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
    switch table.reserve(
      request.limits, caller: request.caller, demand: demand, now: now, bootMs: monotonicMs,
      asked: asked)
    {
    case .refused(let refusal): return .refused(refusal)
    case .asks(let ask): return wait(ask, request)
    case .admitted(let reservation): return record(request, reservation, now)
    }
  }

  private func record(
    _ request: AdmissionRequest, _ reservation: consuming Reservation, _ now: Int64
  ) -> Answer {
    let shadowed = reservation.shadowed
    let record = Reference(request.record.read { $0.with(reservation) })
    record.read { sheet.came($0, atMs: now) }
    guard case .queued(let seq)? = writer?.enqueue(.admission(record), timeMs: now) else {
      _ = table.settle(reservation, as: .undone, now: now)
      return .unavailable
    }
    if !shadowed.isEmpty { marks.wouldRefuse(shadowed, request.caller) }
    let admission = OpenAdmission(
      request, record: record, seq: seq, epoch: epoch, timeMs: now, monotonicMs: monotonicMs,
      reservation)
    open[seq] = admission
    return .admitted(admission, waits: durability == .durable)
  }

  /// Settles an admission, queues the record of its completion and returns that record. Nil where
  /// the admission was settled before, where its own record failed (its reservation was given back
  /// then), and after `close`.
  ///
  /// - Parameters:
  ///   - metered: the usage that the answer reported, and the text that was counted, as far as it
  ///     came.
  ///   - backend: the upstream's address as Envoy names it.
  ///   - droppedReason: why an endpoint picker's flow control dropped the request.
  package func settle(
    _ admission: OpenAdmission, as ending: Ending, metered: MeteredUsage = MeteredUsage(),
    backend: String? = nil, droppedReason: DroppedReason? = nil
  ) -> Reference<Completion>? {
    let (completion, wake) = lock.withLock {
      (end(admission, as: ending, metered, backend, droppedReason), storeWake())
    }
    wake?()
    return completion
  }

  /// Under the lock.
  private func end(
    _ admission: OpenAdmission, as ending: Ending, _ metered: MeteredUsage, _ backend: String?,
    _ droppedReason: DroppedReason?
  ) -> Reference<Completion>? {
    guard let reservation = admission.take() else { return nil }
    let now = readClock()
    open[admission.seq] = nil
    let (tenant, size) = (admission.request.caller.tenant, admission.request.size)
    let outcome = ending.outcome(
      of: admission, metered: metered,
      by: estimates.estimator(ofTenant: tenant, model: size?.model))
    if let size, outcome.disputed == nil {
      estimates.learn(ofTenant: tenant, size, outcome.usage)
    }
    let latencyMs =
      admission.monotonicMs.map { monotonicMs - $0 } ?? max(0, now - admission.timeMs)
    let charged = table.settle(reservation, as: outcome.settlement, now: now)
    let completion = Reference(
      admission.record.read {
        Completion(
          of: $0, outcome, latencyMs: latencyMs, backend: backend, droppedReason: droppedReason,
          charged: charged)
      })
    completion.read {
      sheet.add($0, keyID: admission.record.value.keyID, atMs: now)
    }
    _ = writer?.enqueue(.completion(completion), timeMs: now)
    recordReached(now)
    return completion
  }

  /// Records a refusal, without waiting. Of one tenant and reason, what exceeds
  /// `DenialTally.singlePerSecondMax` in a second is recorded as a count.
  package func deny(_ record: Admission) {
    lock.withLock {
      let now = readClock()
      let reason = record.reason ?? "other"
      refusals.count(tenant: record.tenant, reason: reason, timeMs: monotonicMs)
      sheet.came(record, atMs: now)
      let (singly, due) = denials.denied(
        tenant: record.tenant, reason: reason, requestID: record.requestID, timeMs: now)
      write(due, now)
      if singly { _ = writer?.enqueue(.admission(record), timeMs: now) }
    }
  }

  /// The tightest limits of a caller, for the rate-limit headers, and the ledger's time in Unix
  /// milliseconds.
  package func shares(_ set: LimitSet, _ caller: Caller) -> (shares: LimitShares, nowMs: Int64) {
    lock.withLock {
      let now = readClock()
      return (table.shares(set, caller: caller, now: now), now)
    }
  }

  // MARK: Calls of the rest of the process

  /// Records the refusals of the last second that were only counted. Call once a second.
  package func tick() {
    lock.withLock {
      let now = readClock()
      write(denials.flush(timeMs: now), now)
    }
    storeTick()
    recordStoreNotes()
  }

  /// The refusals to be logged now. Call once a second, and with `isLast` once before the process
  /// ends.
  package func refusalSummaries(isLast: Bool = false) -> [RefusalSummary] {
    lock.withLock { refusals.due(timeMs: clock.monotonicMs(), isLast: isLast) }
  }

  /// A reload: puts another policy's limits in force; counters continue. A new segment follows,
  /// because recovery replays charges under the amounts of one checkpoint.
  package func use(_ limits: PolicyLimits, _ event: ProcessEvent) {
    lock.withLock {
      let now = readClock()
      table.configure(limits.catalog, now: now)
      self.limits = limits
      sheet.use(timeZone: limits.catalog.timeZone)
      writer?.shares(among: limits.tenants.count)
      estimates.keep(tenant: limits.hasTenant, model: limits.hasModel)
      _ = writer?.enqueue(.reload(event), timeMs: now)
    }
    ledger?.beginSegment()
  }

  /// The ledger's time, and how often the wall clock was set since the start.
  package var clockReading: ClockReading {
    lock.withLock {
      let now = readClock()
      return ClockReading(timeMs: now, stepCount: clockSteps.count, last: clockSteps.last)
    }
  }

  /// The steps of the wall clock that have not been told yet, to be logged. Call once a second.
  package func untoldClockSteps() -> [ClockJump] { lock.withLock { clockSteps.takeUntold() } }

  /// The limits in force.
  package var currentLimits: PolicyLimits { lock.withLock { limits } }

  /// Calls `body` with the counters, under the lock: it must be short. Nil, without a call, where
  /// these limits are no longer in force.
  func look<Result>(
    at limits: PolicyLimits, _ body: (inout QuotaTable, _ nowMs: Int64) -> Result
  ) -> Result? {
    lock.withLock {
      guard self.limits === limits else { return nil }
      return body(&table, readClock())
    }
  }

  /// Ends the books when the process ends: writes and flushes all that is queued, and a `stop`
  /// record. False where that failed. What is still open is left to the next start, which closes it
  /// as `interrupted`.
  package func close(_ event: ProcessEvent) -> Bool {
    recordStoreNotes()
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
    // The writer's callbacks refer to the books, and the told closure to the server: without this,
    // these references would form cycles, and nothing would be freed.
    lock.withLock {
      writer = nil
      tellOutcome = { _ in }
      door = nil
      tellStoreOutcome = { _ in }
    }
    return isWhole
  }

  private func write(_ due: [Denials], _ now: Int64) {
    for denials in due { _ = writer?.enqueue(.denials(denials), timeMs: now) }
  }

  /// The ledger's time in Unix milliseconds. Where the wall clock was set, that is recorded first, and
  /// the counters go on by it; as long as it cannot be recorded, the time goes on as before.
  func readClock() -> Int64 {
    monotonicMs = clock.monotonicMs()
    let (now, jump) = ledgerClock.read(wallMs: clock.wallMs(), monotonicMs: monotonicMs)
    guard let jump, case .queued? = writer?.enqueue(.clock(jump), timeMs: jump.wallMs) else {
      return now
    }
    table.step(from: now, to: jump.wallMs)
    ledgerClock.believe(jump, monotonicMs: monotonicMs)
    clockSteps.add(jump, monotonicMs: monotonicMs)
    return jump.wallMs
  }

  /// The time of a checkpoint. Where the `clock` record of a step back was not written, that is the
  /// time of the last record that was: the step is found and recorded again behind the checkpoint.
  private func checkpointTime() -> Int64 {
    let now = readClock()
    guard let last = writer?.lastTimeMs, now < last else { return now }
    table.step(from: now, to: last)
    ledgerClock.resume(at: last, monotonicMs: monotonicMs)
    return last
  }
}

// MARK: - On the ledger's thread

extension Books {
  /// The closures through which the ledger's writer calls the books.
  func callbacks(
    stateChanged: @escaping @Sendable (LedgerState) -> Void,
    committed: @escaping @Sendable (Int64) -> Void,
    segmentsGone: @escaping @Sendable ([Segment]) -> Void
  ) -> LedgerCallbacks {
    var callbacks = LedgerCallbacks(
      checkpointDue: { [self] in queueCheckpoint() },
      durable: { [self] seq in report(.durable(upTo: seq)) },
      failed: { [self] seqs in undo(seqs) },
      stateChanged: stateChanged,
      wallMs: { [self] in retentionTime() })
    callbacks.committed = committed
    callbacks.segmentsGone = segmentsGone
    callbacks.dropped = { [self] in recordDrop($0) }
    return callbacks
  }

  /// By which segments are old: as if the wall clock had not been set ahead, for a day.
  private func retentionTime() -> Int64 {
    lock.withLock {
      let now = readClock()
      return now - clockSteps.doubtedMs(monotonicMs: monotonicMs)
    }
  }

  /// Queues a checkpoint of the state at this moment. The lock is held for both, so that no record
  /// is queued between them.
  private func queueCheckpoint() {
    lock.withLock {
      let now = checkpointTime()
      writer?.queueCheckpoint(bookState(now, estimates.save()), timeMs: now)
    }
  }

  /// The state as a checkpoint would record it now: every counter that differs from a new one,
  /// every open exchange, every estimate.
  package var state: BooksState { lock.withLock { bookState(readClock(), estimates.all) } }

  private func bookState(_ now: Int64, _ estimates: [ModelEstimate]) -> BooksState {
    let exchanges = open.values.sorted { $0.seq < $1.seq }.map {
      OpenExchange(seq: $0.seq, timeMs: $0.timeMs, admission: $0.record.value)
    }
    return BooksState(
      counters: table.snapshot(now: now), open: exchanges, estimates: estimates,
      clockSinceMs: table.clockSinceMs, totals: sheet.totals, revoked: revocations.all)
  }

  /// Gives back what was reserved by admissions whose records failed, and tells their exchanges.
  private func undo(_ seqs: [Int64]) {
    let outcome = lock.withLock { () -> RecordOutcome in
      let now = readClock()
      for seq in seqs {
        guard let admission = open.removeValue(forKey: seq), let reservation = admission.take()
        else { continue }
        _ = table.settle(reservation, as: .undone, now: now)
      }
      // The ledger gives these numbers to the next admissions: those have the new epoch.
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
