/// What flags decide about the writer.
package struct LedgerSettings: Sendable {
  package var durability = Durability.durable
  /// A segment of that size is ended, or of one of `segmentsInBound` parts of the ledger's bound.
  package var segmentBytesMax: Int64 = 64 << 20
  /// So is one of that age.
  package var segmentAgeMax = Duration.seconds(86_400)
  /// Segments whose last record is older may go.
  package var retain = Duration.seconds(30 * 86_400)
  /// The bound of all segments together; nil for none.
  package var ledgerBytesMax: Int64?
  /// Whether someone ships the records: then everything is kept until `LedgerWriter.keep` says less.
  package var isShipped = false
  /// How long after a failed attempt the next one is made to open a segment.
  package var retryDelay = Duration.seconds(1)
  /// How long a record may wait to be written in relaxed mode, and a written one to be flushed.
  package var relaxedWriteDelay = Duration.milliseconds(50)
  package var relaxedFlushDelay = Duration.seconds(1)

  package init() {}

  /// How many segments fill the ledger's bound at least: only whole segments can go.
  package static let segmentsInBound: Int64 = 8
  /// The smallest `ledgerBytesMax`: checkpoints, and the room for what is open, must fit as well.
  package static let ledgerBytesMaxLeast = 1 << 20
  /// The shortest `retain`; none at all would look like "for ever".
  package static let retainLeast = Duration.seconds(1)

  /// The size at which a segment is ended.
  package var segmentBytesDue: Int64 {
    min(segmentBytesMax, ledgerBytesMax.map { $0 / Self.segmentsInBound } ?? .max)
  }
}

/// How the writer's thread reaches the books. Each is called on that thread, with no lock held.
package struct LedgerCallbacks: Sendable {
  /// A segment is due: under the books' lock, call `LedgerWriter.queueCheckpoint` once, before
  /// returning. Everything enqueued before is in the state given there, nothing later is.
  package var checkpointDue: @Sendable () -> Void
  /// Every record up to that number is on disk.
  package var durable: @Sendable (Int64) -> Void
  /// These admissions are not on record and never will be: answer 503 and undo them, under the
  /// books' lock, before returning; enqueue no completion for them afterwards.
  package var failed: @Sendable ([Int64]) -> Void
  /// The ledger went out of order or came back.
  package var stateChanged: @Sendable (LedgerState) -> Void
  /// The wall clock's Unix milliseconds, for retention.
  package var wallMs: @Sendable () -> Int64
  /// A batch took so many nanoseconds from being taken until it was on disk.
  package var committed: @Sendable (Int64) -> Void = { _ in }

  package init(
    checkpointDue: @escaping @Sendable () -> Void,
    durable: @escaping @Sendable (Int64) -> Void,
    failed: @escaping @Sendable ([Int64]) -> Void,
    stateChanged: @escaping @Sendable (LedgerState) -> Void,
    wallMs: @escaping @Sendable () -> Int64
  ) {
    self.checkpointDue = checkpointDue
    self.durable = durable
    self.failed = failed
    self.stateChanged = stateChanged
    self.wallMs = wallMs
  }
}

/// The ledger in numbers, for metrics and pages.
package struct LedgerStatistics: Equatable, Sendable {
  package var state: LedgerState
  package var nextSeq: Int64
  package var durableSeq: Int64
  package var queuedBytes: Int
  package var carriedCount: Int
  package var refusedCount: Int
  package var diskBytes: Int64
  /// The bound of that; nil for none.
  package var diskBytesMax: Int64?
  package var segmentCount: Int
  package var flushCount: Int
  package var failureCount: Int
}
