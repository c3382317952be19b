/// What waits to be written, and the numbers it has. A value without clock or file: the writer keeps
/// it under its lock.
struct LedgerQueue {
  private(set) var status = LedgerState.unavailable(.starting)
  private(set) var entries: [LedgerRecord] = []
  /// Records of failed batches, and what came while there was no segment.
  private(set) var carried: [LedgerRecord] = []
  private(set) var nextSeq: Int64
  /// An estimate of what `entries` and `carried` will take.
  private(set) var queuedBytes = 0
  /// The same of records that were taken to be written and are not in `diskBytes` yet.
  private(set) var writingBytes = 0
  /// Exchanges whose completion is still to come.
  private(set) var openCount = 0
  /// Records that were refused although nobody waited for them.
  private(set) var refusedCount = 0
  /// What the segments on disk take, and what the last checkpoint took.
  private(set) var diskBytes: Int64
  var checkpointBytes: Int64 = 0
  /// Whether a checkpoint is among the entries.
  private(set) var isBeginningSegment = false

  private let durability: Durability
  private let ledgerBytesMax: Int64?
  /// Admissions that failed and that the books have not undone yet.
  private var voided: Set<String> = []

  init(nextSeq: Int64, durability: Durability, ledgerBytesMax: Int64?, diskBytes: Int64) {
    self.diskBytes = diskBytes
    self.nextSeq = nextSeq
    self.durability = durability
    self.ledgerBytesMax = ledgerBytesMax
  }

  /// The state as an admission meets it.
  var state: LedgerState {
    guard status == .writable else { return status }
    if queuedBytes >= LedgerLimits.queueBytesMax { return .unavailable(.queueFull) }
    return hasReachedBound ? .unavailable(.ledgerFull) : .writable
  }

  /// Whether one more exchange would leave too little room below the ledger's bound for what is open.
  var hasReachedBound: Bool { hasReachedBound(sparing: 0) }

  /// The same where so many bytes more are to stay free.
  func hasReachedBound(sparing sparedBytes: Int64) -> Bool {
    guard let ledgerBytesMax else { return false }
    let reserved = Int64(openCount + 1) * Int64(LedgerLimits.completionBytesReserved)
    // The admission itself, and the next segment's checkpoint with it in its list.
    let needed =
      diskBytes + Int64(writingBytes + queuedBytes) + checkpointBytes + reserved
      + 2 * Int64(LedgerLimits.completionBytesReserved)
    return needed + sparedBytes > ledgerBytesMax
  }

  /// Takes a record. An allowed exchange is refused unless it can be written; a completion never is,
  /// because its admission bounded it; a denial when there is no room for it, of which strangers can
  /// make many; what the process itself did only when the queue is full.
  mutating func enqueue(_ body: LedgerRecord.Body, timeMs: Int64) -> Enqueued {
    if status == .unavailable(.stopped) { return .refused(.stopped) }
    switch body {
    case .admission(let admission) where admission.decision == .allow:
      if case .unavailable(let reason) = state { return .refused(reason) }
      openCount += 1
    case .completion(let completion):
      if voided.contains(completion.requestID) { return .carried }
      openCount -= 1
    case .admission, .denials:
      if hasReachedBound {
        refusedCount += 1
        return .refused(.ledgerFull)
      }
      fallthrough
    case .start, .reload, .clock, .stop, .drop:
      if queuedBytes >= LedgerLimits.queueBytesMax {
        refusedCount += 1
        return .refused(.queueFull)
      }
    case .checkpoint, .repair: preconditionFailure("a segment's head comes by beginSegment")
    }
    var record = LedgerRecord(seq: nextSeq, timeMs: timeMs, body: body)
    queuedBytes += record.estimatedBytes
    if status == .writable || isBeginningSegment {
      nextSeq += 1
      entries.append(record)
      return .queued(seq: record.seq)
    }
    record.isCarried = true
    carried.append(record)
    return .carried
  }

  /// Begins a segment: everything queued so far is before it, everything later behind it. What was
  /// carried comes right behind the checkpoint, which has it in its counters.
  mutating func beginSegment(_ books: BooksState, timeMs: Int64, repair: Repair?) {
    precondition(!isBeginningSegment, "one segment begins at a time")
    isBeginningSegment = true
    openCount = books.open.count
    // Its previous hash is known when it is written.
    let checkpoint = Checkpoint(
      previousHash: Chain.origin, counters: books.counters, open: books.open,
      estimates: books.estimates)
    append(LedgerRecord(seq: 0, timeMs: timeMs, body: .checkpoint(checkpoint)))
    if let repair { append(LedgerRecord(seq: 0, timeMs: timeMs, body: .repair(repair))) }
    for record in carried { append(record) }
    carried = []
  }

  private mutating func append(_ record: LedgerRecord) {
    var record = record
    record.seq = nextSeq
    nextSeq += 1
    entries.append(record)
  }

  /// What was taken is in the segments, of `diskBytes` by now, except for `unacknowledged`.
  mutating func written(diskBytes: Int64, except unacknowledged: [LedgerRecord]) {
    self.diskBytes = diskBytes
    writingBytes = unacknowledged.reduce(0) { $0 + $1.estimatedBytes }
  }

  /// Old segments went.
  mutating func removed(diskBytes: Int64) { self.diskBytes = diskBytes }

  /// The next records to write: a segment's head, or what comes before one, about a batch of it.
  mutating func takeBatch() -> [LedgerRecord] {
    var count = 0
    var bytes = 0
    for record in entries {
      if case .checkpoint = record.body {
        // What is carried, and a repair, go to disk in one piece with the checkpoint that has them
        // in its counters: all of it is there, or none.
        if count == 0 { count = 1 + entries.dropFirst().prefix(while: \.belongsToHead).count }
        break
      }
      count += 1
      bytes += record.estimatedBytes
      if bytes >= LedgerLimits.batchBytesMax { break }
    }
    let batch = Array(entries[..<count])
    entries.removeFirst(count)
    for record in batch {
      switch record.body {
      case .checkpoint, .repair: continue
      case .admission, .completion, .denials, .start, .reload, .clock, .stop, .drop:
        queuedBytes -= record.estimatedBytes
        writingBytes += record.estimatedBytes
      }
    }
    return batch
  }

  /// The new segment's checkpoint is on disk.
  mutating func segmentBegan() {
    isBeginningSegment = false
    status = .writable
  }

  /// Nothing after `durableSeq` counts: `unacknowledged` was being written, the rest is still here.
  /// Returns the admissions that fail; everything else is carried into the next segment.
  mutating func fail(
    _ fault: LedgerFault, unacknowledged: [LedgerRecord], durableSeq: Int64
  ) -> [Int64] {
    var failed: [Int64] = []
    let all = unacknowledged + entries
    entries = []
    for var record in all {
      switch record.body {
      case .checkpoint, .repair: continue
      case .admission(let admission)
      where admission.decision == .allow && durability == .durable && !record.isCarried:
        failed.append(record.seq)
        voided.insert(admission.requestID)
        continue
      case .completion(let completion) where voided.contains(completion.requestID): continue
      case .admission, .completion, .denials, .start, .reload, .clock, .stop, .drop: break
      }
      record.isCarried = true
      carried.append(record)
    }
    writingBytes = 0
    queuedBytes = carried.reduce(0) { $0 + $1.estimatedBytes }
    nextSeq = durableSeq + 1
    isBeginningSegment = false
    status = .unavailable(.failed(fault))
    return failed
  }

  /// The books have undone what failed.
  mutating func failedAreUndone() { voided = [] }

  mutating func stop() { status = .unavailable(.stopped) }
}

extension LedgerRecord {
  /// Whether a segment's head holds it, behind the checkpoint.
  fileprivate var belongsToHead: Bool {
    if case .repair = body { return true }
    return isCarried
  }
}
