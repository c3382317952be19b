import Bytes
import Foundation

/// Writes records to disk. One thread writes one batch after another; in durable mode it flushes
/// each batch before the next one.
///
/// The books call `enqueue` under their own lock, so that the order of records is the order in
/// which counters changed. Where both locks are needed, the books' is taken first, then the
/// writer's. The writer's thread calls the callbacks without a lock. `LedgerFormat` describes what
/// is on disk when a write fails.
package final class LedgerWriter: @unchecked Sendable {
  let settings: LedgerSettings
  let callbacks: LedgerCallbacks
  /// Guards everything in `shared`.
  let condition = TimedCondition()
  var shared: Shared
  // Everything below belongs to the thread; nobody else uses it once the thread runs.

  var segments: SegmentStore
  /// The chain up to the last record that was written, and up to the last one that was flushed.
  var chain: Chain
  var durableChain: Chain
  /// The damage that the first segment must record.
  var repair: Repair?
  /// Records that were taken from the queue and are not yet on disk, oldest first.
  var unacknowledged: [LedgerRecord] = []
  /// How many of these, from the first on, have been written and not flushed.
  var writtenCount = 0
  /// The lines of the batch that is being written; kept for its memory, about a batch's length.
  var lines: [UInt8] = []
  /// The line that is being written, without its hash; kept for its memory too.
  var line = JSONWriter()
  /// The length of the lines of what was written and not flushed, and when the first was written.
  var unflushedBytes = 0
  var unflushedSince: ContinuousClock.Instant?
  /// For `LedgerCallbacks.committed`: when the batch was taken from the queue; in relaxed mode,
  /// when its flush began.
  var batchTaken: ContinuousClock.Instant?
  /// Whether a failed batch may have left bytes in a file, which become void when the next segment
  /// begins.
  var mayHaveVoidBytes = false
  var segmentBegan = ContinuousClock.now
  var nextAttempt = ContinuousClock.now
  var nextRetention = ContinuousClock.now
  var lastRetention = ContinuousClock.now
  /// What is written, from `began` on.
  var rate: WriteRate
  let began = ContinuousClock.now
  var nextLook = ContinuousClock.now

  /// What the thread and its callers share, under `condition`.
  struct Shared {
    var queue: LedgerQueue
    var identity: LedgerIdentity
    /// As the last checkpoint on disk has it; nil before there is one.
    var identityOnDisk: LedgerIdentity?
    /// The `seq` of the last record on disk.
    var durableSeq: Int64
    /// The time of the last one of these that is not carried.
    var durableTimeMs: Int64
    /// The segment of that record; nil in a new ledger.
    var durableSegment: Segment?
    /// When the first of the queue's entries came; nil where there are none.
    var oldestEntry: ContinuousClock.Instant?
    var asksForSegment = false
    /// Whether the ledger's bound is reached, or tenants share what is left below it: then the thread looks for old segments more often.
    var knowsBound = false
    /// Whether little room is left below the bound and there is something to remove: then the thread
    /// does that at once.
    var wantsRoom = false
    /// As `LedgerStatistics` has them.
    var bytesPerHour: Int64?
    var hoursLeft: Double?
    var keep: SegmentsKept
    var isStopping = false
    var hasFinished = false
    var flushCount = 0
    var failureCount = 0
    var segmentCount = 0
  }

  /// A writer that continues the ledger which `Recovery.run` recovered. It writes nothing before
  /// `start`; throws where the segments cannot be listed.
  package init(
    files: any LedgerFiles, recovered: Recovery.Outcome, settings: LedgerSettings,
    callbacks: LedgerCallbacks
  ) throws(LedgerFault) {
    self.callbacks = callbacks
    segments = try SegmentStore(files)
    let free = settings.ledgerPercentMax == nil ? nil : try files.freeBytes()
    let settings = settings.bounded(usedBytes: segments.totalBytes, freeBytes: free)
    self.settings = settings
    rate = WriteRate(before: segments.bytesPerHour(upTo: recovered.timeMs))
    chain = recovered.chain
    durableChain = recovered.chain
    repair = recovered.repair
    let queue = LedgerQueue(
      nextSeq: recovered.nextSeq, lastTimeMs: recovered.timeMs, durability: settings.durability,
      ledgerBytesMax: settings.ledgerBytesMax, diskBytes: segments.totalBytes)
    shared = Shared(
      queue: queue, identity: recovered.identity?.next ?? .made(),
      durableSeq: recovered.nextSeq - 1, durableTimeMs: recovered.timeMs,
      durableSegment: segments.last,
      keep: settings.isShipped ? .everything : .nothing)
    shared.bytesPerHour = segments.bytesPerHour(upTo: recovered.timeMs)
    shared.queue.mayShrink = settings.whenFull == .recycle && segments.count > 1
  }

  // MARK: - Any thread

  /// Starts the thread, begins the first segment and returns when its checkpoint is on disk. Where
  /// that fails it throws, and the writer cannot be used. Do not call it under the books' lock.
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

  /// Takes a record. Call it under the books' lock; `timeMs` is the ledger's time at this moment.
  package func enqueue(_ body: LedgerRecord.Body, timeMs: Int64) -> Enqueued {
    withShared { shared in
      let result = shared.queue.enqueue(body, timeMs: timeMs)
      switch result {
      case .queued:
        if !shared.wantsRoom, shared.queue.wantsRoom(settings.sparedBytes / 2) {
          shared.wantsRoom = true
          condition.broadcast()
        }
        guard shared.oldestEntry == nil else { break }
        shared.oldestEntry = .now
        condition.broadcast()
      case .refused(.ledgerFull), .refused(.overShare):
        guard !shared.knowsBound else { break }
        // Wake the thread: it may remove segments that are removed only when the bound is reached.
        shared.knowsBound = true
        condition.broadcast()
      case .carried, .refused: break
      }
      return result
    }
  }

  /// The ledger's id and the number of this start. The first checkpoint has them: they are on disk
  /// when `start` returns.
  package var identity: LedgerIdentity { withShared { $0.identity } }

  /// Gives this start a higher number: another process has used its own. True when a checkpoint with
  /// it is on disk; false where that failed, or the number is below the start's. It may be called again.
  package func renumber(to start: Int64) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    if start > shared.identity.start, start <= LedgerIdentity.startMax {
      shared.identity = LedgerIdentity(id: shared.identity.id, start: start)
    }
    guard start == shared.identity.start else { return false }
    let failures = shared.failureCount
    while shared.identityOnDisk != shared.identity {
      if shared.isStopping || shared.hasFinished || shared.failureCount != failures { return false }
      shared.asksForSegment = true
      condition.broadcast()
      condition.wait()
    }
    return true
  }

  /// The time of the last record: the next one may be earlier only where it is a `clock`.
  package var lastTimeMs: Int64 { withShared { $0.queue.lastTimeMs } }

  /// Sets how many tenants share the ledger; 1 until then. Call it under the books' lock.
  package func shares(among tenantCount: Int) {
    withShared { $0.queue.tenantCount = tenantCount }
  }

  /// Whether an admission would be taken now.
  package var state: LedgerState { withShared { $0.queue.state } }

  /// Sizes and counts at this moment.
  package var statistics: LedgerStatistics {
    withShared { shared in
      LedgerStatistics(
        state: shared.queue.state, nextSeq: shared.queue.nextSeq, durableSeq: shared.durableSeq,
        queuedBytes: shared.queue.queuedBytes, carriedCount: shared.queue.carried.count,
        refusedCount: shared.queue.refusedCount, diskBytes: shared.queue.diskBytes,
        diskBytesMax: settings.ledgerBytesMax, bytesPerHour: shared.bytesPerHour,
        hoursLeft: shared.hoursLeft, segmentCount: shared.segmentCount,
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

  /// Sets which segments are kept, whatever their age.
  package func keep(_ kept: SegmentsKept) {
    withShared { shared in
      shared.keep = kept
      guard shared.queue.hasReachedBound(sparing: settings.sparedBytes / 2) else { return }
      shared.wantsRoom = true
      condition.broadcast()
    }
  }

  /// The last record that is on disk; nil where there is none.
  package var end: LedgerEnd? {
    withShared { shared in
      shared.durableSegment.map { LedgerEnd(seq: shared.durableSeq, segment: $0) }
    }
  }

  /// Waits until everything that was enqueued so far is on disk; false where a write failed
  /// meanwhile.
  package func flush() -> Bool {
    condition.lock()
    defer { condition.unlock() }
    let target = shared.queue.nextSeq - 1
    let failures = shared.failureCount
    while shared.durableSeq < target {
      // After a failure, numbers are given again from the last one on disk: `target` means nothing.
      if shared.hasFinished || shared.failureCount != failures { return false }
      guard shared.queue.status == .writable || shared.queue.isBeginningSegment else {
        return false
      }
      condition.wait()
    }
    return shared.queue.status == .writable && shared.queue.carried.isEmpty
  }

  /// Writes and flushes what is queued and ends the thread. Returns whether everything is on disk.
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
