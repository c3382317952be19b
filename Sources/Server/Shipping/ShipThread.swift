import Bytes
import Foundation
import Gateway
import Ledger
import Log
import Metrics
import Shipping

/// One target's thread: reads the ledger's tail, ships it batch by batch, and keeps the cursor.
///
/// Other threads wake it, ask it to end, and read its numbers; everything else is its own. It waits
/// in poll(2) only, and whatever the target does, nobody waits for it.
final class ShipThread: @unchecked Sendable {
  let target: ShipTarget
  private let source: ShipSource
  private let cursors: CursorFiles
  private let log: Logger
  private let sink: any ShipSink
  /// Told when the cursor on disk has moved.
  private let committed: @Sendable (Int64) -> Void
  private let wakeEvent: Descriptor
  private let shared: Locked<Shared>

  // The thread's own.
  private var machine: TargetMachine
  private var batch: ShipBatch
  private var tail: LedgerTail
  /// The number that follows the last record taken into a batch.
  private var expectedSeq: Int64
  private var acknowledgedSeq: Int64
  private var committedSeq: Int64
  private var lastCommitMs: Int64
  private var isTroubled = false
  /// Records from here on could not be read when they were asked for last.
  private var readAgainMs: Int64 = 0

  private struct Shared {
    var statistics: ShipStatistics
    /// Whether a new record is worth waking the thread.
    var isAsleep = false
    var stopByMs: Int64?
    /// The time of the oldest record that is not acknowledged, where one has been read.
    var oldestMs: Int64?
    var hasEnded = false
  }

  /// Goes on behind `cursor`. Nothing runs before `start`.
  init(
    _ target: ShipTarget, cursor: Int64, source: ShipSource, cursors: CursorFiles,
    sink: any ShipSink, log: Logger, committed: @escaping @Sendable (Int64) -> Void
  ) throws(SystemError) {
    self.target = target
    self.source = source
    self.cursors = cursors
    self.sink = sink
    self.log = log
    self.committed = committed
    wakeEvent = try Kernel.createEvent()
    var statistics = ShipStatistics(target: target.description, state: .idle)
    statistics.acknowledgedSeq = cursor
    shared = Locked(Shared(statistics: statistics))
    machine = TargetMachine(
      timeout: target.timeout, exportsMayTakeForEver: target.place == .standardOutput)
    batch = ShipBatch(target.batch)
    tail = LedgerTail(source.files, from: cursor + 1)
    expectedSeq = cursor + 1
    acknowledgedSeq = cursor
    committedSeq = cursor
    lastCommitMs = Self.nowMs()
  }

  // MARK: - Any thread

  func start() {
    let thread = Thread { [self] in run() }
    thread.name = "ship"
    thread.start()
  }

  /// New records are on disk.
  func wake() {
    let isAsleep = shared.withLock { shared in
      defer { shared.isAsleep = false }
      return shared.isAsleep
    }
    if isAsleep { Kernel.signal(wakeEvent) }
  }

  /// Ships what is on disk and ends, by then at the latest.
  func stop(byMs: Int64) {
    shared.withLock { $0.stopByMs = byMs }
    Kernel.signal(wakeEvent)
  }

  var hasEnded: Bool { shared.withLock { $0.hasEnded } }

  /// The numbers, as of now.
  func statistics(wallMs: Int64) -> ShipStatistics {
    let endSeq = source.end()?.seq ?? 0
    return shared.withLock { shared in
      var statistics = shared.statistics
      statistics.lagRecords = max(0, endSeq - statistics.acknowledgedSeq)
      if statistics.lagRecords > 0, let oldestMs = shared.oldestMs {
        statistics.lagSeconds = max(0, Double(wallMs - oldestMs) / 1000)
      }
      return statistics
    }
  }

  // MARK: - The thread

  private func run() {
    while true {
      let nowMs = Self.nowMs()
      if let byMs = shared.withLock({ $0.stopByMs }) { machine.stopRequested(byMs: byMs) }
      collect(nowMs)
      commitIfDue(nowMs)
      let action = machine.next(nowMs: nowMs, work: batch.work(nowMs: nowMs), random: random())
      publish()
      switch action {
      case .wait(let untilMs): wait(untilMs: untilMs, nowMs: nowMs)
      case .connect:
        sink.connect()
        machine.resolved(nowMs: Self.nowMs())
        handle(sink.proceed(nil))
      case .export:
        sink.export(batch)
        handle(sink.proceed(sink.polled))
      case .disconnect:
        sink.disconnect()
        fail("no answer in \(DurationText.string(target.timeout))")
      case .end: return finish()
      }
    }
  }

  /// Fills the batch with what is on disk. While a batch is under way it stays as it is.
  private func collect(_ nowMs: Int64) {
    guard machine.state != .shipping, !batch.isFull, nowMs >= readAgainMs, let end = source.end()
    else { return }
    do throws(LedgerProblem) {
      while !batch.isFull, let step = try tail.next(upTo: end) {
        switch step {
        case .record(let line):
          if line.head.seq > expectedSeq { miss(upTo: line.head.seq - 1) }
          expectedSeq = line.head.seq + 1
          if batch.isEmpty { setOldest(line.head.timeMs) }
          batch.add(line, nowMs: nowMs)
        case .damaged(let damage):
          if damage.firstSeq > expectedSeq { miss(upTo: damage.firstSeq - 1) }
          expectedSeq = damage.lastSeq + 1
          found(damage)
        }
      }
    } catch {
      readAgainMs = nowMs + 1000
      trouble("the ledger cannot be read: \(error)")
    }
  }

  /// Records that do not fit the ledger any more: no target gets what cannot be vouched for. No
  /// `drop` is recorded, because they have not left: whoever verifies the ledger finds them.
  private func found(_ damage: LedgerTail.Damage) {
    let count = damage.lastSeq - damage.firstSeq + 1
    shared.withLock {
      $0.statistics.damaged += count
      $0.statistics.lastError = "the ledger is damaged: \(damage.problem)"
    }
    log.shipDamaged(target, damage)
  }

  /// Records that this target will never get: they left the ledger.
  private func miss(upTo lastSeq: Int64) {
    let count = lastSeq - expectedSeq + 1
    shared.withLock { $0.statistics.dropped += Int64(count) }
    log.shipDropped(target, firstSeq: expectedSeq, lastSeq: lastSeq)
    source.recordDrop(
      Drop(target: target.description, firstSeq: expectedSeq, lastSeq: lastSeq))
  }

  private func wait(untilMs: Int64?, nowMs: Int64) {
    var polled = [Polled(wakeEvent.raw, reads: true)]
    let watched = sink.polled
    if let watched { polled.append(watched) }
    var timeoutMs = untilMs.map { max(0, $0 - nowMs) }
    if let interval = sink.pollInterval {
      timeoutMs = min(timeoutMs ?? .max, interval.wholeMilliseconds)
    }
    if acknowledgedSeq > committedSeq {
      let due = max(0, lastCommitMs + ShippingLimits.cursorDelay.wholeMilliseconds - nowMs)
      timeoutMs = min(timeoutMs ?? .max, due)
    }
    if readAgainMs > nowMs { timeoutMs = min(timeoutMs ?? .max, readAgainMs - nowMs) }
    if batch.isEmpty, machine.state == .idle, mustLookAgain() { timeoutMs = 0 }
    Kernel.poll(
      &polled, timeoutMilliseconds: timeoutMs.map { Int32(clamping: $0) } ?? -1)
    shared.withLock { $0.isAsleep = false }
    if polled[0].isReadable { Kernel.clear(wakeEvent) }
    handle(sink.proceed(polled.count > 1 ? polled[1] : nil))
  }

  /// Asks to be woken by the next record, unless one has come already.
  private func mustLookAgain() -> Bool {
    shared.withLock { $0.isAsleep = true }
    guard let end = source.end(), readAgainMs <= Self.nowMs() else { return false }
    return end.seq >= tail.nextSeq
  }

  private func handle(_ events: [ShipEvent]) {
    let nowMs = Self.nowMs()
    for event in events {
      switch event {
      case .connected: machine.connected()
      case .progressed: machine.progressed(nowMs: nowMs)
      case .answered(let answer):
        let outcome = machine.answered(answer, nowMs: nowMs, random: random())
        answered(answer, outcome, nowMs)
      case .lost(let reason):
        if machine.connectionLost(nowMs: nowMs, random: random()) { fail(reason + sizeHint) }
      }
    }
  }

  /// Some receivers have no other word for a message over their limit than to hang up.
  private var sizeHint: String {
    batch.byteCount > ShippingLimits.usualMessageBytesMax
      ? " (it is to get \(batch.byteCount) bytes at once: is its message limit higher than that?)"
      : ""
  }

  private func answered(
    _ answer: TargetMachine.Answer, _ outcome: TargetMachine.Outcome, _ nowMs: Int64
  ) {
    let count = batch.lines.count
    guard let lastSeq = batch.lastSeq else { return }
    var rejected = 0
    switch answer {
    case .retry(let reason, _): return fail(reason)
    case .delivered: break
    case .partial(let number, let message):
      rejected = min(number, count)
      log.shipRejected(target, rejected, in: batch, words: message)
    case .refused(let reason):
      rejected = count
      log.shipRejected(target, rejected, in: batch, words: reason)
    case .tooLarge(let reason):
      let size = batch.byteCount
      if let bytesMax = batch.shrink(nowMs: nowMs) {
        return log.shipShrunk(target, size, to: bytesMax, words: reason)
      }
      rejected = count
      if count == 1, size > ShippingLimits.shrunkBytesMin {
        log.shipTooLarge(target, seq: lastSeq, bytes: size, words: reason)
      } else {
        log.shipRejected(target, rejected, in: batch, words: reason)
      }
    }
    guard outcome == .done else { return }
    acknowledgedSeq = lastSeq
    batch.next(nowMs: nowMs)
    let oldestMs = batch.lines.first?.head.timeMs
    let wallMs = SystemClock.wallNanoseconds() / 1_000_000
    shared.withLock { shared in
      shared.statistics.acknowledgedSeq = lastSeq
      shared.statistics.shipped += Int64(count - rejected)
      shared.statistics.rejected += Int64(rejected)
      shared.statistics.lastSuccessMs = wallMs
      shared.oldestMs = oldestMs
      switch answer {
      case .refused(let reason), .tooLarge(let reason): shared.statistics.lastError = reason
      case .delivered, .partial, .retry: break
      }
    }
    if isTroubled {
      isTroubled = false
      log.shipRestored(target)
    }
  }

  private func fail(_ reason: String) {
    shared.withLock { $0.statistics.retries = Int64(machine.failureCount) }
    trouble(reason)
  }

  /// Said at once when things go wrong, and then once in a while.
  private func trouble(_ reason: String) {
    shared.withLock { $0.statistics.lastError = reason }
    isTroubled = true
    log.shipFailed(target, reason)
  }

  private func setOldest(_ timeMs: Int64) { shared.withLock { $0.oldestMs = timeMs } }

  private func publish() {
    let state: ShipStatistics.State =
      switch machine.state {
      case .connecting: .connecting
      case .shipping: .shipping
      case .idle: .idle
      case .backingOff: .backingOff
      }
    shared.withLock { $0.statistics.state = state }
  }

  private func commitIfDue(_ nowMs: Int64) {
    guard acknowledgedSeq > committedSeq,
      nowMs >= lastCommitMs + ShippingLimits.cursorDelay.wholeMilliseconds
    else { return }
    commit(nowMs)
  }

  private func commit(_ nowMs: Int64) {
    lastCommitMs = nowMs
    do throws(LedgerFault) {
      try cursors.write(ShipCursor(target: target.description, seq: acknowledgedSeq))
    } catch {
      log.shipFailed(target, "its cursor cannot be written: \(error)")
      return
    }
    committedSeq = acknowledgedSeq
    committed(committedSeq)
  }

  private func finish() {
    sink.disconnect()
    if acknowledgedSeq > committedSeq { commit(Self.nowMs()) }
    let left = max(0, (source.end()?.seq ?? 0) - acknowledgedSeq)
    if left > 0 { log.shipWaits(target, left) }
    shared.withLock { $0.hasEnded = true }
  }

  private func random() -> UInt64 { UInt64.random(in: 0 ... .max) }

  private static func nowMs() -> Int64 { SystemClock.monotonicNanoseconds() / 1_000_000 }
}
