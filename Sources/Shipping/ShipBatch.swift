import Ledger

/// Records that are shipped together, oldest first. A value; times are milliseconds of the
/// monotonic clock.
package struct ShipBatch: Sendable {
  private var bounds: BatchBounds
  /// The records' lines.
  package private(set) var lines: [LedgerTail.Line] = []
  /// The length of all lines with their newlines.
  package private(set) var byteCount = 0
  /// When the first record was added.
  private var sinceMs: Int64 = 0
  /// Records that did not fit: they begin the next batches.
  private var heldOver: [LedgerTail.Line] = []

  /// An empty batch.
  package init(_ bounds: BatchBounds) { self.bounds = bounds }

  /// Whether it has no record.
  package var isEmpty: Bool { lines.isEmpty }
  /// The number of its last record.
  package var lastSeq: Int64? { lines.last?.head.seq }

  /// Whether it takes no more records.
  package var isFull: Bool {
    !heldOver.isEmpty || lines.count >= bounds.recordsMax || byteCount >= bounds.bytesMax
  }

  /// Whether it is to be shipped, or when it will be.
  package func work(nowMs: Int64) -> TargetMachine.Work {
    if isEmpty { return .none }
    let dueMs = sinceMs + bounds.ageMax.wholeMilliseconds
    return isFull || nowMs >= dueMs ? .ready : .waiting(untilMs: dueMs)
  }

  /// Adds the next record. Not while it is full.
  package mutating func add(_ line: LedgerTail.Line, nowMs: Int64) {
    precondition(!isFull, "a full batch takes no more records")
    let size = line.bytes.count + 1
    if lines.isEmpty {
      sinceMs = nowMs
    } else if byteCount + size > bounds.bytesMax {
      heldOver.append(line)
      return
    }
    lines.append(line)
    byteCount += size
  }

  /// Drops the records, which were shipped, and begins the next batch.
  package mutating func next(nowMs: Int64) {
    lines = []
    byteCount = 0
    let waiting = heldOver
    heldOver = []
    for line in waiting {
      if isFull { heldOver.append(line) } else { add(line, nowMs: nowMs) }
    }
  }

  /// The receiver has refused the batch because of its size: its first half becomes the batch, and
  /// no later batch is larger. Returns the new limit. nil, and nothing has changed, where the batch
  /// is one record, or is so small that its size cannot be the reason.
  package mutating func shrink(nowMs: Int64) -> Int? {
    guard lines.count > 1, byteCount > ShippingLimits.shrunkBytesMin else { return nil }
    bounds.bytesMax = max(ShippingLimits.shrunkBytesMin, byteCount / 2)
    heldOver = lines + heldOver
    next(nowMs: nowMs)
    return bounds.bytesMax
  }
}

extension Duration {
  /// The whole milliseconds, rounded towards zero.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
