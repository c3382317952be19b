internal import Gateway
internal import Transport

/// What the log says of a drain: that it begins, how many are left every now and then, and how it
/// ended.
struct DrainLog {
  /// How often a drain that goes on says who is left.
  static let interval: Duration = .seconds(10)

  private let log: Logger
  private var began: MonotonicTime?
  private var timeout: Duration = .zero
  /// When there is something to say again.
  private(set) var next: MonotonicTime?

  init(log: Logger) {
    self.log = log
  }

  mutating func begin(
    by cause: String, now: MonotonicTime, connections: Int, timeout: Duration
  ) {
    began = now
    self.timeout = timeout
    next = now + Self.interval
    log.log(
      .info, .drainBegan,
      "\(cause): draining, \(connections) connections are open; their streams may take "
        + "--drain-timeout \(DurationText.string(timeout))",
      [
        .reason: .text(cause), .connections: .integer(connections),
        .drainTimeoutSeconds: .seconds(timeout),
      ])
  }

  /// Says who is left, when it is time to.
  mutating func tick(now: MonotonicTime, connections: Int) {
    guard let due = next, due <= now, let began else { return }
    next = now + Self.interval
    log.log(
      .info, .drainWaits, "\(connections) connections are left",
      [.connections: .integer(connections), .durationSeconds: .seconds(now - began)])
  }

  /// Nothing is left, or the time is over and the rest is cut.
  mutating func end(isComplete: Bool, now: MonotonicTime, connections: Int) {
    guard let began else { return }
    next = nil
    let took = now - began
    log.log(
      isComplete ? .info : .error, .drainEnded,
      isComplete
        ? "everything has finished"
        : "the drain was not over in --drain-timeout \(DurationText.string(timeout)): "
          + "\(connections) connections are cut",
      [
        .isComplete: .flag(isComplete), .connections: .integer(connections),
        .durationSeconds: .seconds(took),
      ])
  }
}
