/// A histogram without labels. One thread records, any thread may read.
package final class Histogram: Sendable {
  private let bounds: HistogramBounds
  private let cells = CellBlock()

  init(_ bounds: HistogramBounds) {
    precondition(bounds.cellCount <= CellBlock.count)
    self.bounds = bounds
  }

  /// How long it takes until a batch of records is on disk.
  package static func commitDurations() -> Histogram { Histogram(.commit) }

  @inline(__always)
  package func record(_ value: UInt64) {
    cells.add(1, at: bounds.bucket(of: value))
    cells.add(value, at: bounds.sumCell)
  }

  package var reading: HistogramReading {
    HistogramReading(
      bounds, counts: (0..<bounds.bucketCount).map { cells.value(at: $0) },
      sum: cells.value(at: bounds.sumCell))
  }
}

/// What a histogram counted up to a moment.
package struct HistogramReading: Sendable, Equatable {
  /// By bucket; the last has no upper bound.
  package private(set) var counts: [UInt64]
  package private(set) var sum: UInt64
  let bounds: [UInt64]

  init(_ bounds: HistogramBounds, counts: [UInt64]? = nil, sum: UInt64 = 0) {
    self.bounds = bounds.bounds
    self.counts = counts ?? Array(repeating: 0, count: bounds.bucketCount)
    self.sum = sum
  }

  package var count: UInt64 { counts.reduce(0, &+) }

  mutating func add(_ count: UInt64, bucket: Int) { counts[bucket] &+= count }
  mutating func add(sum more: UInt64) { sum &+= more }

  mutating func add(_ other: HistogramReading) {
    for bucket in counts.indices { counts[bucket] &+= other.counts[bucket] }
    sum &+= other.sum
  }

  /// The value below which a share `q` of what was counted lies, taken to be spread evenly inside a
  /// bucket, as Prometheus's `histogram_quantile` has it; the last bound for what is beyond it. nil
  /// where nothing was counted.
  package func quantile(_ q: Double) -> Double? {
    let total = count
    guard total > 0 else { return nil }
    let rank = q * Double(total)
    var below: UInt64 = 0
    for (bucket, bound) in bounds.enumerated() {
      let within = counts[bucket]
      if within > 0, Double(below + within) >= rank {
        let start = bucket == 0 ? 0 : Double(bounds[bucket - 1])
        let share = max(0, rank - Double(below)) / Double(within)
        return start + (Double(bound) - start) * share
      }
      below += within
    }
    return bounds.last.map { Double($0) }
  }
}
