import Bytes
import Foundation
import Synchronization
import Terms

/// The process's log. Lines are written by a thread of its own, so that no other thread waits for a
/// terminal or a pipe.
///
/// Any thread: `condition` guards what changes.
package final class Logger: LogSink, @unchecked Sendable {
  /// How many lines may wait to be written; one over it is dropped and counted.
  static let linesMax = 4096

  /// The rank of the lowest level that is written. Atomic, because every loop asks for it.
  private let level: Atomic<Int>
  /// `--log-level`, which a policy's `log_level` replaces.
  private let ownLevel: LogLevel
  private let format: LogFormat
  private let colours: Bool
  private let write: @Sendable ([UInt8]) -> Void
  // Everything below is guarded by `condition`.
  private let condition = NSCondition()
  /// What waits to be written.
  private var lines: [[UInt8]] = []
  /// Whether lines were taken that are not written yet.
  private var isWriting = false
  /// How many lines were dropped since that was last logged.
  private var dropped = 0
  private var repetitions = RepetitionLimit()

  /// Starts the log's thread, on which `write` is called with each line. With `colours` the level
  /// is coloured, for a terminal.
  package init(
    level: LogLevel, format: LogFormat, colours: Bool = false,
    write: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.level = Atomic(level.rank)
    ownLevel = level
    self.format = format
    self.colours = colours
    self.write = write
    let thread = Thread { [self] in work() }
    thread.name = "tollgate-log"
    thread.start()
  }

  /// Whether lines of this level are written.
  package func isKept(_ level: LogLevel) -> Bool {
    level.rank >= self.level.load(ordering: .relaxed)
  }

  /// Takes over a policy's `log_level`; nil where it has none, so that `--log-level` counts again.
  package func follow(_ policyLevel: LogLevel?) {
    let next = policyLevel ?? ownLevel
    let before = LogLevel.allCases[level.exchange(next.rank, ordering: .relaxed)]
    guard before != next else { return }
    // Logged where the old level or the new one includes info.
    guard min(before, next) <= .info else { return }
    enqueue(
      line(
        .info, .logLevelChanged,
        "the log's level is \(next.rawValue): "
          + (policyLevel == nil ? "the policy has no log_level" : "log_level in the policy"),
        [(.logLevel, .text(next.rawValue)), (.previousLogLevel, .text(before.rawValue))]))
  }

  /// Logs one line without an event of its own.
  package func log(_ level: LogLevel, _ message: String) {
    log(level, .note, message, [:])
  }

  /// Logs one line without fields.
  package func log(_ level: LogLevel, _ event: LogEvent, _ message: String) {
    log(level, event, message, [:])
  }

  /// Logs one line, unless the level is below the log's.
  package func log(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>
  ) {
    log(level, event, message, Array(fields))
  }

  /// The same with fields that were gathered before.
  package func log(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: [(key: LogKey, value: LogValue)]
  ) {
    guard isKept(level) else { return }
    enqueue(line(level, event, message, fields))
  }

  /// Logs one line, but the same message at most once in ten seconds, then with the number of those
  /// left out.
  package func report(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: KeyValuePairs<LogKey, LogValue>
  ) {
    guard isKept(level) else { return }
    condition.lock()
    let outcome = repetitions.admit(message, nowNanoseconds: SystemClock.monotonicNanoseconds())
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

  /// Waits until everything that was logged so far is written, for at most `timeout`.
  package func flush(timeout: Duration = .seconds(2)) {
    let end = Date(timeIntervalSinceNow: Double(timeout.components.seconds))
    condition.lock()
    defer { condition.unlock() }
    while !lines.isEmpty || isWriting || dropped > 0 {
      if !condition.wait(until: end) { return }
    }
  }

  private func line(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: [(key: LogKey, value: LogValue)]
  ) -> [UInt8] {
    LogLine(level, event, message, fields, wallNanoseconds: SystemClock.wallNanoseconds())
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
            .warning, .linesDropped,
            "\(dropped) log lines were dropped: stderr takes them too slowly",
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
}
