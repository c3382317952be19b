import Terms

/// Where the gateway logs what an operator must know. Never any text of a request's.
package protocol LogSink: Sendable {
  /// Whether lines of this level are written: to be asked before a costly line is put together.
  func isKept(_ level: LogLevel) -> Bool

  /// Logs one line.
  func log(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>)

  /// Logs one line, but the same message only once in a while, then with the number of those left
  /// out.
  func report(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>)
}

extension LogSink {
  /// Reports a line without an event of its own.
  package func report(_ level: LogLevel, _ message: String) {
    report(level, .note, message, [:])
  }

  /// Reports a line without fields.
  package func report(_ level: LogLevel, _ event: LogEvent, _ message: String) {
    report(level, event, message, [:])
  }
}
