import Terms

/// Where the gateway reports what an operator must know (misconfiguration, refused modes). Never a
/// request's own text.
package protocol LogSink: Sendable {
  /// Whether anything of this level is kept: asked before a line is put together.
  func isKept(_ level: LogLevel) -> Bool

  /// One line, each time.
  func log(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>)

  /// The same message is let through once in a while, with a count.
  func report(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>)
}

extension LogSink {
  /// A line that has no name of its own.
  package func report(_ level: LogLevel, _ message: String) {
    report(level, .note, message, [:])
  }

  package func report(_ level: LogLevel, _ event: LogEvent, _ message: String) {
    report(level, event, message, [:])
  }
}
