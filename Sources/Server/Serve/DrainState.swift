/// How far a server is on its way out: health first, then the listeners, then every stream.
/// Knows neither sockets nor clocks.
struct DrainState {
  private enum State {
    case serving
    /// Watchers are being told on this many workers.
    case notifying(workersLeft: Int)
    /// The listeners are closed; this many workers still have connections.
    case finishing(workersLeft: Int)
    case done(cut: Bool)
  }

  /// What the server does next.
  enum Action: Equatable {
    case none
    case tellHealth
    case closeListenersAndDrain
    case stop
    /// At once, without waiting for anything.
    case exitAtOnce
  }

  private var state = State.serving
  private let workers: Int

  init(workers: Int) {
    self.workers = workers
  }

  var isDraining: Bool {
    if case .serving = state { false } else { true }
  }

  /// 0 when everything finished by itself.
  var exitStatus: Int32 {
    if case .done(cut: false) = state { 0 } else { 1 }
  }

  /// SIGTERM or SIGINT came, or the server was asked to end. The second time there is no patience left.
  mutating func stopRequested() -> Action {
    switch state {
    case .serving:
      state = .notifying(workersLeft: workers)
      return .tellHealth
    case .notifying, .finishing, .done:
      return .exitAtOnce
    }
  }

  /// One worker has told its watchers.
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

  /// The drain's time is over.
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
