import Bytes
import Foundation
import Ledger
import Log
import Metrics
import Shipping

/// Ships the ledger's records to every target, each on a thread of its own, and tells the ledger
/// which segments are still needed.
///
/// Any thread.
package final class Shipper: Sendable {
  private let threads: [ShipThread]

  /// Reads the cursors and starts a thread for each target. The ledger must be open, and removes no
  /// segment until this has told it which ones are needed (`LedgerSettings.isShipped`).
  package init(
    _ targets: [ShipTarget], directory: String, source: ShipSource, version: String,
    log: Logger
  ) throws {
    let files = try DirectoryFiles.creating(path: directory + "/" + CursorFiles.directoryName)
    let cursors = CursorFiles(files)
    let resource = OTLPResource(
      version: version,
      instanceID: try cursors.instanceID(random: try Kernel.randomBytes(count: 16)))
    let places = try targets.map { target in
      try Self.start(of: target, cursors: cursors, source: source, log: log)
    }
    let kept = Kept(targets: targets, seqs: places)
    source.keep(kept.segments)
    let keptByTargets = Locked(kept)
    threads = try targets.enumerated().map { index, target in
      let shared = try ShipShared(target, cursor: places[index])
      let store = ShipStore(cursors: cursors, setAside: SetAside(files)) { seq in
        // `keep` is called under the lock, so that the ledger gets the numbers in their order.
        keptByTargets.withLock { kept in
          kept.seqs[index] = seq
          source.keep(kept.segments)
        }
      }
      let loop = ShipLoop(
        target, cursor: places[index], source: source, store: store,
        sink: Self.sink(target, resource), shared: shared, log: log)
      return ShipThread(source: source, shared: shared, loop: Handover(loop))
    }
    for thread in threads { thread.start() }
  }

  /// New records are on disk. Cheap, because the ledger's thread calls it.
  package func wake() {
    for thread in threads { thread.wake() }
  }

  /// The numbers of every target, as of now.
  package var statistics: [ShipStatistics] {
    let wallMs = UnixTime.now().milliseconds
    return threads.map { $0.statistics(wallMs: wallMs) }
  }

  /// Ships what is on disk and ends the threads; returns within about `limit`. The cursors stay for
  /// the next start.
  package func finish(within limit: Duration = ShippingLimits.lastAttempt) {
    let end = SystemClock.monotonicNanoseconds() / 1_000_000 + limit.wholeMilliseconds
    for thread in threads { thread.stop(byMs: end) }
    // A thread that still waits for a name server then is left behind: it ends with the process.
    while threads.contains(where: { !$0.hasEnded }),
      SystemClock.monotonicNanoseconds() / 1_000_000 < end + Self.graceMs
    {
      Thread.sleep(forTimeInterval: 0.005)
    }
  }

  /// How much longer than `limit` the threads' ends are waited for.
  private static let graceMs: Int64 = 200

  static func sink(_ target: ShipTarget, _ resource: OTLPResource) -> any ShipSink {
    switch target.place {
    case .otlp, .otlpUnix:
      OTLPSink(target, resource: resource, wallNanoseconds: { SystemClock.wallNanoseconds() })
    case .tcp: LinesSink(target)
    case .standardOutput: StandardOutputSink()
    }
  }

  /// The last record that a target has, by its cursor. A target without a usable cursor gets all
  /// that the ledger still has.
  private static func start(
    of target: ShipTarget, cursors: CursorFiles, source: ShipSource, log: Logger
  ) throws -> Int64 {
    let oldest = (try LedgerTail.oldestSeq(source.files) ?? LedgerFormat.firstSeq) - 1
    switch cursors.read(target.description) {
    case .cursor(let cursor) where cursor.seq <= source.end()?.seq ?? 0: return cursor.seq
    case .cursor(let cursor):
      log.shipBegan(
        target, because: "its cursor is at record \(cursor.seq), which the ledger does not have")
    case .unusable(let file, let why):
      log.shipBegan(target, because: "its cursor \(file) cannot be used, \(why)")
    case .none: log.shipBegan(target, because: nil)
    }
    try cursors.write(ShipCursor(target: target.description, seq: oldest))
    return oldest
  }

  /// The last record that each target has, and which segments are needed because of that.
  private struct Kept {
    let targets: [ShipTarget]
    var seqs: [Int64]

    var segments: SegmentsKept {
      // What a target has, or may lose, goes at the bound. Standard output keeps nothing.
      let mayGo = targets.contains { $0.place != .standardOutput || $0.onFull == .drop }
      var kept = SegmentsKept(fromSeq: .max, atBoundFromSeq: mayGo ? .max : 0)
      for (target, seq) in zip(targets, seqs) {
        kept.fromSeq = min(kept.fromSeq, seq + 1)
        if target.onFull == .hold { kept.atBoundFromSeq = min(kept.atBoundFromSeq, seq + 1) }
      }
      return kept
    }
  }
}
