/// Where the gateway reports what an operator must know (misconfiguration, refused modes). Never a
/// request's own text.
package protocol GatewayLog: Sendable {
  /// Whether anything of this level is kept: asked before a line is put together.
  func isKept(_ level: GatewayLogLevel) -> Bool

  /// One line, each time.
  func log(
    _ level: GatewayLogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>)

  /// The same message is let through once in a while, with a count.
  func report(
    _ level: GatewayLogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>)
}

extension GatewayLog {
  /// A line that has no name of its own.
  package func report(_ level: GatewayLogLevel, _ message: String) {
    report(level, .note, message, [:])
  }

  package func report(_ level: GatewayLogLevel, _ event: LogEvent, _ message: String) {
    report(level, event, message, [:])
  }
}

/// How much a line matters, the least first.
package enum GatewayLogLevel: Int, Sendable, Comparable, CaseIterable {
  /// One line an exchange; for finding out, not for keeping.
  case debug
  /// What the process does.
  case info
  /// Somebody should look at it during the day.
  case warning
  /// Requests are refused, or something is lost.
  case error

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
