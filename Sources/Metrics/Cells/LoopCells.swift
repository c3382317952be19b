import Terms

/// The counters of one loop that do not depend on a series, shared with the threads that read them.
final class LoopCells: Sendable {
  enum Cell: Int { case began, ended }

  let processing = ProcessingStage.allCases.map { _ in Histogram(.processing) }
  let refusals = RecentRefusals()
  private let cells = CellBlock()
  private static let firstOverflow = 8
  private static let firstUnread = 24
  private static let firstUnpriced = 32
  private static let firstCall = 40

  @inline(__always)
  func add(_ amount: UInt64, _ cell: Cell) { cells.add(amount, at: cell.rawValue) }

  func value(_ cell: Cell) -> UInt64 { cells.value(at: cell.rawValue) }

  func add(_ method: CallMethod, _ status: CallStatus) {
    cells.add(1, at: Self.cell(method, status))
  }

  func calls(_ method: CallMethod, _ status: CallStatus) -> UInt64 {
    cells.value(at: Self.cell(method, status))
  }

  private static func cell(_ method: CallMethod, _ status: CallStatus) -> Int {
    firstCall + method.rawValue * CallStatus.allCases.count + status.rawValue
  }

  func add(_ reason: UnreadReason) { cells.add(1, at: Self.cell(reason)) }

  func unread(_ reason: UnreadReason) -> UInt64 { cells.value(at: Self.cell(reason)) }

  private static func cell(_ reason: UnreadReason) -> Int {
    firstUnread + (UnreadReason.allCases.firstIndex(of: reason) ?? 0)
  }

  func add(_ what: Unpriced) { cells.add(1, at: Self.cell(what)) }

  func unpriced(_ what: Unpriced) -> UInt64 { cells.value(at: Self.cell(what)) }

  private static func cell(_ what: Unpriced) -> Int {
    firstUnpriced + (Unpriced.allCases.firstIndex(of: what) ?? 0)
  }

  func addOverflow(_ family: Family) { cells.add(1, at: Self.firstOverflow + family.rawValue) }

  func overflow(_ family: Family) -> UInt64 {
    cells.value(at: Self.firstOverflow + family.rawValue)
  }
}
