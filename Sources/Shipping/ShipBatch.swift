import Bytes
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

  /// Some record of the batch is refused: its first half becomes the batch, and the second half begins
  /// the next one. Not with one record.
  package mutating func halve() {
    precondition(lines.count > 1, "one record is not halved")
    let half = lines.count / 2
    heldOver = lines[half...] + heldOver
    lines.removeLast(lines.count - half)
    byteCount = lines.reduce(0) { $0 + $1.bytes.count + 1 }
  }

  /// The receiver has refused the batch because of its size: its first half becomes the batch, and
  /// no later batch is larger. Returns the new limit. Not with one record, nor with so few bytes
  /// that their number cannot be the reason.
  package mutating func shrink(nowMs: Int64) -> Int {
    precondition(
      lines.count > 1 && byteCount > ShippingLimits.shrunkBytesMin, "it can be halved")
    bounds.bytesMax = max(ShippingLimits.shrunkBytesMin, byteCount / 2)
    heldOver = lines + heldOver
    next(nowMs: nowMs)
    return bounds.bytesMax
  }
}
