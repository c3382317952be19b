/// One histogram. One thread records, any thread may read.
package final class Histogram: Sendable {
  private let bounds: HistogramBounds
  private let cells = CellBlock()

  init(_ bounds: HistogramBounds) {
    precondition(bounds.cellCount <= CellBlock.count)
    self.bounds = bounds
  }

  /// How long something takes that is waited for: a batch until it is on disk, a call of the store.
  static func shortWaits() -> Histogram { Histogram(.commit) }

  /// Counts a value, in the unit of the bounds. Only for the thread that records.
  @inline(__always)
  func record(_ value: UInt64) {
    cells.add(1, at: bounds.bucket(of: value))
    cells.add(value, at: bounds.sumCell)
  }

  /// The counts as they are now.
  package var reading: HistogramReading {
    HistogramReading(
      bounds, counts: (0..<bounds.bucketCount).map { cells.value(at: $0) },
      sum: cells.value(at: bounds.sumCell))
  }
}
