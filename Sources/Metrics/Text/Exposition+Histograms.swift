extension Exposition {
  /// A family's series as a histogram, its values divided by `unit`, a power of ten.
  mutating func histograms(
    _ name: StaticString, _ help: StaticString, _ reading: FamilyReading,
    _ bounds: HistogramBounds, per unit: UInt64
  ) {
    metric(name, .histogram, help)
    let ends = Self.ends(bounds, per: unit)
    let names = HistogramNames(name)
    reading.texts.visit { series, labels in
      histogram(labels, reading.histogram(series, bounds), ends, names, per: unit)
    }
  }

  /// One histogram under labels of its own.
  mutating func histogram(
    _ labels: [UInt8], _ reading: HistogramReading, _ bounds: HistogramBounds,
    _ name: StaticString, per unit: UInt64
  ) {
    histogram(
      labels[...], reading, Self.ends(bounds, per: unit), HistogramNames(name), per: unit)
  }

  /// A histogram without labels.
  package mutating func commitHistogram(
    _ name: StaticString, _ help: StaticString, _ histogram: Histogram
  ) {
    metric(name, .histogram, help)
    self.histogram([], histogram.reading, .commit, name, per: 1_000_000_000)
  }

  private mutating func histogram(
    _ labels: ArraySlice<UInt8>, _ reading: HistogramReading, _ ends: [[UInt8]],
    _ names: HistogramNames, per unit: UInt64
  ) {
    var below: UInt64 = 0
    setLine(names.bucket)
    for (bucket, end) in ends.enumerated() {
      below &+= reading.counts[bucket]
      open(labels, end)
      number(below)
      self.end()
    }
    setLine(names.sum)
    open(labels)
    fraction(reading.sum, per: unit)
    end()
    // Of the same cells as the buckets: it never differs from the last one.
    setLine(names.count)
    open(labels)
    number(below)
    end()
  }

  /// `le="0.005"` for each bucket.
  private static func ends(_ bounds: HistogramBounds, per unit: UInt64) -> [[UInt8]] {
    bounds.bounds.map { bound in
      var number = Exposition()
      number.fraction(bound, per: unit)
      return Array("le=\"".utf8) + number.bytes + [UInt8(ascii: "\"")]
    } + [Array("le=\"+Inf\"".utf8)]
  }
}

/// The three names of a histogram's lines.
private struct HistogramNames {
  let bucket: [UInt8]
  let sum: [UInt8]
  let count: [UInt8]

  init(_ name: StaticString) {
    func with(_ suffix: StaticString) -> [UInt8] {
      var bytes: [UInt8] = []
      LabelText.append(name, to: &bytes)
      LabelText.append(suffix, to: &bytes)
      return bytes
    }
    bucket = with("_bucket")
    sum = with("_sum")
    count = with("_count")
  }
}
