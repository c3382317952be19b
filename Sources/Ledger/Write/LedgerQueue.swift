/// The records that wait to be written, and the numbers that they get. It has no clock and no file;
/// the writer guards it with its lock.
struct LedgerQueue {
  /// The state without the bounds, which `state` adds.
  private(set) var status = LedgerState.unavailable(.starting)
  /// Records that have their numbers and wait to be written.
  private(set) var entries: [LedgerRecord] = []
  /// Records to be written behind the next segment's checkpoint: those of failed batches, and those
  /// that came while there was no segment.
  private(set) var carried: [LedgerRecord] = []
  /// The number of the next record.
  private(set) var nextSeq: Int64
  /// The time of the last record that is not carried: on disk, or queued behind it.
  private(set) var lastTimeMs: Int64
  /// An estimate of the length of all lines in `entries` and `carried`.
  private(set) var queuedBytes = 0
  /// The same for records that are being written and are not in `diskBytes` yet.
  private(set) var writingBytes = 0
  /// The number of exchanges whose completion has not been queued.
  private(set) var openCount = 0
  /// How many records that nobody waits for (denials, records of the process) were refused.
  private(set) var refusedCount = 0
  /// The size of all segments on disk.
  private(set) var diskBytes: Int64
  /// The size of the last checkpoint.
  var checkpointBytes: Int64 = 0
  /// Whether a checkpoint is among the entries.
  private(set) var isBeginningSegment = false

  /// Who wrote what of late; empty where the ledger has no bound.
  private var shares = TenantShares()
  /// How many tenants share the ledger.
  var tenantCount = 1
  /// Whether segments can be removed before the bound is reached: then there is nothing to share.
  var mayShrink = false

  private let durability: Durability
  private let ledgerBytesMax: Int64?
  /// Request ids of admissions that failed and whose reservations the books have not given back
  /// yet.
  private var voided: Set<String> = []

  init(
    nextSeq: Int64, lastTimeMs: Int64 = 0, durability: Durability, ledgerBytesMax: Int64?,
    diskBytes: Int64
  ) {
    self.lastTimeMs = lastTimeMs
    self.diskBytes = diskBytes
    self.nextSeq = nextSeq
    self.durability = durability
    self.ledgerBytesMax = ledgerBytesMax
  }

  /// Whether an admission would be taken now.
  var state: LedgerState {
    guard status == .writable else { return status }
    if queuedBytes >= LedgerLimits.queueBytesMax { return .unavailable(.queueFull) }
    return hasReachedBound ? .unavailable(.ledgerFull) : .writable
  }

  /// The room below the bound, less what is kept free: below 0 where it is reached. Nil without a bound.
  var room: Int64? {
    guard let ledgerBytesMax else { return nil }
    return ledgerBytesMax - neededBytes
  }

  /// What there is on disk and in memory, and what is kept free for what must follow.
  private var neededBytes: Int64 {
    let reserved = Int64(openCount + 1) * Int64(LedgerLimits.completionBytesReserved)
    // Two more: the admission itself, and its copy in the next segment's checkpoint.
    return diskBytes + Int64(writingBytes + queuedBytes) + checkpointBytes + reserved
      + 2 * Int64(LedgerLimits.completionBytesReserved)
  }

  /// Whether, after one more admission, there would be too little room below the ledger's bound for
  /// the completions of all open exchanges.
  var hasReachedBound: Bool { hasReachedBound(sparing: 0) }

  /// The same if that many bytes more must stay free.
  func hasReachedBound(sparing sparedBytes: Int64) -> Bool {
    guard let room else { return false }
    return room < sparedBytes
  }

  /// Whether the ledger is fuller than `LedgerLimits.sharedFillPercent` of its bound, and nothing of
  /// it can be removed.
  var isCrowded: Bool {
    guard ledgerBytesMax != nil, !mayShrink else { return false }
    return hasReachedBound(sparing: sharedBytes)
  }

  /// Whether less than that is free below the bound, and there is something to remove.
  func wantsRoom(_ sparedBytes: Int64) -> Bool {
    mayShrink && hasReachedBound(sparing: sparedBytes)
  }

  /// The room of a ledger that is crowded: what tenants share equally.
  private var sharedBytes: Int64 {
    (ledgerBytesMax ?? 0) / 100 * (100 - LedgerLimits.sharedFillPercent)
  }

  /// Whether the ledger is crowded and takes nothing more of this tenant, which has had its share.
  /// Records of nobody's (refusals of unknown callers) have none.
  private func isOverShare(_ tenant: String?) -> Bool {
    guard isCrowded else { return false }
    guard let tenant else { return true }
    return shares.isOver(tenant, of: sharedBytes, among: tenantCount)
  }

  /// Takes a record, or refuses it:
  ///
  /// - an admission that was allowed, where `state` is unavailable, or its tenant is over its share;
  /// - a completion, never: room for it was kept free at its admission;
  /// - a denial, likewise, and where the ledger's bound is reached or the queue is full, because
  ///   anybody can cause any number of them;
  /// - a record of the process, where the queue is full; a `clock`, also where there is no segment to
  ///   write to, because the time may step only behind it;
  /// - every record, after `stop`.
  mutating func enqueue(_ body: LedgerRecord.Body, timeMs: Int64) -> Enqueued {
    if status == .unavailable(.stopped) { return .refused(.stopped) }
    switch body {
    case .admission(let admission) where admission.value.decision == .allow:
      if case .unavailable(let reason) = state { return .refused(reason) }
      if isOverShare(admission.value.tenant) { return .refused(.overShare) }
      openCount += 1
    case .completion(let completion):
      if voided.contains(completion.value.requestID) { return .carried }
      openCount -= 1
    case .admission, .denials:
      if hasReachedBound || isOverShare(body.tenant) {
        refusedCount += 1
        return .refused(hasReachedBound ? .ledgerFull : .overShare)
      }
      fallthrough
    case .start, .reload, .clock, .stop, .store, .threshold, .drop, .restore, .revoke:
      if case .clock = body, case .unavailable(let reason) = status, !isBeginningSegment {
        return .refused(reason)
      }
      if queuedBytes >= LedgerLimits.queueBytesMax {
        refusedCount += 1
        return .refused(.queueFull)
      }
    case .checkpoint, .repair: preconditionFailure("beginSegment queues a segment's head")
    }
    var record = LedgerRecord(seq: nextSeq, timeMs: timeMs, body: body)
    queuedBytes += record.estimatedBytes
    if ledgerBytesMax != nil { shares.wrote(record, isCrowded: isCrowded) }
    if status == .writable || isBeginningSegment {
      nextSeq += 1
      lastTimeMs = timeMs
      entries.append(record)
      return .queued(seq: record.seq)
    }
    record.isCarried = true
    carried.append(record)
    return .carried
  }

  /// Queues the head of a segment: its checkpoint, in a repaired ledger the repair, and the carried
  /// records, which the checkpoint's counters include. What is queued already belongs to the
  /// segment before.
  mutating func beginSegment(
    _ books: BooksState, timeMs: Int64, identity: LedgerIdentity, repair: Repair?
  ) {
    precondition(!isBeginningSegment, "one segment begins at a time")
    isBeginningSegment = true
    openCount = books.open.count
    if ledgerBytesMax != nil { shares.open(books.open) }
    // The previous hash is filled in when it is written.
    let checkpoint = Checkpoint(
      previousHash: Chain.origin, identity: identity, clockSinceMs: books.clockSinceMs,
      counters: books.counters, open: books.open, estimates: books.estimates,
      totals: books.totals, revoked: books.revoked)
    lastTimeMs = timeMs
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

  /// Notes that what was taken is on disk, except for `unacknowledged`, and the size of all
  /// segments.
  mutating func written(diskBytes: Int64, except unacknowledged: [LedgerRecord]) {
    self.diskBytes = diskBytes
    writingBytes = unacknowledged.reduce(0) { $0 + $1.estimatedBytes }
  }

  /// Notes the size of all segments after old ones were removed.
  mutating func removed(diskBytes: Int64) { self.diskBytes = diskBytes }

  /// Takes the next records to write: a segment's whole head; or records before one, about
  /// `LedgerLimits.batchBytesMax` of them.
  mutating func takeBatch() -> [LedgerRecord] {
    var count = 0
    var bytes = 0
    for record in entries {
      if case .checkpoint = record.body {
        // The repair and the carried records reach the disk together with the checkpoint that
        // includes them: all of these records, or none.
        if count == 0 { count = 1 + entries.dropFirst().prefix(while: \.belongsToHead).count }
        break
      }
      count += 1
      bytes += record.estimatedBytes
      if bytes >= LedgerLimits.batchBytesMax { break }
    }
    let batch: [LedgerRecord]
    if count == entries.count {
      batch = entries
      entries = []
    } else {
      batch = Array(entries[..<count])
      entries.removeFirst(count)
    }
    for record in batch {
      switch record.body {
      case .checkpoint, .repair: continue
      case .admission, .completion, .denials, .start, .reload, .clock, .stop, .store, .threshold,
        .drop, .restore, .revoke:
        queuedBytes -= record.estimatedBytes
        writingBytes += record.estimatedBytes
      }
    }
    return batch
  }

  /// Notes that the new segment's head is on disk.
  mutating func segmentBegan() {
    isBeginningSegment = false
    status = .writable
  }

  /// A write or flush failed: all records after `durableSeq`, which are `unacknowledged` and the
  /// entries, have no record on disk. Returns the `seq` of the admissions that fail; everything
  /// else is carried into the next segment.
  mutating func fail(
    _ fault: LedgerFault, unacknowledged: [LedgerRecord], durableSeq: Int64,
    durableTimeMs: Int64
  ) -> [Int64] {
    var failed: [Int64] = []
    let all = unacknowledged + entries
    entries = []
    for var record in all {
      switch record.body {
      case .checkpoint, .repair: continue
      case .admission(let admission)
      where admission.value.decision == .allow && durability == .durable && !record.isCarried:
        failed.append(record.seq)
        voided.insert(admission.value.requestID)
        continue
      case .completion(let completion) where voided.contains(completion.value.requestID): continue
      case .admission, .completion, .denials, .start, .reload, .clock, .stop, .store, .threshold,
        .drop, .restore, .revoke:
        break
      }
      record.isCarried = true
      carried.append(record)
    }
    writingBytes = 0
    queuedBytes = carried.reduce(0) { $0 + $1.estimatedBytes }
    nextSeq = durableSeq + 1
    lastTimeMs = durableTimeMs
    isBeginningSegment = false
    status = .unavailable(.failed(fault))
    return failed
  }

  /// Notes that the books have given back what failed admissions had reserved.
  mutating func failedAreUndone() { voided = [] }

  /// Refuses every record from now on.
  mutating func stop() { status = .unavailable(.stopped) }
}

extension LedgerRecord.Body {
  /// Whose refusals it records.
  fileprivate var tenant: String? {
    switch self {
    case .admission(let admission): admission.value.tenant
    case .denials(let denials): denials.tenant
    case .completion, .start, .reload, .checkpoint, .clock, .repair, .stop, .store, .threshold,
      .drop, .restore, .revoke:
      nil
    }
  }
}

extension LedgerRecord {
  /// Whether it belongs to a segment's head, behind the checkpoint.
  fileprivate var belongsToHead: Bool {
    if case .repair = body { return true }
    return isCarried
  }
}
