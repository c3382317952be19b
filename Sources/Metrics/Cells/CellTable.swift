/// The counters of one family in one loop: `stride` cells for each series, in the order of the series'
/// numbers in the registry. Copies share the same cells.
struct CellTable: Sendable {
  private(set) var blocks: [CellBlock] = []
  let stride: Int

  init(stride: Int) { self.stride = stride }

  /// How many series there is room for.
  var capacity: Int { blocks.count * CellBlock.count / stride }

  mutating func grow(toHold series: Int) {
    while capacity < series { blocks.append(CellBlock()) }
  }

  @inline(__always)
  func add(_ amount: UInt64, series: Int, cell: Int) {
    let index = series * stride + cell
    blocks[index / CellBlock.count].add(amount, at: index % CellBlock.count)
  }

  /// The value of a cell; 0 where this loop has no cells for the series yet.
  @inline(__always)
  func value(series: Int, cell: Int) -> UInt64 {
    let index = series * stride + cell
    let block = index / CellBlock.count
    return block < blocks.count ? blocks[block].value(at: index % CellBlock.count) : 0
  }

  /// Adds the cells of the first `count` series to `sums`, which is ordered by cell first and then by
  /// series. Each cell is read once, in memory order.
  func add(to sums: inout [UInt64], count: Int) {
    precondition(sums.count == count * stride)
    var (place, series) = (0, 0)
    for (number, block) in blocks.enumerated() {
      let first = number * CellBlock.count
      guard first < sums.count else { return }
      for index in 0..<min(CellBlock.count, sums.count - first) {
        sums[place] &+= block.value(at: index)
        place += count
        guard place >= sums.count else { continue }
        series += 1
        place = series
      }
    }
  }
}
