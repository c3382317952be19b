import Foundation
package import Gateway
import Synchronization

/// The process's log: lines on stderr, written by a thread of its own, so that no loop waits for a terminal or a pipe.
package final class Logger: GatewayLog, @unchecked Sendable {
  /// Lines that wait to be written; those beyond are dropped and counted.
  package static let linesMax = 4096

  /// The least level that is written: asked by every loop, without a lock.
  private let level: Atomic<Int>
  /// `--log-level`, which a policy's `log_level` overrides.
  private let ownLevel: GatewayLogLevel
  private let format: LogFormat
  private let colours: Bool
  private let write: @Sendable ([UInt8]) -> Void
  // Everything below is guarded by `condition`.
  private let condition = NSCondition()
  private var lines: [[UInt8]] = []
  private var isWriting = false
  private var dropped = 0
  private var repetitions = RepetitionLimit()

  /// `write` is called on the log's thread, with whole lines; by default it writes to stderr.
  package init(
    level: GatewayLogLevel, format: LogFormat, colours: Bool = false,
    write: @escaping @Sendable ([UInt8]) -> Void = Logger.writeToStandardError
  ) {
    self.level = Atomic(level.rawValue)
    ownLevel = level
    self.format = format
    self.colours = colours
    self.write = write
    let thread = Thread { [self] in work() }
    thread.name = "tollgate-log"
    thread.start()
  }

  /// Whether lines of this level are written.
  package func isKept(_ level: GatewayLogLevel) -> Bool {
    level.rawValue >= self.level.load(ordering: .relaxed)
  }

  /// Follows a policy's `log_level`; nil where it has none and the process's own counts again.
  package func follow(_ policyLevel: GatewayLogLevel?) {
    let next = policyLevel ?? ownLevel
    let before = level.exchange(next.rawValue, ordering: .relaxed)
    guard before != next.rawValue, let before = GatewayLogLevel(rawValue: before) else { return }
    // Said whenever the old level or the new one lets it through.
    guard min(before, next) <= .info else { return }
    enqueue(
      line(
        .info, .logLevelChanged,
        "the log's level is \(next.name): "
          + (policyLevel == nil ? "the policy has no log_level" : "log_level in the policy"),
        [(.logLevel, .text(next.name)), (.previousLogLevel, .text(before.name))]))
  }

  /// Logs `message` without a name, unless the level is below the log's.
  package func log(_ level: GatewayLogLevel, _ message: String) {
    log(level, .note, message, [:])
  }

  package func log(_ level: GatewayLogLevel, _ event: LogEvent, _ message: String) {
    log(level, event, message, [:])
  }

  /// Logs one line, unless the level is below the log's.
  package func log(
    _ level: GatewayLogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>
  ) {
    log(level, event, message, Array(fields))
  }

  package func log(
    _ level: GatewayLogLevel, _ event: LogEvent, _ message: String,
    _ fields: [(key: LogKey, value: LogValue)]
  ) {
    guard isKept(level) else { return }
    enqueue(line(level, event, message, fields))
  }

  /// From the gateway: the same message is let through once in ten seconds, with a count.
  package func report(
    _ level: GatewayLogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>
  ) {
    guard isKept(level) else { return }
    condition.lock()
    let outcome = repetitions.admit(message, nowNanoseconds: Kernel.monotonicNanoseconds())
    condition.unlock()
    switch outcome {
    case .hold: return
    case .pass(repeated: 0): enqueue(line(level, event, message, Array(fields)))
    case .pass(let repeated):
      enqueue(
        line(
          level, event, message + " (and \(repeated) times since this was last said)",
          fields + [(.repeated, .integer(repeated))]))
    }
  }

  /// Waits until everything logged so far is written, at most for `timeout`.
  package func flush(timeout: Duration = .seconds(2)) {
    let end = Date(timeIntervalSinceNow: Double(timeout.components.seconds))
    condition.lock()
    defer { condition.unlock() }
    while !lines.isEmpty || isWriting || dropped > 0 {
      if !condition.wait(until: end) { return }
    }
  }

  private func line(
    _ level: GatewayLogLevel, _ event: LogEvent, _ message: String,
    _ fields: [(key: LogKey, value: LogValue)]
  ) -> [UInt8] {
    LogLine(level, event, message, fields, wallNanoseconds: Kernel.wallNanoseconds())
      .rendered(format, colours: colours)
  }

  private func enqueue(_ line: [UInt8]) {
    condition.lock()
    defer { condition.unlock() }
    guard lines.count < Self.linesMax else {
      dropped += 1
      return
    }
    lines.append(line)
    condition.broadcast()
  }

  private func work() -> Never {
    condition.lock()
    while true {
      while lines.isEmpty && dropped == 0 { condition.wait() }
      var batch = lines
      lines = []
      if dropped > 0 {
        batch.append(
          line(
            .warning, .linesDropped, "\(dropped) log lines were dropped: the log is too slow",
            [(.count, .integer(dropped))]))
        dropped = 0
      }
      isWriting = true
      condition.unlock()
      for line in batch { write(line) }
      condition.lock()
      isWriting = false
      condition.broadcast()
    }
  }

  /// Whether stderr is a terminal that shows colours: not where `NO_COLOR` is set (no-color.org) or
  /// the terminal is a dumb one.
  package static var isStandardErrorColourful: Bool {
    let environment = ProcessInfo.processInfo.environment
    return Kernel.isTerminal(2) && environment["NO_COLOR", default: ""].isEmpty
      && environment["TERM", default: "dumb"] != "dumb"
  }

  /// Writes whole lines to descriptor 2; what cannot be written is lost.
  package static func writeToStandardError(_ line: [UInt8]) {
    var start = 0
    while start < line.count {
      guard let count = try? Kernel.write(2, line, from: start) else { return }
      start += count
    }
  }
}
