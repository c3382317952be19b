/// A family's series and cells. The series are those of one moment; the cells go on counting.
struct FamilyReading {
  let count: Int
  let texts: SeriesTexts
  let tables: [CellTable]

  /// A cell's sum over all loops.
  @inline(__always)
  func sum(_ series: Int, _ cell: Int) -> UInt64 {
    var sum: UInt64 = 0
    for table in tables { sum &+= table.value(series: series, cell: cell) }
    return sum
  }

  /// All sums over all loops: the first cell of every series, then the second of every series, and so
  /// on.
  func sums() -> [UInt64] {
    guard let stride = tables.first?.stride else { return [] }
    var sums = [UInt64](repeating: 0, count: count * stride)
    for table in tables { table.add(to: &sums, count: count) }
    return sums
  }

  func histogram(
    _ series: Int, _ bounds: HistogramBounds, first: Int = 0
  ) -> HistogramReading {
    HistogramReading(
      bounds, counts: (0..<bounds.bucketCount).map { sum(series, first + $0) },
      sum: sum(series, first + bounds.sumCell))
  }
}
