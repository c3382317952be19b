import Ledger

/// Records that are shipped together, oldest first. A value; times are the monotonic clock's.
package struct ShipBatch: Sendable {
  private var bounds: BatchBounds
  package private(set) var lines: [LedgerTail.Line] = []
  /// Bytes of the lines with their newlines.
  package private(set) var byteCount = 0
  /// When the first record came.
  private var sinceMs: Int64 = 0
  /// Records that would have been too much: the first of the next batches.
  private var heldOver: [LedgerTail.Line] = []

  package init(_ bounds: BatchBounds) { self.bounds = bounds }

  package var isEmpty: Bool { lines.isEmpty }
  package var lastSeq: Int64? { lines.last?.head.seq }

  /// Whether no other record is taken.
  package var isFull: Bool {
    !heldOver.isEmpty || lines.count >= bounds.recordsMax || byteCount >= bounds.bytesMax
  }

  /// Whether it is to be shipped, and when.
  package func work(nowMs: Int64) -> TargetMachine.Work {
    if isEmpty { return .none }
    let dueMs = sinceMs + bounds.ageMax.wholeMilliseconds
    return isFull || nowMs >= dueMs ? .ready : .waiting(untilMs: dueMs)
  }

  /// Takes the next record. Not to be called while it is full.
  package mutating func add(_ line: LedgerTail.Line, nowMs: Int64) {
    precondition(!isFull, "a full batch takes nothing")
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

  /// Begins the next batch.
  package mutating func next(nowMs: Int64) {
    lines = []
    byteCount = 0
    let waiting = heldOver
    heldOver = []
    for line in waiting {
      if isFull { heldOver.append(line) } else { add(line, nowMs: nowMs) }
    }
  }

  /// The receiver found it too large: its first part becomes the batch, and no later one is larger.
  /// Returns the new bound; nil, and nothing has changed, where the batch is one record or so small
  /// that its size is no reason.
  package mutating func shrink(nowMs: Int64) -> Int? {
    guard lines.count > 1, byteCount > ShippingLimits.shrunkBytesMin else { return nil }
    bounds.bytesMax = max(ShippingLimits.shrunkBytesMin, byteCount / 2)
    heldOver = lines + heldOver
    next(nowMs: nowMs)
    return bounds.bytesMax
  }
}

extension Duration {
  /// Whole milliseconds, cut off below.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
