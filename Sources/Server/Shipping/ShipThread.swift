import Bytes
import Foundation
import Ledger
import Metrics

/// The thread that ships to one target: starts it, wakes it, ends it, and reads its numbers.
///
/// Any thread. Its own thread owns the `ShipLoop`.
final class ShipThread: Sendable {
  private let source: ShipSource
  private let shared: ShipShared
  private let loop: Handover<ShipLoop>

  /// A thread that takes `loop` when it is started; both have the same `shared`.
  init(source: ShipSource, shared: ShipShared, loop: Handover<ShipLoop>) {
    self.source = source
    self.shared = shared
    self.loop = loop
  }

  /// Starts the thread. Once.
  func start() {
    let thread = Thread { [loop] in loop.take().run() }
    thread.name = "ship"
    thread.start()
  }

  /// New records are on disk.
  func wake() {
    let isAsleep = shared.values.withLock { values in
      defer { values.isAsleep = false }
      return values.isAsleep
    }
    if isAsleep { Kernel.signal(shared.wakeEvent) }
  }

  /// Has the thread ship what is on disk and then end, at the latest at `byMs` on the monotonic
  /// clock.
  func stop(byMs: Int64) {
    shared.values.withLock { $0.stopByMs = byMs }
    Kernel.signal(shared.wakeEvent)
  }

  /// Whether the thread is over.
  var hasEnded: Bool { shared.values.withLock { $0.hasEnded } }

  /// The numbers, as of now.
  func statistics(wallMs: Int64) -> ShipStatistics {
    let endSeq = source.end()?.seq ?? 0
    return shared.values.withLock { values in
      var statistics = values.statistics
      statistics.lagRecords = max(0, endSeq - statistics.acknowledgedSeq)
      if statistics.lagRecords > 0, let oldestMs = values.oldestMs {
        statistics.lagSeconds = max(0, Double(wallMs - oldestMs) / 1000)
      }
      return statistics
    }
  }
}
