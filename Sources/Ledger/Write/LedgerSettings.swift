/// The writer's settings, most of them from flags.
package struct LedgerSettings: Sendable {
  /// `--durability`: when an admission counts.
  package var durability = Durability.durable
  /// A segment of this size is ended; see `segmentBytesDue` for a smaller bound.
  package var segmentBytesMax: Int64 = 64 << 20
  /// A segment of this age is ended.
  package var segmentAgeMax = Duration.seconds(86_400)
  /// `--retain`: a segment may be removed when its last record is older.
  package var retain = Duration.seconds(30 * 86_400)
  /// `--ledger-max-bytes`: the most bytes of all segments together; nil for no bound.
  package var ledgerBytesMax: Int64?
  /// The same as a percentage of what the segments have and what is free on their disk at the start;
  /// nil where it is given in bytes, or there is no bound.
  package var ledgerPercentMax: Int64?
  /// `--ledger-full`: what happens at the bound where nothing else may go.
  package var whenFull = WhenFull.refuse
  /// Whether records are shipped: then all segments are kept until `LedgerWriter.keep` says
  /// otherwise.
  package var isShipped = false
  /// The time from a failed attempt to open a segment to the next attempt.
  package var retryDelay = Duration.seconds(1)
  /// In relaxed mode, the longest time that a record waits to be written.
  package var relaxedWriteDelay = Duration.milliseconds(50)
  /// In relaxed mode, the longest time that a written record waits to be flushed.
  package var relaxedFlushDelay = Duration.seconds(1)

  /// The defaults of all flags.
  package init() {}

  /// The least number of segments that a ledger at its bound consists of. Only whole segments can
  /// be removed, so a segment must be much smaller than the bound.
  package static let segmentsInBound: Int64 = 8
  /// The smallest `ledgerBytesMax`: there must be room for checkpoints and for open exchanges too.
  package static let ledgerBytesMaxLeast = 1 << 20
  /// The shortest `retain`. 0 is not allowed, because it could be taken to mean "for ever".
  package static let retainLeast = Duration.seconds(1)

  /// The size at which a segment is ended: the smaller of `segmentBytesMax` and an eighth
  /// (`segmentsInBound`) of the ledger's bound.
  package var segmentBytesDue: Int64 {
    min(segmentBytesMax, ledgerBytesMax.map { $0 / Self.segmentsInBound } ?? .max)
  }
}

/// `--ledger-full`: what a ledger does at its bound where neither age nor shipping lets a segment go.
package enum WhenFull: String, Sendable, CaseIterable {
  /// Nothing is let through.
  case refuse
  /// The oldest segments go, whoever has them or not.
  case recycle
}

extension LedgerSettings {
  /// The default of `ledgerPercentMax`.
  package static let percentMaxDefault: Int64 = 80

  /// The room below the bound that removing segments keeps free: two segments'.
  var sparedBytes: Int64 { 2 * segmentBytesDue }

  /// The settings with the bound in bytes, where it is a percentage: of `usedBytes`, which the segments
  /// have, and what is free. There is no bound where the disk does not tell.
  func bounded(usedBytes: Int64, freeBytes: Int64?) -> LedgerSettings {
    guard let percent = ledgerPercentMax, let freeBytes else { return self }
    var settings = self
    let bytes = (Int128(usedBytes) + Int128(freeBytes)) * Int128(percent) / 100
    settings.ledgerBytesMax = max(Int64(Self.ledgerBytesMaxLeast), Int64(clamping: bytes))
    return settings
  }
}

/// The closures by which the writer tells the books and asks them. The writer's thread calls each
/// of them, without a lock.
package struct LedgerCallbacks: Sendable {
  /// A segment is due. Before it returns, it must take the books' lock and call
  /// `LedgerWriter.queueCheckpoint` once. The state given there must include every record that was
  /// enqueued before, and none that is enqueued later.
  package var checkpointDue: @Sendable () -> Void
  /// Every record up to this `seq` is on disk.
  package var durable: @Sendable (Int64) -> Void
  /// The admissions with these `seq` will never be on disk. Before it returns, it must give back
  /// under the books' lock what they reserved; no completion of theirs may be enqueued afterwards.
  package var failed: @Sendable ([Int64]) -> Void
  /// The ledger became unavailable, or available again.
  package var stateChanged: @Sendable (LedgerState) -> Void
  /// Returns the Unix milliseconds by which segments are old: a clock that has just been set ahead
  /// makes none older.
  package var wallMs: @Sendable () -> Int64
  /// A batch is on disk: the nanoseconds since it was taken from the queue; in relaxed mode, since
  /// its flush began.
  package var committed: @Sendable (Int64) -> Void = { _ in }
  /// Somebody else removed these segments, which were not the newest: counters lack nothing, but the
  /// records are gone.
  package var segmentsGone: @Sendable ([Segment]) -> Void = { _ in }
  /// Segments were removed before `--retain` had passed: a record of it must be enqueued.
  package var dropped: @Sendable (Drop) -> Void = { _ in }

  /// All but `committed`, `segmentsGone` and `dropped`, which do nothing unless they are set.
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

/// The ledger's sizes and counts, for metrics and pages.
package struct LedgerStatistics: Equatable, Sendable {
  /// Whether an admission would be taken now.
  package var state: LedgerState
  /// The `seq` of the next record.
  package var nextSeq: Int64
  /// The `seq` of the last record that is on disk.
  package var durableSeq: Int64
  /// An estimate of the bytes of all records that wait to be written.
  package var queuedBytes: Int
  /// How many records wait for the next segment, to be carried into it.
  package var carriedCount: Int
  /// How many records of denials and of the process were refused since the start.
  package var refusedCount: Int
  /// The size of all segments.
  package var diskBytes: Int64
  /// The bound of `diskBytes`; nil for none.
  package var diskBytesMax: Int64?
  /// How many bytes were written in the last hour; at a start, about how many in the last hour before.
  /// Nil where less than a minute is known.
  package var bytesPerHour: Int64?
  /// In how many hours nothing is let through any more if as much is written as in the last hour and
  /// targets that are behind take nothing; nil where that never comes, or is not known.
  package var hoursLeft: Double?
  /// The number of segments.
  package var segmentCount: Int
  /// How many flushes succeeded since the start.
  package var flushCount: Int
  /// How many writes and flushes failed since the start.
  package var failureCount: Int
}
