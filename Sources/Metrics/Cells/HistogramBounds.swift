/// The upper bounds of a histogram's buckets, ascending; one more bucket has no bound. The histogram's
/// cells are one for each bucket, then one for the sum.
struct HistogramBounds: Sendable {
  let bounds: [UInt64]

  /// Of the duration of an exchange, in milliseconds.
  static let duration = HistogramBounds([
    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
  ])
  /// Of the time to the first token, in milliseconds.
  static let firstToken = HistogramBounds([
    5, 10, 25, 50, 100, 150, 250, 500, 750, 1_000, 1_500, 2_500, 5_000, 10_000, 30_000,
  ])
  /// Of Tollgate's own work on one message, in nanoseconds.
  static let processing = HistogramBounds([
    2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000,
    5_000_000, 10_000_000, 50_000_000, 100_000_000, 1_000_000_000,
  ])
  /// Of the time until a batch of records is on disk, or the store has answered, in nanoseconds.
  static let commit = HistogramBounds([
    50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
    50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 5_000_000_000,
  ])

  init(_ bounds: [UInt64]) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds ascend")
    self.bounds = bounds
  }

  var bucketCount: Int { bounds.count + 1 }
  var sumCell: Int { bucketCount }
  var cellCount: Int { bucketCount + 1 }

  /// The bucket of a value: the first whose bound is at least the value.
  @inline(__always)
  func bucket(of value: UInt64) -> Int {
    var bucket = 0
    while bucket < bounds.count, bounds[bucket] < value { bucket += 1 }
    return bucket
  }
}
