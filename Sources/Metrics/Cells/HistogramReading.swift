/// The counts of a histogram, or of several added up, at one moment.
package struct HistogramReading: Sendable, Equatable {
  /// The count of each bucket, not cumulative; the last one has no upper bound.
  private(set) var counts: [UInt64]
  /// The sum of all values.
  private(set) var sum: UInt64
  let bounds: [UInt64]

  init(_ bounds: HistogramBounds, counts: [UInt64]? = nil, sum: UInt64 = 0) {
    self.bounds = bounds.bounds
    self.counts = counts ?? Array(repeating: 0, count: bounds.bucketCount)
    self.sum = sum
  }

  /// How many values were counted.
  package var count: UInt64 { counts.reduce(0, &+) }

  mutating func add(_ other: HistogramReading) {
    for bucket in counts.indices { counts[bucket] &+= other.counts[bucket] }
    sum &+= other.sum
  }

  /// The `q`-quantile (0...1), as Prometheus's `histogram_quantile` computes it: values are taken to be
  /// spread evenly inside a bucket, and beyond the last bound that bound is returned. Nil where nothing
  /// was counted.
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
