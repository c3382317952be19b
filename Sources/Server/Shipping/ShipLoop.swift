import Bytes
import Ledger
import Log
import Metrics
import Shipping

/// What one target's shipping keeps on disk.
struct ShipStore {
  let cursors: CursorFiles
  let setAside: SetAside
  /// Called with the cursor's record number whenever the cursor on disk has moved.
  let committed: @Sendable (Int64) -> Void
}

/// Reads the ledger's tail, ships it to one target batch by batch, and keeps the target's cursor.
///
/// On the target's thread, which owns it; others share only `ShipShared`. It waits in poll(2)
/// alone, and however slow the target is, no other thread waits for it.
final class ShipLoop {
  private let target: ShipTarget
  private let source: ShipSource
  /// nil where records are shipped again by hand: nothing is kept then.
  private let store: ShipStore?
  private let sink: any ShipSink
  private let shared: ShipShared
  private let log: Logger

  private var machine: TargetMachine
  private var refusals = Refusals()
  private var batch: ShipBatch
  private var tail: LedgerTail
  /// The number that follows the last record taken into a batch.
  private var expectedSeq: Int64
  /// The last record that the target has.
  private var acknowledgedSeq: Int64
  /// The last record that the cursor on disk says the target has.
  private var committedSeq: Int64
  private var lastCommitMs: Int64
  /// Whether something has failed since the last batch was delivered, and whether that was the
  /// receiver's answer.
  private var isTroubled = false
  private var isHeld = false
  /// The ledger could not be read; it is not read again before this time.
  private var readAgainMs: Int64 = 0

  /// Begins with the record after number `cursor`. `failuresMax`: as `TargetMachine` has it.
  init(
    _ target: ShipTarget, cursor: Int64, source: ShipSource, store: ShipStore?,
    sink: any ShipSink, shared: ShipShared, log: Logger, failuresMax: Int? = nil
  ) {
    self.target = target
    self.source = source
    self.store = store
    self.sink = sink
    self.shared = shared
    self.log = log
    machine = TargetMachine(
      timeout: target.timeout, exportsMayTakeForEver: target.place == .standardOutput,
      failuresMax: failuresMax)
    batch = ShipBatch(target.batch)
    tail = LedgerTail(source.files, from: cursor + 1)
    expectedSeq = cursor + 1
    acknowledgedSeq = cursor
    committedSeq = cursor
    lastCommitMs = Self.nowMs()
  }

  /// Ships until it is told to end.
  func run() {
    while true {
      let nowMs = Self.nowMs()
      if let byMs = shared.values.withLock({ $0.stopByMs }) { machine.stopRequested(byMs: byMs) }
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

  private func wait(untilMs: Int64?, nowMs: Int64) {
    var polled = [Polled(shared.wakeEvent.raw, reads: true)]
    let watched = sink.polled
    if let watched { polled.append(watched) }
    var timeoutMs = untilMs.map { max(0, $0 - nowMs) }
    if let interval = sink.pollInterval {
      timeoutMs = min(timeoutMs ?? .max, interval.wholeMilliseconds)
    }
    if store != nil, acknowledgedSeq > committedSeq {
      let due = max(0, lastCommitMs + ShippingLimits.cursorDelay.wholeMilliseconds - nowMs)
      timeoutMs = min(timeoutMs ?? .max, due)
    }
    if readAgainMs > nowMs { timeoutMs = min(timeoutMs ?? .max, readAgainMs - nowMs) }
    if batch.isEmpty, machine.state == .idle, mustLookAgain() { timeoutMs = 0 }
    Kernel.poll(
      &polled, timeoutMilliseconds: timeoutMs.map { Int32(clamping: $0) } ?? -1)
    shared.values.withLock { $0.isAsleep = false }
    if polled[0].isReadable { Kernel.clear(shared.wakeEvent) }
    handle(sink.proceed(polled.count > 1 ? polled[1] : nil))
  }

  /// Asks to be woken by the next record; true where one is there already.
  private func mustLookAgain() -> Bool {
    shared.values.withLock { $0.isAsleep = true }
    guard let end = source.end(), readAgainMs <= Self.nowMs() else { return false }
    return end.seq >= tail.nextSeq
  }

  private func handle(_ events: [ShipEvent]) {
    let nowMs = Self.nowMs()
    for event in events {
      switch event {
      case .connected: machine.connected()
      case .progressed: machine.progressed(nowMs: nowMs)
      case .answered(let answer): answered(answer, nowMs)
      case .lost(let reason):
        if machine.connectionLost(nowMs: nowMs, random: random()) { fail(reason + sizeHint) }
      }
    }
  }

  /// Some receivers answer a message over their limit by closing the connection, and say no more.
  private var sizeHint: String {
    batch.byteCount > ShippingLimits.usualMessageBytesMax
      ? " (it is to get \(batch.byteCount) bytes at once: is its message limit higher than that?)"
      : ""
  }

  private func publish() {
    let state: ShipStatistics.State =
      switch machine.state {
      case .connecting: .connecting
      case .shipping: .shipping
      case .idle: .idle
      case .backingOff: isHeld ? .held : .backingOff
      }
    shared.values.withLock { $0.statistics.state = state }
  }

  private func finish() {
    sink.disconnect()
    if acknowledgedSeq > committedSeq { commit(Self.nowMs()) }
    let left = max(0, (source.end()?.seq ?? 0) - acknowledgedSeq)
    if left > 0, store != nil { log.shipWaits(target, left) }
    shared.values.withLock { $0.hasEnded = true }
  }

  private func random() -> UInt64 { UInt64.random(in: 0 ... .max) }

  private static func nowMs() -> Int64 { SystemClock.monotonicNanoseconds() / 1_000_000 }
}

// MARK: - Records into a batch

extension ShipLoop {
  /// Fills the batch with what is on disk. A batch that is being shipped stays as it is.
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

  /// Records that do not fit the ledger's chain any more: nobody can say that they are what was
  /// written, so they are not shipped. No `drop` is recorded, because they are still in the ledger,
  /// where `audit verify` finds them.
  private func found(_ damage: LedgerTail.Damage) {
    let count = damage.lastSeq - damage.firstSeq + 1
    shared.values.withLock {
      $0.statistics.damaged += count
      $0.statistics.lastError = "the ledger is damaged: \(damage.problem)"
    }
    log.shipDamaged(target, damage)
  }

  /// Records that this target will never get: the ledger has removed them.
  private func miss(upTo lastSeq: Int64) {
    let count = lastSeq - expectedSeq + 1
    shared.values.withLock { $0.statistics.dropped += count }
    log.shipDropped(target, firstSeq: expectedSeq, lastSeq: lastSeq)
    source.recordDrop(
      Drop(target: target.description, firstSeq: expectedSeq, lastSeq: lastSeq))
  }

  private func setOldest(_ timeMs: Int64) { shared.values.withLock { $0.oldestMs = timeMs } }
}

// MARK: - Answers

extension ShipLoop {
  private func answered(_ answer: TargetMachine.Answer, _ nowMs: Int64) {
    let count = batch.lines.count
    guard machine.isExporting, count > 0 else { return }
    switch refusals.judge(answer, records: count, bytes: batch.byteCount) {
    case .taken(let words):
      if !words.isEmpty { log.shipWarned(target, words: words) }
      acknowledged(rejected: 0, nowMs)
    case .takenExcept(let rejected, let words):
      let reason = "\(rejected) of these \(count) records, it is not said which: \(words)"
      setAside(rejected, because: reason, isTooLarge: false, nowMs)
    case .setAside(let reason):
      var isTooLarge = false
      if case .tooLarge = answer { isTooLarge = true }
      setAside(1, because: reason, isTooLarge: isTooLarge, nowMs)
    case .halve:
      proceed(nowMs)
      batch.halve()
    case .shrink(let reason):
      proceed(nowMs)
      let size = batch.byteCount
      log.shipShrunk(target, size, to: batch.shrink(nowMs: nowMs), words: reason)
    case .hold(let reason, let afterMs): hold(reason, afterMs: afterMs, nowMs)
    }
  }

  /// The attempt has come to something: the next one follows at once.
  private func proceed(_ nowMs: Int64) {
    machine.answered(.done, nowMs: nowMs, random: random())
  }

  /// The receiver takes nothing now: the same batch is shipped again, later.
  private func hold(_ reason: String, afterMs: Int64?, _ nowMs: Int64) {
    machine.answered(.again(afterMs: afterMs), nowMs: nowMs, random: random())
    fail(reason)
    isHeld = true
  }

  /// The receiver refuses the batch's one record, or some of its records and does not say which: what
  /// may be meant is put into a file, and then the batch is over. Where that cannot be done, the
  /// target is held.
  private func setAside(
    _ rejected: Int, because reason: String, isTooLarge: Bool, _ nowMs: Int64
  ) {
    var file: String?
    if let store {
      do throws(SetAside.Problem) {
        try store.setAside.add(batch.lines, of: target.description, because: reason)
      } catch {
        return hold("\(reason); it cannot be set aside: \(error)", afterMs: nil, nowMs)
      }
      file = CursorFiles.directoryName + "/" + SetAside.fileName(of: target.description)
    }
    if isTooLarge, let line = batch.lines.first {
      log.shipTooLarge(target, line, file: file, words: reason)
    } else {
      log.shipRejected(target, rejected, in: batch, file: file, words: reason)
    }
    shared.values.withLock { $0.statistics.lastError = reason }
    acknowledged(rejected: rejected, nowMs)
  }

  /// The batch is over: counts it and begins the next.
  private func acknowledged(rejected: Int, _ nowMs: Int64) {
    proceed(nowMs)
    let shipped = batch.lines.count - rejected
    acknowledgedSeq = batch.lastSeq ?? acknowledgedSeq
    batch.next(nowMs: nowMs)
    let oldestMs = batch.lines.first?.head.timeMs
    let wallMs = UnixTime.now().milliseconds
    shared.values.withLock { values in
      values.statistics.acknowledgedSeq = acknowledgedSeq
      values.statistics.shipped += Int64(shipped)
      values.statistics.rejected += Int64(rejected)
      if shipped > 0 { values.statistics.lastSuccessMs = wallMs }
      values.oldestMs = oldestMs
    }
    isHeld = false
    if isTroubled {
      isTroubled = false
      log.shipRestored(target)
    }
  }

  private func fail(_ reason: String) {
    isHeld = false
    shared.values.withLock { $0.statistics.retries = Int64(machine.failureCount) }
    trouble(reason)
  }

  private func trouble(_ reason: String) {
    shared.values.withLock { $0.statistics.lastError = reason }
    isTroubled = true
    log.shipFailed(target, reason)
  }
}

// MARK: - The cursor

extension ShipLoop {
  private func commitIfDue(_ nowMs: Int64) {
    guard store != nil, acknowledgedSeq > committedSeq,
      nowMs >= lastCommitMs + ShippingLimits.cursorDelay.wholeMilliseconds
    else { return }
    commit(nowMs)
  }

  private func commit(_ nowMs: Int64) {
    lastCommitMs = nowMs
    guard let store else { return }
    do throws(LedgerFault) {
      try store.cursors.write(ShipCursor(target: target.description, seq: acknowledgedSeq))
    } catch {
      log.shipFailed(target, "its cursor cannot be written: \(error)")
      return
    }
    committedSeq = acknowledgedSeq
    store.committed(committedSeq)
  }
}
