import Bytes

/// What the writer's thread does: `run` is its body, and all the rest is called from there.
extension LedgerWriter {
  /// The time between two looks for segments that may be removed.
  private static let retentionInterval = Duration.seconds(60)
  /// The time between two looks whether the files are still there.
  private static let lookInterval = Duration.seconds(1)
  /// The same while the ledger's bound is reached, or tenants share what is left.
  private static let retentionIntervalAtBound = Duration.seconds(1)

  private enum Step {
    case open(isLast: Bool)
    case rotate
    case write([LedgerRecord])
    case flush
    case retain
    case look
    case finish
  }

  /// Writes records until the writer is stopped.
  func run() {
    while true {
      switch waitForStep() {
      case .open(let isLast):
        open()
        if isLast, !segments.isOpen { return finish() }
      case .rotate: askForCheckpoint()
      case .write(let batch): write(batch)
      case .flush: attempt { () throws(LedgerFault) in try self.flushSegment() }
      case .retain: retain()
      case .look: look()
      case .finish: return finish()
      }
    }
  }

  /// Sleeps until there is something to do, and returns what it is.
  private func waitForStep() -> Step {
    condition.lock()
    defer { condition.unlock() }
    while true {
      let now = ContinuousClock.now
      var wake = nextRetention
      if shared.wantsRoom { return .retain }
      if shared.knowsBound { wake = min(wake, lastRetention + Self.retentionIntervalAtBound) }
      if wake <= now { return .retain }
      if nextLook <= now { return .look }
      wake = min(wake, nextLook)
      if !segments.isOpen, !shared.queue.isBeginningSegment {
        if shared.isStopping {
          let isInOrder = shared.queue.carried.isEmpty && !mayHaveVoidBytes
          return isInOrder ? .finish : .open(isLast: true)
        }
        if nextAttempt <= now { return .open(isLast: false) }
        wake = min(wake, nextAttempt)
      }
      // Flushes and rotations that are due come before writes: under load there is always something
      // to write, and they would never be done.
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
      _ = condition.wait(for: wake - now)
    }
  }

  /// Whether to write at once, without waiting for more records.
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
    // Where a checkpoint is larger than the size of a segment, each segment would be full as soon
    // as it begins; so a segment may be at least twice as large as its checkpoint.
    let bytesMax = max(settings.segmentBytesDue, 2 * segments.checkpointBytes)
    return shared.asksForSegment || segments.openBytes >= bytesMax
      || now >= segmentBegan + settings.segmentAgeMax
  }

  /// Asks the books for a checkpoint of their state: they call `queueCheckpoint` before this returns.
  private func askForCheckpoint() { callbacks.checkpointDue() }

  /// Queues the checkpoint of a new segment, behind all records that were enqueued before. Call it
  /// only from `LedgerCallbacks.checkpointDue`, on this thread and under the books' lock; `timeMs`
  /// is the ledger's time at this moment.
  package func queueCheckpoint(_ books: BooksState, timeMs: Int64) {
    withShared { shared in
      shared.asksForSegment = false
      shared.queue.beginSegment(
        books, timeMs: timeMs, identity: shared.identity, repair: repair)
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
    if unacknowledged.isEmpty { unacknowledged = batch } else { unacknowledged += batch }
    if settings.durability == .durable { batchTaken = .now }
    attempt { () throws(LedgerFault) in
      lines.removeAll(keepingCapacity: true)
      var count = 0
      for record in batch {
        let start = lines.count
        record.append(to: &lines, through: &line)
        let lineBytes = lines.count - start + LedgerFormat.sealBytes + 1
        // Never leave more than a batch unflushed: readers rely on this bound of what a crash can
        // tear.
        let unflushed = unflushedBytes + start
        let isOver = unflushed + lineBytes > LedgerLimits.batchBytesMax
        if unflushed > 0, isOver || record.isAlone {
          let last = Array(lines[start...])
          lines.removeSubrange(start...)
          try append(lines, count: count)
          try flushSegment()
          (lines, count) = (last, 0)
        }
        chain.seal(&lines, from: lines.count - lineBytes + LedgerFormat.sealBytes + 1)
        count += 1
      }
      try append(lines, count: count)
      if settings.durability == .durable { try flushSegment() }
    }
  }

  private func append(_ bytes: [UInt8], count: Int) throws(LedgerFault) {
    try segments.append(bytes)
    rate.wrote(bytes.count, minute: minute)
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

  /// Notes that all that was written is on disk, and tells the books.
  private func acknowledge() {
    let seq = unacknowledged[writtenCount - 1].seq
    let timeMs = unacknowledged[..<writtenCount].last { !$0.isCarried }?.timeMs
    if writtenCount == unacknowledged.count {
      unacknowledged = []
    } else {
      unacknowledged.removeFirst(writtenCount)
    }
    writtenCount = 0
    unflushedBytes = 0
    unflushedSince = nil
    durableChain = chain
    sayCommitted()
    withShared { shared in
      shared.durableSeq = seq
      if let timeMs { shared.durableTimeMs = timeMs }
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

  /// Begins a segment with `head`: its checkpoint, in a repaired ledger the repair, and carried
  /// records.
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
      // From here on, `fail` must carry these records, or they would be lost.
      unacknowledged = head
      try segments.begin(
        Segment(firstSeq: head[0].seq), timeMs: head[0].timeMs, head: bytes,
        checkpointBytes: checkpointBytes)
      rate.wrote(bytes.count, minute: minute)
      repair = nil
      mayHaveVoidBytes = false
      segmentBegan = .now
      nextRetention = .now
      writtenCount = head.count
      withShared { shared in
        shared.queue.segmentBegan()
        shared.identityOnDisk = checkpoint.identity
      }
      acknowledge()
    }
    if !wasWritable, segments.isOpen { callbacks.stateChanged(.writable) }
  }

  private func attempt(_ body: () throws(LedgerFault) -> Void) {
    do { try body() } catch { fail(error) }
  }

  /// Stops writing to the segment for ever: what is not acknowledged of it becomes void. Tells the
  /// books which admissions failed.
  private func fail(_ fault: LedgerFault) {
    if segments.isOpen { mayHaveVoidBytes = true }
    segments.abandon()
    chain = durableChain
    let failed = withShared { shared in
      let failed = shared.queue.fail(
        fault, unacknowledged: unacknowledged, durableSeq: shared.durableSeq,
        durableTimeMs: shared.durableTimeMs)
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

  /// The minutes since the writer was made.
  private var minute: Int { Int((ContinuousClock.now - began) / .seconds(60)) }

  /// Removes segments that are older than `retain` and that no shipping target needs. Where little room
  /// is left below the ledger's bound, it also removes, oldest first and no more than necessary, those
  /// that `SegmentsKept.atBoundFromSeq` lets go, and with `--ledger-full recycle` any. It runs whenever
  /// a segment begins and whenever room gets short, so the bound is not reached while something may go.
  private func retain() {
    lastRetention = .now
    nextRetention = lastRetention + Self.retentionInterval
    let retainMs = Int64(settings.retain / .milliseconds(1))
    let keep = withShared { shared in
      shared.wantsRoom = false
      return shared.keep
    }
    let nowMs = callbacks.wallMs()
    let before = nowMs - retainMs
    var removed =
      segments.removeOlder(than: before, asOf: max(nowMs, before), keepFromSeq: keep.fromSeq) != nil
    if removed { tellRemoved() }
    // These segments go whatever their age: a wish to keep them must not stop the gateway.
    let mayGoFromSeq = mayGoFromSeq(keep)
    // A checkpoint may be larger than a segment should be.
    let spared = min(
      max(settings.sparedBytes, 4 * segments.checkpointBytes), (settings.ledgerBytesMax ?? 0) / 2)
    var drops: [Drop] = []
    while withShared({ $0.queue.hasReachedBound(sparing: spared) }),
      let gone = segments.removeOlder(than: .max, keepFromSeq: mayGoFromSeq, limit: 1)
    {
      removed = true
      tellRemoved()
      drops.add(gone, keep.isDelivered(upTo: gone.upperBound) ? .delivered : .full)
    }
    if removed { segments.synchronizeNames() }
    for drop in drops { callbacks.dropped(drop) }
    let mayShrink = segments.mayRemove(keepFromSeq: mayGoFromSeq)
    withShared { shared in
      shared.queue.mayShrink = mayShrink
      shared.knowsBound = shared.queue.hasReachedBound || shared.queue.isCrowded
    }
  }

  /// At the bound, segments before this record go whatever their age.
  private func mayGoFromSeq(_ keep: SegmentsKept) -> Int64 {
    switch settings.whenFull {
    case .refuse: keep.atBoundFromSeq
    case .recycle: .max
    }
  }

  /// Tells how fast the ledger grows, and how long that can go on.
  private func measure() {
    guard let perHour = rate.bytesPerHour(minute: minute) else { return }
    let nowMs = callbacks.wallMs()
    let retainMs = Int64(settings.retain / .milliseconds(1))
    withShared { shared in
      shared.bytesPerHour = perHour
      shared.hoursLeft = shared.queue.room.flatMap { room in
        segments.hoursLeft(
          room: room, bytesPerHour: perHour, keep: shared.keep,
          mayGoFromSeq: mayGoFromSeq(shared.keep), retainMs: retainMs, nowMs: nowMs)
      }
    }
  }

  /// Notices what nobody else says: that the lock file or segments were removed or replaced.
  private func look() {
    nextLook = .now + Self.lookInterval
    measure()
    if segments.isOpen {
      attempt { () throws(LedgerFault) in try self.segments.checkPlace() }
    }
    let gone = segments.forgetMissing()
    guard !gone.isEmpty else { return }
    tellRemoved()
    callbacks.segmentsGone(gone)
  }

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

extension LedgerRecord {
  /// Whether it is written only when everything before it is on disk. With that, a line before a
  /// `stop` that does not fit is damage, and not left by a crash (`LedgerFormat`).
  fileprivate var isAlone: Bool {
    if case .stop = body { return true }
    return false
  }
}

extension [Drop] {
  /// Adds records that have gone, behind those before.
  fileprivate mutating func add(_ gone: Range<Int64>, _ reason: Drop.Reason) {
    let drop = Drop(reason, firstSeq: gone.lowerBound, lastSeq: gone.upperBound - 1)
    guard let last, last.reason == reason else { return append(drop) }
    self[count - 1].lastSeq = drop.lastSeq
  }
}
