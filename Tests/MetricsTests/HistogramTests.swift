import Testing

@testable import Metrics

struct HistogramTests {
  @Test(arguments: [
    (0, 0), (5, 0), (6, 1), (10, 1), (11, 2), (300_000, 14), (300_001, 15), (UInt64.max, 15),
  ])
  func `a value goes into the first bucket whose bound is not below it`(
    _ value: UInt64, _ bucket: Int
  ) {
    #expect(HistogramBounds.duration.bucket(of: value) == bucket)
  }

  @Test func `what is recorded is read: count, sum and buckets`() {
    let histogram = Histogram(HistogramBounds([10, 20]))
    for value: UInt64 in [1, 10, 11, 20, 21, 1_000] { histogram.record(value) }
    #expect(histogram.reading.counts == [2, 2, 2])
    #expect(histogram.reading.sum == 1_063)
    #expect(histogram.reading.count == 6)
  }

  @Test func `a sum stays at the largest number`() {
    let histogram = Histogram(HistogramBounds([10]))
    histogram.record(.max)
    histogram.record(.max)
    #expect(histogram.reading.sum == .max)
    #expect(histogram.reading.count == 2)
  }

  /// Buckets up to 10, 20, 40, and beyond.
  @Test(
    arguments: [
      ([0, 0, 0, 0], 0.5, nil),
      ([1, 0, 0, 0], 0.5, 5),
      ([2, 2, 0, 0], 0.5, 10),
      ([2, 2, 0, 0], 0.75, 15),
      ([0, 0, 4, 0], 0.5, 30),
      ([0, 0, 4, 0], 1, 40),
      ([0, 4, 0, 0], 0, 10),
      // A quarter and a half lie below 10 and 20.
      ([1, 1, 1, 1], 0.625, 30),
      // Beyond the last bound, that bound is returned.
      ([1, 0, 0, 9], 0.95, 40),
      ([0, 0, 0, 1], 0.5, 40),
      ([90, 5, 5, 0], 0.95, 20),
    ] as [([UInt64], Double, Double?)])
  func `a quantile lies between the bounds of its bucket, in proportion`(
    _ counts: [UInt64], _ q: Double, _ expected: Double?
  ) {
    let reading = HistogramReading(HistogramBounds([10, 20, 40]), counts: counts)
    #expect(reading.quantile(q) == expected)
  }

  @Test func `quantiles never fall as q rises, whatever was counted`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let counts = (0..<16).map { _ in UInt64.random(in: 0...5, using: &random) }
      let reading = HistogramReading(.duration, counts: counts)
      guard reading.count > 0 else { continue }
      let values = stride(from: 0.0, through: 1.0, by: 0.05).map { reading.quantile($0)! }
      #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 }, "\(counts)")
      #expect(values.allSatisfy { $0 >= 0 && $0 <= 300_000 })
    }
  }
}
