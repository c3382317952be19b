import Foundation

/// Puts records on disk: one thread, one batch after another, each written and flushed at once.
///
/// The books call `enqueue` under their own lock, so that the order of records is the order of
/// what they say. Lock order: the books', then the writer's; the writer's thread calls back with
/// neither. What is on disk when something fails is `LedgerFormat`'s rule.
package final class LedgerWriter: @unchecked Sendable {
  let settings: LedgerSettings
  let callbacks: LedgerCallbacks
  /// Guards everything in `shared`.
  let condition = NSCondition()
  var shared: Shared
  /// From here on all is the thread's own; nobody else looks at it once the thread runs.
  var segments: SegmentStore
  var chain: Chain
  var durableChain: Chain
  var repair: Repair?
  /// Taken from the queue and not yet on disk; the first `writtenCount` have been written.
  var unacknowledged: [LedgerRecord] = []
  var writtenCount = 0
  var unflushedBytes = 0
  var unflushedSince: ContinuousClock.Instant?
  /// When the batch was taken that is to be on disk at once; in relaxed mode, when its flush began.
  var batchTaken: ContinuousClock.Instant?
  /// Whether a failed batch may have left bytes that the next segment's beginning makes void.
  var mayHaveVoidBytes = false
  var segmentBegan = ContinuousClock.now
  var nextAttempt = ContinuousClock.now
  var nextRetention = ContinuousClock.now
  var lastRetention = ContinuousClock.now

  /// What the thread and everybody else share.
  struct Shared {
    var queue: LedgerQueue
    var durableSeq: Int64
    /// The segment of that record; nil in a new ledger.
    var durableSegment: Segment?
    var oldestEntry: ContinuousClock.Instant?
    var asksForSegment = false
    /// Whether the thread has been told that the ledger's bound is reached.
    var knowsBound = false
    var keep: SegmentsKept
    var isStopping = false
    var hasFinished = false
    var flushCount = 0
    var failureCount = 0
    var segmentCount = 0
  }

  /// Goes on from what recovery found. Nothing is written before `start`.
  package init(
    files: any LedgerFiles, recovered: Recovery.Outcome, settings: LedgerSettings,
    callbacks: LedgerCallbacks
  ) throws(LedgerFault) {
    self.settings = settings
    self.callbacks = callbacks
    segments = try SegmentStore(files)
    chain = recovered.chain
    durableChain = recovered.chain
    repair = recovered.repair
    let queue = LedgerQueue(
      nextSeq: recovered.nextSeq, durability: settings.durability,
      ledgerBytesMax: settings.ledgerBytesMax, diskBytes: segments.totalBytes)
    shared = Shared(
      queue: queue, durableSeq: recovered.nextSeq - 1, durableSegment: segments.last,
      keep: settings.isShipped ? .everything : .nothing)
  }

  // MARK: - Any thread

  /// Begins the first segment and returns when its checkpoint is on disk; throws where that fails,
  /// and the writer is of no use then. Not to be called under the books' lock.
  package func start() throws(LedgerFault) {
    let thread = Thread { [self] in run() }
    thread.name = "ledger"
    thread.start()
    condition.lock()
    defer { condition.unlock() }
    while shared.queue.status == .unavailable(.starting) { condition.wait() }
    if case .unavailable(.failed(let fault)) = shared.queue.status {
      shared.isStopping = true
      condition.broadcast()
      while !shared.hasFinished { condition.wait() }
      throw fault
    }
  }

  /// Takes a record, under the books' lock; `timeMs` is the ledger's time of the same moment.
  package func enqueue(_ body: LedgerRecord.Body, timeMs: Int64) -> Enqueued {
    withShared { shared in
      let result = shared.queue.enqueue(body, timeMs: timeMs)
      switch result {
      case .queued:
        guard shared.oldestEntry == nil else { break }
        shared.oldestEntry = .now
        condition.broadcast()
      case .refused(.ledgerFull) where !shared.knowsBound:
        // Something that only a full ledger lets go may be there.
        shared.knowsBound = true
        condition.broadcast()
      case .carried, .refused: break
      }
      return result
    }
  }

  /// Whether an admission would be taken now.
  package var state: LedgerState { withShared { $0.queue.state } }

  package var statistics: LedgerStatistics {
    withShared { shared in
      LedgerStatistics(
        state: shared.queue.state, nextSeq: shared.queue.nextSeq, durableSeq: shared.durableSeq,
        queuedBytes: shared.queue.queuedBytes, carriedCount: shared.queue.carried.count,
        refusedCount: shared.queue.refusedCount, diskBytes: shared.queue.diskBytes,
        diskBytesMax: settings.ledgerBytesMax, segmentCount: shared.segmentCount,
        flushCount: shared.flushCount, failureCount: shared.failureCount)
    }
  }

  /// Asks for a new segment (SIGUSR1).
  package func beginSegment() {
    withShared { shared in
      shared.asksForSegment = true
      condition.broadcast()
    }
  }

  /// Which segments stay, whatever their age.
  package func keep(_ kept: SegmentsKept) {
    withShared { $0.keep = kept }
  }

  /// What is on disk for good; nil in a ledger that has nothing yet.
  package var end: LedgerEnd? {
    withShared { shared in
      shared.durableSegment.map { LedgerEnd(seq: shared.durableSeq, segment: $0) }
    }
  }

  /// Waits until everything enqueued so far is on disk; false where the ledger went out of order.
  package func flush() -> Bool {
    condition.lock()
    defer { condition.unlock() }
    let target = shared.queue.nextSeq - 1
    let failures = shared.failureCount
    while shared.durableSeq < target {
      // After a failure the numbers begin again at the last durable one.
      if shared.hasFinished || shared.failureCount != failures { return false }
      guard shared.queue.status == .writable || shared.queue.isBeginningSegment else {
        return false
      }
      condition.wait()
    }
    return shared.queue.status == .writable && shared.queue.carried.isEmpty
  }

  /// Writes and flushes what is queued, ends the thread, and says whether everything is on disk.
  package func stop() -> Bool {
    condition.lock()
    defer { condition.unlock() }
    shared.isStopping = true
    condition.broadcast()
    while !shared.hasFinished { condition.wait() }
    return shared.queue.entries.isEmpty && shared.queue.carried.isEmpty
  }

  func withShared<Result>(_ body: (inout Shared) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    return body(&shared)
  }
}
