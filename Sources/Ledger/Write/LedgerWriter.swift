import Foundation

/// Puts records on disk: one thread, one batch after another, each written and flushed at once.
///
/// The books call `enqueue` under their own lock, so that the order of records is the order of
/// what they say. Lock order: the books', then the writer's; the writer's thread calls back with
/// neither. What is on disk when something fails is `LedgerFormat`'s rule.
package final class LedgerWriter: @unchecked Sendable {
  private let settings: LedgerSettings
  private let callbacks: LedgerCallbacks
  /// Guards everything in `shared`.
  private let condition = NSCondition()
  private var shared: Shared
  /// The thread's own; nobody else looks at it once the thread runs.
  private var segments: SegmentStore
  private var chain: Chain
  private var durableChain: Chain
  private var repair: Repair?
  /// Taken from the queue and not yet on disk; the first `writtenCount` have been written.
  private var unacknowledged: [LedgerRecord] = []
  private var writtenCount = 0
  private var unflushedBytes = 0
  private var unflushedSince: ContinuousClock.Instant?
  /// When the batch was taken that is to be on disk at once; in relaxed mode, when its flush began.
  private var batchTaken: ContinuousClock.Instant?
  /// Whether a failed batch may have left bytes that the next segment's beginning makes void.
  private var mayHaveVoidBytes = false
  private var segmentBegan = ContinuousClock.now
  private var nextAttempt = ContinuousClock.now
  private var nextRetention = ContinuousClock.now
  private var lastRetention = ContinuousClock.now
  private static let retentionInterval = Duration.seconds(60)
  /// The same where the ledger's bound is reached.
  private static let retentionIntervalAtBound = Duration.seconds(1)

  private struct Shared {
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
        segmentCount: shared.segmentCount, flushCount: shared.flushCount,
        failureCount: shared.failureCount)
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

  private func withShared<Result>(_ body: (inout Shared) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    return body(&shared)
  }
}

// MARK: - The writer's thread

extension LedgerWriter {
  private enum Step {
    case open(isLast: Bool)
    case rotate
    case write([LedgerRecord])
    case flush
    case retain
    case finish
  }

  private func run() {
    while true {
      switch waitForStep() {
      case .open(let isLast):
        open()
        if isLast, !segments.isOpen { return finish() }
      case .rotate: askForCheckpoint()
      case .write(let batch): write(batch)
      case .flush: attempt { () throws(LedgerFault) in try self.flushSegment() }
      case .retain: retain()
      case .finish: return finish()
      }
    }
  }

  /// Sleeps until there is something to do, and says what.
  private func waitForStep() -> Step {
    condition.lock()
    defer { condition.unlock() }
    while true {
      let now = ContinuousClock.now
      var wake = nextRetention
      if shared.knowsBound { wake = min(wake, lastRetention + Self.retentionIntervalAtBound) }
      if wake <= now { return .retain }
      if !segments.isOpen, !shared.queue.isBeginningSegment {
        if shared.isStopping {
          let isInOrder = shared.queue.carried.isEmpty && !mayHaveVoidBytes
          return isInOrder ? .finish : .open(isLast: true)
        }
        if nextAttempt <= now { return .open(isLast: false) }
        wake = min(wake, nextAttempt)
      }
      // What has its time comes before what is always there under load.
      if let since = unflushedSince {
        let due = since + settings.relaxedFlushDelay
        if due <= now { return .flush }
        wake = min(wake, due)
      }
      if segments.isOpen, !shared.queue.isBeginningSegment {
        if !shared.isStopping, isSegmentDue(now) { return .rotate }
        wake = min(wake, segmentBegan + settings.segmentAgeMax)
      }
      if !shared.queue.entries.isEmpty {
        let oldest = shared.oldestEntry ?? now
        shared.oldestEntry = oldest
        if isUrgent || oldest + writeDelay <= now {
          let batch = shared.queue.takeBatch()
          if shared.queue.entries.isEmpty { shared.oldestEntry = nil }
          return .write(batch)
        }
        wake = min(wake, oldest + writeDelay)
      } else if shared.isStopping, segments.isOpen {
        return writtenCount == 0 ? .finish : .flush
      }
      let seconds = (wake - now) / .seconds(1)
      _ = condition.wait(until: Date(timeIntervalSinceNow: seconds))
    }
  }

  /// Whether what is queued is not worth waiting for more.
  private var isUrgent: Bool {
    shared.isStopping || shared.queue.isBeginningSegment
      || shared.queue.queuedBytes >= LedgerLimits.batchBytesMax / 2
  }

  private var writeDelay: Duration {
    switch settings.durability {
    case .durable: .zero
    case .relaxed: settings.relaxedWriteDelay
    }
  }

  private func isSegmentDue(_ now: ContinuousClock.Instant) -> Bool {
    // A checkpoint larger than a segment must not make every segment full at its birth.
    let bytesMax = max(settings.segmentBytesMax, 2 * segments.checkpointBytes)
    return shared.asksForSegment || segments.openBytes >= bytesMax
      || now >= segmentBegan + settings.segmentAgeMax
  }

  /// Queues a checkpoint at this place of the order of records.
  private func askForCheckpoint() {
    callbacks.checkpoint { books, timeMs in
      withShared { shared in
        shared.asksForSegment = false
        shared.queue.beginSegment(books, timeMs: timeMs, repair: repair)
      }
    }
  }

  /// One attempt to open a segment where there is none.
  private func open() {
    nextAttempt = .now + settings.retryDelay
    askForCheckpoint()
    let batch = withShared { $0.queue.takeBatch() }
    write(batch)
  }

  private func write(_ batch: [LedgerRecord]) {
    if case .checkpoint(let checkpoint)? = batch.first?.body { return begin(batch, checkpoint) }
    unacknowledged += batch
    if settings.durability == .durable { batchTaken = .now }
    attempt { () throws(LedgerFault) in
      var bytes: [UInt8] = []
      var count = 0
      for record in batch {
        var line = record.encoded()
        let lineBytes = line.count + LedgerFormat.sealBytes + 1
        // What a crash can tear off never exceeds a batch: what is not flushed is bounded.
        let unflushed = unflushedBytes + bytes.count
        if unflushed > 0, unflushed + lineBytes > LedgerLimits.batchBytesMax {
          try append(bytes, count: count)
          try flushSegment()
          (bytes, count) = ([], 0)
        }
        chain.seal(&line)
        bytes += line
        count += 1
      }
      try append(bytes, count: count)
      if settings.durability == .durable { try flushSegment() }
    }
  }

  private func append(_ bytes: [UInt8], count: Int) throws(LedgerFault) {
    try segments.append(bytes)
    writtenCount += count
    unflushedBytes += bytes.count
    if unflushedSince == nil { unflushedSince = .now }
  }

  private func flushSegment() throws(LedgerFault) {
    guard writtenCount > 0 else { return }
    if batchTaken == nil { batchTaken = .now }
    try segments.synchronize()
    acknowledge()
  }

  /// What was written is on disk.
  private func acknowledge() {
    let seq = unacknowledged[writtenCount - 1].seq
    unacknowledged.removeFirst(writtenCount)
    writtenCount = 0
    unflushedBytes = 0
    unflushedSince = nil
    durableChain = chain
    sayCommitted()
    withShared { shared in
      shared.durableSeq = seq
      shared.durableSegment = segments.last
      shared.flushCount += 1
      shared.segmentCount = segments.count
      shared.queue.written(diskBytes: segments.totalBytes, except: unacknowledged)
      shared.queue.checkpointBytes = segments.checkpointBytes
      condition.broadcast()
    }
    callbacks.durable(seq)
  }

  private func sayCommitted() {
    guard let batchTaken else { return }
    self.batchTaken = nil
    callbacks.committed(Int64((ContinuousClock.now - batchTaken) / .nanoseconds(1)))
  }

  /// Begins a segment with `head`: its checkpoint, in a repaired ledger the repair, and what is carried.
  private func begin(_ head: [LedgerRecord], _ checkpoint: Checkpoint) {
    let wasWritable = withShared { $0.queue.status == .writable }
    attempt { () throws(LedgerFault) in
      try flushSegment()
      if repair != nil { chain = Chain() }
      var checkpoint = checkpoint
      checkpoint.previousHash = chain.head
      var bytes: [UInt8] = []
      var checkpointBytes = 0
      for var record in head {
        if case .checkpoint = record.body { record.body = .checkpoint(checkpoint) }
        var line = record.encoded()
        chain.seal(&line)
        bytes += line
        if checkpointBytes == 0 { checkpointBytes = bytes.count }
      }
      // From here on they are lost where nobody carries them on.
      unacknowledged = head
      try segments.begin(
        Segment(firstSeq: head[0].seq), timeMs: head[0].timeMs, head: bytes,
        checkpointBytes: checkpointBytes)
      repair = nil
      mayHaveVoidBytes = false
      segmentBegan = .now
      nextRetention = .now
      writtenCount = head.count
      withShared { $0.queue.segmentBegan() }
      acknowledge()
    }
    if !wasWritable, segments.isOpen { callbacks.stateChanged(.writable) }
  }

  private func attempt(_ body: () throws(LedgerFault) -> Void) {
    do { try body() } catch { fail(error) }
  }

  /// Leaves the segment for good; whatever of it is not acknowledged is void.
  private func fail(_ fault: LedgerFault) {
    if segments.isOpen { mayHaveVoidBytes = true }
    segments.abandon()
    chain = durableChain
    let failed = withShared { shared in
      let failed = shared.queue.fail(
        fault, unacknowledged: unacknowledged, durableSeq: shared.durableSeq)
      shared.failureCount += 1
      shared.oldestEntry = nil
      condition.broadcast()
      return failed
    }
    unacknowledged = []
    writtenCount = 0
    unflushedBytes = 0
    unflushedSince = nil
    batchTaken = nil
    if !failed.isEmpty { callbacks.failed(failed) }
    withShared { $0.queue.failedAreUndone() }
    callbacks.stateChanged(.unavailable(.failed(fault)))
  }

  /// Lets old segments go. Where the bound is reached also those that only a target holds which lets
  /// records go rather than stop the gateway, oldest first and no more than is needed.
  private func retain() {
    lastRetention = .now
    nextRetention = lastRetention + Self.retentionInterval
    let retainMs = Int64(settings.retain / .milliseconds(1))
    let keep = withShared { $0.keep }
    let before = callbacks.wallMs() - retainMs
    var removed = segments.removeOlder(than: before, keepFromSeq: keep.fromSeq)
    if removed { tellRemoved() }
    // Age does not keep them then: a target that may lose records never stops the gateway.
    let mayGo = keep.atBoundFromSeq > keep.fromSeq
    while mayGo, isAtBound,
      segments.removeOlder(than: .max, keepFromSeq: keep.atBoundFromSeq, limit: 1)
    {
      removed = true
      tellRemoved()
    }
    if removed { segments.synchronizeNames() }
    withShared { $0.knowsBound = $0.queue.hasReachedBound }
  }

  private var isAtBound: Bool { withShared { $0.queue.hasReachedBound } }

  private func tellRemoved() {
    withShared { shared in
      shared.queue.removed(diskBytes: segments.totalBytes)
      shared.segmentCount = segments.count
    }
  }

  private func finish() {
    segments.abandon()
    withShared { shared in
      shared.queue.stop()
      shared.hasFinished = true
      condition.broadcast()
    }
  }
}
