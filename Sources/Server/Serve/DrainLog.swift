import Bytes
import Log
import Terms
import Transport

/// What the log says of a drain: that it begins, every ten seconds what it still waits for, and how
/// it ended.
///
/// On the server's thread.
struct DrainLog {
  /// How often the log says what a drain still waits for.
  static let interval: Duration = .seconds(10)

  /// What a drain still waits for.
  struct Left {
    var connections: Int
    /// Requests that were admitted and are not over, on those connections.
    var requests: Int

    /// As the log says it.
    var words: String {
      "\(connections) connection\(connections == 1 ? "" : "s") with "
        + "\(requests) request\(requests == 1 ? "" : "s")"
    }
  }

  private let log: Logger
  private var began: MonotonicTime?
  private var timeout: Duration = .zero
  /// When the next line is due; nil while there is no drain.
  private(set) var next: MonotonicTime?

  init(log: Logger) {
    self.log = log
  }

  /// The drain begins because of `cause`, and may take `timeout`.
  mutating func begin(
    by cause: String, now: MonotonicTime, _ left: Left, timeout: Duration
  ) {
    began = now
    self.timeout = timeout
    next = now + Self.interval
    log.log(
      .info, .drainBegan,
      "\(cause): draining \(left.words), which may take "
        + "--drain-timeout \(DurationText.string(timeout))",
      [
        .reason: .text(cause), .connections: .integer(left.connections),
        .requests: .integer(left.requests),
        .drainTimeoutSeconds: .seconds(timeout),
      ])
  }

  /// Says what is left, when that is due.
  mutating func tick(now: MonotonicTime, _ left: @autoclosure () -> Left) {
    guard let due = next, due <= now, let began else { return }
    next = now + Self.interval
    let left = left()
    log.log(
      .info, .drainWaits, "\(left.words) left",
      [
        .connections: .integer(left.connections), .requests: .integer(left.requests),
        .durationSeconds: .seconds(now - began),
      ])
  }

  /// The drain is over: nothing is left, or the timeout has passed and what is left is cut.
  mutating func end(isComplete: Bool, now: MonotonicTime, _ left: Left) {
    guard let began else { return }
    next = nil
    let took = now - began
    log.log(
      isComplete ? .info : .error, .drainEnded,
      isComplete
        ? "everything has finished"
        : "the drain was not over in --drain-timeout \(DurationText.string(timeout)): "
          + "\(left.words) are cut",
      [
        .isComplete: .flag(isComplete), .connections: .integer(left.connections),
        .requests: .integer(left.requests),
        .durationSeconds: .seconds(took),
      ])
  }
}
