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

  /// Of tokens, as the conventions for generative AI ask for them.
  static let genAITokens = HistogramBounds([
    1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
    67_108_864,
  ])
  /// Of the duration of an exchange, in milliseconds, as they ask for it.
  static let genAIDuration = HistogramBounds([
    10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 40_960, 81_920,
  ])
  /// Of the time to the first token, in milliseconds, as they ask for it.
  static let genAIFirstToken = HistogramBounds([
    1, 5, 10, 20, 40, 60, 80, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
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
