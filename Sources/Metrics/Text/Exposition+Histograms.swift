extension Exposition {
  /// Writes a histogram for every series of a family. Values are divided by `unit`, a power of ten.
  mutating func histograms(
    _ name: StaticString, _ help: StaticString, _ reading: FamilyReading,
    _ bounds: HistogramBounds, per unit: UInt64
  ) {
    metric(name, .histogram, help)
    histograms(name, reading, bounds, per: unit)
  }

  /// Writes the lines alone. `cell`: the first of the histogram's; `more`: labels that all of them have
  /// besides. One that is empty is left out.
  mutating func histograms(
    _ name: StaticString, _ reading: FamilyReading, _ bounds: HistogramBounds, per unit: UInt64,
    cell: Int = 0, more: StaticString = "", leavesOutEmpty: Bool = false
  ) {
    let ends = Self.ends(bounds, per: unit)
    let names = HistogramNames(name)
    var suffix: [UInt8] = []
    LabelText.append(more, to: &suffix)
    var first = 0
    for chunk in reading.texts.chunks {
      chunk.visit { series, labels in
        let values = reading.histogram(first + series, bounds, first: cell)
        if leavesOutEmpty, values.count == 0 { return }
        if suffix.isEmpty {
          histogram(chunk.bytes[labels], values, ends, names, per: unit)
        } else {
          histogram((chunk.bytes[labels] + suffix)[...], values, ends, names, per: unit)
        }
      }
      first += chunk.count
    }
  }

  /// Writes one histogram with labels of its own.
  mutating func histogram(
    _ labels: [UInt8], _ reading: HistogramReading, _ bounds: HistogramBounds,
    _ name: StaticString, per unit: UInt64
  ) {
    histogram(
      labels[...], reading, Self.ends(bounds, per: unit), HistogramNames(name), per: unit)
  }

  /// Writes a histogram of `Histogram.shortWaits`, in seconds, without labels.
  mutating func secondsHistogram(
    _ name: StaticString, _ help: StaticString, _ histogram: Histogram
  ) {
    metric(name, .histogram, help)
    self.histogram([UInt8](), histogram.reading, .commit, name, per: 1_000_000_000)
  }

  private mutating func histogram(
    _ labels: ArraySlice<UInt8>, _ reading: HistogramReading, _ ends: [[UInt8]],
    _ names: HistogramNames, per unit: UInt64
  ) {
    let decimals = Self.decimals(unit)
    // The name, the labels, the `le` label, the signs between them and the value.
    let lineMax = names.bucket.count + labels.count + 32 + 4 + LineCursor.valueBytesMax
    let counts = reading.counts
    let sum = reading.sum
    write(atMost: lineMax * (ends.count + 2)) { cursor in
      var below: UInt64 = 0
      for bucket in ends.indices {
        below &+= counts[bucket]
        cursor.copy(names.bucket.span)
        cursor.byte(UInt8(ascii: "{"))
        if !labels.isEmpty {
          cursor.copy(labels.span)
          cursor.byte(UInt8(ascii: ","))
        }
        let end = ends[bucket]
        cursor.copy(end.span)
        cursor.number(below)
        cursor.byte(UInt8(ascii: "\n"))
      }
      Self.open(names.sum, labels, &cursor)
      cursor.fraction(sum, per: unit, decimals: decimals)
      cursor.byte(UInt8(ascii: "\n"))
      // The sum of the same cells, so that it always equals the last bucket.
      Self.open(names.count, labels, &cursor)
      cursor.number(below)
      cursor.byte(UInt8(ascii: "\n"))
    }
  }

  /// Writes a line up to its value.
  private static func open(
    _ name: [UInt8], _ labels: ArraySlice<UInt8>, _ cursor: inout LineCursor
  ) {
    cursor.copy(name.span)
    if !labels.isEmpty {
      cursor.byte(UInt8(ascii: "{"))
      cursor.copy(labels.span)
      cursor.byte(UInt8(ascii: "}"))
    }
    cursor.byte(UInt8(ascii: " "))
  }

  /// `le="0.005"} ` for each bucket; 28 bytes at most.
  private static func ends(_ bounds: HistogramBounds, per unit: UInt64) -> [[UInt8]] {
    bounds.bounds.map { bound in
      var number = Exposition()
      number.fraction(bound, per: unit)
      return Array("le=\"".utf8) + number.bytes + Array("\"} ".utf8)
    } + [Array("le=\"+Inf\"} ".utf8)]
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
