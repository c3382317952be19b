import Foundation
import Inference
import Ledger
import Quota

/// The counters and the ledger behind one lock: what is decided and what is recorded have the same
/// order.
///
/// Loops admit and settle; the ledger's thread calls back when records are on disk, or will never
/// be. Lock order: the books', then the ledger's.
package final class Books: @unchecked Sendable {
  /// What the loops are told of exchanges that wait for their record.
  package enum News: Sendable {
    case durable(upTo: Int64)
    /// These will never be on disk. Their numbers are given out again: only admissions of before
    /// `epoch` are meant.
    case failed(Set<Int64>, before: Int)
  }

  /// The answer to an exchange that asks to be let through.
  package enum Answer {
    /// Let through once `seq` is on disk; at once where the ledger is relaxed.
    case admitted(OpenAdmission, waits: Bool)
    case refused(QuotaRefusal)
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
  }

  private let lock = NSLock()
  private var table: QuotaTable
  /// The limits that are in the table.
  private var limits: PolicyLimits
  private var ledgerClock: LedgerClock
  private var denials = DenialTally()
  private var refusals = RefusalTally()
  private var open: [Int64: OpenAdmission] = [:]
  /// How often admissions have failed.
  private var epoch = 0
  private var estimators: [String: TokenEstimator] = [:]
  private var writer: LedgerWriter?
  private let clock: Clock
  private let durability: Durability
  /// Told on the ledger's thread, without a lock.
  private var tell: @Sendable (News) -> Void = { _ in }

  init(
    table: consuming QuotaTable, of limits: PolicyLimits, after timeMs: Int64, clock: Clock,
    durability: Durability
  ) {
    self.table = table
    self.limits = limits
    ledgerClock = LedgerClock(after: timeMs)
    self.clock = clock
    self.durability = durability
  }

  // MARK: Set-up, before any loop

  func attach(_ writer: LedgerWriter) { self.writer = writer }

  /// The ledger's thread runs by then.
  package func onNews(_ tell: @escaping @Sendable (News) -> Void) {
    lock.withLock { self.tell = tell }
  }

  func reopen(_ admission: OpenAdmission) { open[admission.seq] = admission }

  // MARK: Loops

  /// What a model's requests are reckoned to use.
  package struct Reckoning {
    package var model: String
    package var textBytes: Int
    package var arrayNumbers: Int
    package var choices: Int
    package var statedBound: Int?
    package var maxOutputTokens: Int?
    /// The endpoint writes tokens; an embedding does not.
    package var writesOutput: Bool
    package var price: Price

    package init(
      model: String, textBytes: Int, arrayNumbers: Int, choices: Int, statedBound: Int?,
      maxOutputTokens: Int?, writesOutput: Bool, price: Price
    ) {
      self.model = model
      self.textBytes = textBytes
      self.arrayNumbers = arrayNumbers
      self.choices = choices
      self.statedBound = statedBound
      self.maxOutputTokens = maxOutputTokens
      self.writesOutput = writesOutput
      self.price = price
    }

    /// What is reserved for it, by what is known of the model's requests so far.
    package func demand(by estimator: TokenEstimator) -> Demand {
      let prompt = estimator.promptTokens(textBytes: textBytes, arrayNumbers: arrayNumbers)
      var each = 0
      if writesOutput {
        each = statedBound ?? estimator.outputBound(maximum: maxOutputTokens)
      }
      return Demand(
        promptTokens: Int64(prompt),
        // A bound is at most 2³¹, and so are the choices.
        completionTokens: Int64(each) * Int64(choices),
        isBoundStated: statedBound != nil || !writesOutput, price: price)
    }
  }

  /// Reserves and records, or refuses. A refusal charges nothing; recording it is `deny`'s.
  package func admit(
    _ set: LimitSet, _ caller: Caller, _ reckoning: Reckoning?, record: Ledger.Admission
  ) -> Answer {
    lock.withLock {
      let now = readClock()
      let demand = demand(reckoning)
      switch table.reserve(set, caller: caller, demand: demand, now: now) {
      case .refused(let refusal): return .refused(refusal)
      case .admitted(let reservation):
        return self.record(record, reservation, now)
      }
    }
  }

  private func record(
    _ record: Ledger.Admission, _ reservation: consuming Reservation, _ now: Int64
  ) -> Answer {
    var record = record
    record.reserved = reservation.charges.map(Self.recorded)
    record.estimatedPromptTokens = reservation.demand.promptTokens
    record.reservedCompletionTokens = reservation.demand.completionTokens
    guard case .queued(let seq)? = writer?.enqueue(.admission(record), timeMs: now) else {
      _ = table.settle(reservation, as: .nothing, now: now)
      return .unavailable
    }
    let admission = OpenAdmission(
      seq: seq, epoch: epoch, timeMs: now, record: record, reservation: reservation)
    open[seq] = admission
    return .admitted(admission, waits: durability == .durable)
  }

  private func demand(_ reckoning: Reckoning?) -> Demand {
    guard let reckoning else {
      return Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
    }
    return reckoning.demand(by: estimators[reckoning.model] ?? TokenEstimator())
  }

  /// How an exchange ended.
  package struct Ending {
    package var usage: MeteredUsage
    package var settlement: (MeteredUsage) -> Settlement
    /// Its price is known.
    package var isPriced: Bool
    package var reckoning: Reckoning?
    /// Everything of the record but usage and charges.
    package var record: Completion

    package init(
      usage: MeteredUsage, settlement: @escaping (MeteredUsage) -> Settlement, isPriced: Bool,
      reckoning: Reckoning?, record: Completion
    ) {
      self.usage = usage
      self.settlement = settlement
      self.isPriced = isPriced
      self.reckoning = reckoning
      self.record = record
    }
  }

  /// Settles and records, once; what it says of usage afterwards is the completion's. nil where it
  /// was undone before.
  package func settle(_ admission: OpenAdmission, _ ending: Ending) -> Completion? {
    lock.withLock {
      guard let reservation = admission.take() else { return nil }
      let now = readClock()
      open[admission.seq] = nil
      var usage = ending.usage
      if let reckoning = ending.reckoning {
        var estimator = estimators[reckoning.model] ?? TokenEstimator()
        usage.estimate(
          promptTokens: Int(admission.record.estimatedPromptTokens ?? 0),
          outputTokens: { estimator.outputTokens(bytes: $0) })
        estimator.learn(
          .init(
            textBytes: reckoning.textBytes, arrayNumbers: reckoning.arrayNumbers,
            choices: reckoning.choices, statedBound: reckoning.statedBound, usage: usage))
        estimators[reckoning.model] = estimator
      }
      let settlement = ending.settlement(usage)
      var completion = ending.record
      completion.fill(usage, settlement, isPriced: ending.isPriced)
      completion.latencyMs = now - admission.timeMs
      completion.charged = table.settle(reservation, as: settlement, now: now)
        .map(Self.recorded)
      _ = writer?.enqueue(.completion(completion), timeMs: now)
      return completion
    }
  }

  /// Records a refusal; never waits, and a flood becomes counts.
  package func deny(_ record: Ledger.Admission) {
    lock.withLock {
      let now = readClock()
      let reason = record.reason ?? "other"
      refusals.count(tenant: record.tenant, reason: reason, timeMs: now)
      let (singly, due) = denials.denied(tenant: record.tenant, reason: reason, timeMs: now)
      write(due, now)
      if singly { _ = writer?.enqueue(.admission(record), timeMs: now) }
    }
  }

  /// The tightest limits of a caller, for headers.
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
      _ = writer?.enqueue(.stop(event), timeMs: now)
      for admission in open.values { admission.take()?.leaveToRecovery() }
      open = [:]
    }
    let isWhole = ledger?.stop() ?? true
    // Its callbacks hold the books, and what is told holds the server: each would keep the other.
    lock.withLock {
      writer = nil
      tell = { _ in }
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

// MARK: - The ledger's thread

extension Books {
  func callbacks(
    stateChanged: @escaping @Sendable (LedgerState) -> Void,
    committed: @escaping @Sendable (Int64) -> Void
  ) -> LedgerCallbacks {
    var callbacks = LedgerCallbacks(
      checkpoint: { [self] give in checkpoint(give) },
      durable: { [self] seq in report(.durable(upTo: seq)) },
      failed: { [self] seqs in undo(seqs) },
      stateChanged: stateChanged,
      wallMs: clock.wallMs)
    callbacks.committed = committed
    return callbacks
  }

  private func checkpoint(_ give: (BooksState, Int64) -> Void) {
    lock.withLock {
      let now = readClock()
      give(bookState(now), now)
    }
  }

  /// Every counter that is not as good as new, and every open exchange.
  package var state: BooksState { lock.withLock { bookState(readClock()) } }

  private func bookState(_ now: Int64) -> BooksState {
    let counters = table.snapshot(now: now).map { state in
      Ledger.CounterState(
        counter: state.counter, kind: state.kind.rawValue,
        fields: state.fields.map { .init($0.name, $0.value) })
    }
    let exchanges = open.values.sorted { $0.seq < $1.seq }.map {
      OpenExchange(seq: $0.seq, timeMs: $0.timeMs, admission: $0.record)
    }
    return BooksState(counters: counters, open: exchanges)
  }

  /// Admissions that will never be on record: what they reserved is given back, and their exchanges
  /// are told.
  private func undo(_ seqs: [Int64]) {
    let news = lock.withLock { () -> News in
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
    report(news)
  }

  private func report(_ news: News) {
    let tell = lock.withLock { self.tell }
    tell(news)
  }
}
