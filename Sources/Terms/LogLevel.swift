/// How much a log line matters, the least first: `--log-level` and a policy's `log_level`.
package enum LogLevel: String, Sendable, Comparable, CaseIterable {
  /// One line an exchange; for finding out, not for keeping.
  case debug
  /// What the process does.
  case info
  /// Somebody should look at it during the day.
  case warning
  /// Requests are refused, or something is lost.
  case error

  /// Its place in the order, the least first: what a log compares.
  package var rank: Int {
    switch self {
    case .debug: 0
    case .info: 1
    case .warning: 2
    case .error: 3
    }
  }

  package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}
