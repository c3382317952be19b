/// How far a drain is: first health says NOT_SERVING, then the listeners close, then every stream
/// finishes. A value, without sockets and clocks.
struct DrainState {
  private enum State {
    case serving
    /// This many workers have not told their health watchers yet.
    case notifying(workersLeft: Int)
    /// The listeners are closed; this many workers still have connections.
    case finishing(workersLeft: Int)
    /// Over; `cut` where connections were left.
    case done(cut: Bool)
  }

  /// What the server does next.
  enum Action: Equatable {
    case none
    /// Say NOT_SERVING on every worker.
    case tellHealth
    /// Close the listeners and drain every worker's connections.
    case closeListenersAndDrain
    /// End the workers, and with them the connections that are left.
    case stop
    /// End the process at once, without waiting for anything.
    case exitAtOnce
  }

  private var state = State.serving
  private let workers: Int

  init(workers: Int) {
    self.workers = workers
  }

  /// 0 when everything has finished by itself.
  var exitStatus: Int32 {
    if case .done(cut: false) = state { 0 } else { 1 }
  }

  /// SIGTERM or SIGINT came, or the server was asked to stop. The second time the process ends at
  /// once.
  mutating func stopRequested() -> Action {
    switch state {
    case .serving:
      state = .notifying(workersLeft: workers)
      return .tellHealth
    case .notifying, .finishing, .done:
      return .exitAtOnce
    }
  }

  /// One worker has told its health watchers.
  mutating func workerNotified() -> Action {
    guard case .notifying(let left) = state else { return .none }
    if left > 1 {
      state = .notifying(workersLeft: left - 1)
      return .none
    }
    state = .finishing(workersLeft: workers)
    return .closeListenersAndDrain
  }

  /// One worker's last connection has gone.
  mutating func workerEmptied() -> Action {
    guard case .finishing(let left) = state else { return .none }
    if left > 1 {
      state = .finishing(workersLeft: left - 1)
      return .none
    }
    state = .done(cut: false)
    return .stop
  }

  /// `--drain-timeout` has passed.
  mutating func timedOut() -> Action {
    switch state {
    case .notifying, .finishing:
      state = .done(cut: true)
      return .stop
    case .serving, .done:
      return .none
    }
  }
}
