import Synchronization

/// A fixed number of counters. One thread writes them, any thread may read them at any time. Each
/// access is a relaxed atomic load or store, which costs no more than a plain variable's.
final class CellBlock: Sendable {
  /// Counters in a block.
  static let count = 512
  private let cells: InlineArray<512, Atomic<UInt64>>

  init() { cells = InlineArray { _ in Atomic(0) } }

  /// Adds to a counter, which stops at `UInt64.max`. Only for the thread that writes.
  @inline(__always)
  func add(_ amount: UInt64, at index: Int) {
    let (sum, overflow) = cells[index].load(ordering: .relaxed).addingReportingOverflow(amount)
    cells[index].store(overflow ? .max : sum, ordering: .relaxed)
  }

  @inline(__always)
  func value(at index: Int) -> UInt64 { cells[index].load(ordering: .relaxed) }
}
