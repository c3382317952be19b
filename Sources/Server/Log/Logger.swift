import Foundation
package import Gateway

/// The process's log: lines on stderr, written by a thread of its own, so that no loop waits for a terminal or a pipe.
package final class Logger: GatewayLog, @unchecked Sendable {
  /// Lines that wait to be written; those beyond are dropped and counted.
  package static let linesMax = 4096

  private let level: GatewayLogLevel
  private let format: LogFormat
  private let write: @Sendable ([UInt8]) -> Void
  // Everything below is guarded by `condition`.
  private let condition = NSCondition()
  private var lines: [[UInt8]] = []
  private var isWriting = false
  private var dropped = 0
  private var repetitions = RepetitionLimit()

  /// `write` is called on the log's thread, with whole lines; by default it writes to stderr.
  package init(
    level: GatewayLogLevel, format: LogFormat,
    write: @escaping @Sendable ([UInt8]) -> Void = Logger.writeToStandardError
  ) {
    self.level = level
    self.format = format
    self.write = write
    let thread = Thread { [self] in work() }
    thread.name = "tollgate-log"
    thread.start()
  }

  /// Logs `message`, unless the level is below the log's.
  package func log(_ level: GatewayLogLevel, _ message: String) {
    guard level >= self.level else { return }
    enqueue(render(level, message))
  }

  /// From the gateway: the same message is let through once in ten seconds, with a count.
  package func report(_ level: GatewayLogLevel, _ message: String) {
    guard level >= self.level else { return }
    condition.lock()
    let outcome = repetitions.admit(message, nowNanoseconds: Kernel.monotonicNanoseconds())
    condition.unlock()
    switch outcome {
    case .hold: return
    case .pass(repeated: 0): enqueue(render(level, message))
    case .pass(let repeated):
      enqueue(render(level, message + " (and \(repeated) times since this was last said)"))
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

  private func render(_ level: GatewayLogLevel, _ message: String) -> [UInt8] {
    LogLine.render(
      format, level: level.name, message: message, wallNanoseconds: Kernel.wallNanoseconds())
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
        batch.append(render(.warning, "\(dropped) log lines were dropped: the log is too slow"))
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

  /// Writes whole lines to descriptor 2; what cannot be written is lost.
  package static func writeToStandardError(_ line: [UInt8]) {
    var start = 0
    while start < line.count {
      guard let count = try? Kernel.write(2, line, from: start) else { return }
      start += count
    }
  }
}

extension GatewayLogLevel {
  /// As it is written in the log and in `--log-level`.
  package var name: String {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    }
  }

  /// The level with that name.
  package init?(name: String) {
    let levels: [GatewayLogLevel] = [.debug, .info, .warning, .error]
    guard let level = levels.first(where: { $0.name == name }) else { return nil }
    self = level
  }
}
