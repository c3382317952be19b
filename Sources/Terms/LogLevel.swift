/// How important a log line is, from least to most. Set by `--log-level` and a policy's
/// `log_level`.
package enum LogLevel: String, Sendable, Comparable, CaseIterable {
  /// One line for each exchange, to find the cause of a problem; too many lines for normal use.
  case debug
  /// What the process does: starts, reloads, stops.
  case info
  /// An operator should look at it during the day.
  case warning
  /// Requests are refused, or data is lost.
  case error

  /// The position in the order, 0 for the least important. A log writes a line only if its rank is
  /// at least that of the configured level.
  package var rank: Int {
    switch self {
    case .debug: 0
    case .info: 1
    case .warning: 2
    case .error: 3
    }
  }

  /// Whether `a` is less important than `b`.
  package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}
