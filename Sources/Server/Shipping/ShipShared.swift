import Bytes
import Metrics
import Shipping

/// What a target's thread shares with other threads: how it is woken and told to end, and the
/// numbers that it publishes.
///
/// Any thread: a lock guards the values.
final class ShipShared: Sendable {
  /// The values under the lock.
  struct Values {
    var statistics: ShipStatistics
    /// Whether a new record is worth waking the thread.
    var isAsleep = false
    /// When the thread must have ended, on the monotonic clock; nil until it is told to end.
    var stopByMs: Int64?
    /// The time of the oldest record that is not acknowledged, where one has been read.
    var oldestMs: Int64?
    var hasEnded = false
  }

  /// Readable when the thread is to look at `values`, or at the ledger's end, again.
  let wakeEvent: Descriptor
  let values: Locked<Values>

  /// For a target that has acknowledged the records up to `cursor`. Throws where the process has no
  /// descriptor left.
  init(_ target: ShipTarget, cursor: Int64) throws(SystemError) {
    wakeEvent = try Kernel.createEvent()
    var statistics = ShipStatistics(target: target.description, state: .idle)
    statistics.acknowledgedSeq = cursor
    values = Locked(Values(statistics: statistics))
  }
}
