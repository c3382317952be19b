import Ledger

/// The days and months that `--since` and `--until` know by a word: their beginning.
enum PeriodStart: String, CaseIterable {
  case today, yesterday
  case thisMonth = "this-month"
  case lastMonth = "last-month"

  /// All of them, for the help.
  static let words = allCases.map(\.rawValue).joined(separator: ", ")

  /// The first instant, in Unix milliseconds.
  func milliseconds(nowMs: Int64, _ days: LocalDays) -> Int64 {
    var days = days
    let today = days.day(ofMs: nowMs)
    let first =
      switch self {
      case .today: today
      case .yesterday: today - 1
      case .thisMonth: LocalDays.firstOfMonth(today)
      case .lastMonth: LocalDays.firstOfMonth(today, plus: -1)
      }
    return days.start(ofDay: first)
  }
}
