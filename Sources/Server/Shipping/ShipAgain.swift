import Bytes
import Ledger
import Log
import Metrics
import Shipping

/// Ships records of a ledger again, by hand, with the code that `serve` ships with. It changes nothing
/// on disk: no cursor moves, and nothing is set aside.
///
/// On the thread that calls it, which returns when all is shipped or the receiver does not take it.
package struct ShipAgain {
  /// What came of it.
  package struct Outcome: Equatable, Sendable {
    /// The records that were to be shipped; nil where there are none.
    package var range: ClosedRange<Int64>?
    /// How many the receiver has, and how many it refused, each by itself.
    package var shipped: Int64 = 0
    package var rejected: Int64 = 0
    /// How many are not in the ledger any more, and how many do not fit its chain.
    package var missing: Int64 = 0
    package var damaged: Int64 = 0
    /// The last error; nil where there was none.
    package var lastError: String?

    /// Whether the receiver has every one of them.
    package var isComplete: Bool { range.map { shipped == Int64($0.count) } ?? true }
  }

  private let target: ShipTarget
  private let files: DirectoryFiles
  private let resource: OTLPResource
  private let log: Logger

  /// Of the ledger in `directory`, live or copied.
  package init(
    _ target: ShipTarget, directory: String, version: String, log: Logger
  ) throws {
    self.target = target
    self.log = log
    files = LedgerDirectory.files(of: directory)
    let cursors = CursorFiles(
      DirectoryFiles(path: directory + "/" + CursorFiles.directoryName))
    // The id that `serve` ships with, by which a receiver drops repeats.
    resource = OTLPResource(
      version: version,
      instanceID: try cursors.instanceID
        ?? CursorFiles.uuid(try Kernel.randomBytes(count: 16)))
  }

  /// Ships the records from `from` up to `until`; nil for the oldest and the last one.
  package func run(from: Int64?, until: Int64?) throws -> Outcome {
    let segments = try Segment.list(files)
    guard let oldest = segments.first, let newest = segments.last else { return Outcome() }
    let lastSeq = min(until ?? .max, last(of: newest))
    let firstSeq = from ?? oldest.firstSeq
    guard firstSeq <= lastSeq else { return Outcome() }
    let segment = segments.last { $0.firstSeq <= lastSeq } ?? oldest
    let end = LedgerEnd(seq: lastSeq, segment: segment)
    let source = ShipSource(files: files, end: { end }, keep: { _ in }, recordDrop: { _ in })
    let shared = try ShipShared(target, cursor: firstSeq - 1)
    ShipLoop(
      target, cursor: firstSeq - 1, source: source, store: nil,
      sink: Shipper.sink(target, resource), shared: shared, log: log,
      failuresMax: ShippingLimits.attemptsByHandMax
    ).run()
    let values = shared.values.withLock { $0.statistics }
    return Outcome(
      range: firstSeq...lastSeq, shipped: values.shipped, rejected: values.rejected,
      missing: values.dropped, damaged: values.damaged, lastError: values.lastError)
  }

  /// The last record of a segment that may be being written: the last whole line that fits.
  private func last(of segment: Segment) -> Int64 {
    var tail = LedgerTail(files, from: segment.firstSeq)
    let end = LedgerEnd(seq: .max, segment: segment)
    var lastSeq = segment.firstSeq - 1
    while let step = try? tail.next(upTo: end) {
      if case .record(let line) = step { lastSeq = line.head.seq }
    }
    return lastSeq
  }
}
