import Synchronization

/// A run of counters. One thread writes them, any thread may read them at any time: a relaxed load
/// and store each, which is what a plain variable costs.
final class CellBlock: Sendable {
  static let count = 512
  private let cells: InlineArray<512, Atomic<UInt64>>

  init() { cells = InlineArray { _ in Atomic(0) } }

  /// Adds, up to the largest number there is. The writer's thread only.
  @inline(__always)
  func add(_ amount: UInt64, at index: Int) {
    let (sum, overflow) = cells[index].load(ordering: .relaxed).addingReportingOverflow(amount)
    cells[index].store(overflow ? .max : sum, ordering: .relaxed)
  }

  @inline(__always)
  func value(at index: Int) -> UInt64 { cells[index].load(ordering: .relaxed) }
}

/// The counters of one family in one loop: `stride` cells for each series, in the order in which the
/// registry numbers them. A copy sees the same cells.
struct CellTable: Sendable {
  private(set) var blocks: [CellBlock] = []
  let stride: Int

  init(stride: Int) { self.stride = stride }

  /// Series there is room for.
  var capacity: Int { blocks.count * CellBlock.count / stride }

  mutating func grow(toHold series: Int) {
    while capacity < series { blocks.append(CellBlock()) }
  }

  @inline(__always)
  func add(_ amount: UInt64, series: Int, cell: Int) {
    let index = series * stride + cell
    blocks[index / CellBlock.count].add(amount, at: index % CellBlock.count)
  }

  /// 0 where this loop has never had the series.
  @inline(__always)
  func value(series: Int, cell: Int) -> UInt64 {
    let index = series * stride + cell
    let block = index / CellBlock.count
    return block < blocks.count ? blocks[block].value(at: index % CellBlock.count) : 0
  }

  /// Adds every cell of the first `count` series to `sums`, in which the same cell of all of them
  /// stands together. The cells are read once, in the order in which they lie.
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
