import Books
import Bytes
import Gateway
import Glibc
import Log
import Policy
import Terms
import Transport

/// The running server: its listeners, its workers, and the thread that holds them together,
/// which is the one that calls `run`.
package final class Server {
  /// The wait after the machine ran short of something.
  static let acceptRest: Duration = .milliseconds(100)

  /// How long the workers may take to end once they are told to.
  static let joinSecondsMax = 5

  /// The addresses listened on, with the ports the kernel chose.
  package let addresses: [ListenAddress]
  /// The door for other threads.
  package let handle: ServerHandle

  private let configuration: ServerConfiguration
  private let log: Logger
  private let connections: ConnectionCount
  private let workers: Workers
  private let mailbox: Mailbox<Server>
  private var poller: Poller
  private var listeners: [(listener: Listener, registration: Poller.Registration)] = []
  private var acceptor: Acceptor
  private var drain: DrainState
  private var drainEnds: MonotonicTime?
  private var restEnds: MonotonicTime?
  private var drainLog: DrainLog
  private var isOver = false
  /// Called once, when the drain begins, before anything else is told.
  package var drainBegan: () -> Void = {}
  /// Requests that were let through and are not over, for what the log says of a drain.
  package var inflight: () -> UInt64 = { 0 }

  /// Opens every listener and starts the workers. Nothing is accepted before `run`.
  package init(
    _ configuration: ServerConfiguration, log: Logger,
    makeGateway: @escaping @Sendable () -> any LoopGateway
  ) throws {
    Kernel.ignoreBrokenPipes()
    self.configuration = configuration
    self.log = log
    var opened: [Listener] = []
    for address in configuration.listen {
      opened.append(
        try Listener(address, allowPlaintextNetwork: configuration.allowPlaintextNetwork))
    }
    addresses = opened.map(\.address)
    connections = ConnectionCount(limit: configuration.connectionsMax)
    workers = try Workers(
      configuration: configuration, connections: connections, log: log, makeGateway: makeGateway)
    acceptor = Acceptor(workers: workers, connections: connections, log: log)
    drain = DrainState(workers: configuration.workers)
    drainLog = DrainLog(log: log)
    mailbox = try Mailbox()
    handle = ServerHandle(mailbox: mailbox, workers: workers)
    poller = try Poller()
    for listener in opened {
      listeners.append((listener, try poller.add(listener.socket, .read)))
    }
  }

  /// Serves until the drain is over; returns the exit status. `signals` are those that came through
  /// `SignalSource`; `reload` is called for SIGHUP.
  package func run(
    signals: SignalSource? = nil, rotate: () -> Void = {}, reload: () -> Void = {}
  ) -> Int32 {
    do {
      let mail = try poller.add(mailbox.event, .read)
      let signal = try signals.map { try poller.add($0.descriptor, .read) }
      while !isOver {
        let count = poller.wait(timeout: timeout())
        for index in 0..<count {
          let event = poller.event(index)
          if event.registration == mail {
            for letter in mailbox.take() { letter(self) }
          } else if event.registration == signal {
            signals?.forEachPending { handle($0, rotate: rotate, reload: reload) }
          } else {
            accept(event.registration)
          }
        }
        runTimers()
      }
    } catch {
      log.log(.error, .serverFailed, "the server ends: \(error)")
    }
    closeListeners()
    workers.postToAll { $0.stop() }
    guard workers.join(timeoutSeconds: Self.joinSecondsMax) else {
      log.log(.error, .serverFailed, "a worker did not end")
      return 1
    }
    return drain.exitStatus
  }

  /// Ends a server that was opened and will not run: its listeners and its workers go.
  package func abandon() {
    closeListeners()
    workers.postToAll { $0.stop() }
    _ = workers.join(timeoutSeconds: Self.joinSecondsMax)
  }

  private func accept(_ registration: Poller.Registration) {
    guard restEnds == nil,
      let entry = listeners.first(where: { $0.registration == registration })
    else { return }
    if acceptor.accept(from: entry.listener.socket) == .rest {
      restEnds = .now + Self.acceptRest
      watchListeners(for: [])
    }
  }

  private func watchListeners(for interest: Poller.Interest) {
    for entry in listeners { try? poller.change(entry.registration, to: interest) }
  }

  private var left: DrainLog.Left {
    DrainLog.Left(connections: connections.value, requests: Int(clamping: inflight()))
  }

  private func timeout() -> Duration? {
    let next = [drainEnds, restEnds, drainLog.next].compactMap(\.self).min()
    return next.map { max(.zero, $0 - .now) }
  }

  private func runTimers() {
    if let end = restEnds, end <= .now {
      restEnds = nil
      watchListeners(for: .read)
    }
    drainLog.tick(now: .now, left)
    if let end = drainEnds, end <= .now {
      drainEnds = nil
      perform(drain.timedOut())
    }
  }
}

// MARK: - Signals and the way out

extension Server {
  private func handle(_ signal: Int32, rotate: () -> Void, reload: () -> Void) {
    switch signal {
    case SIGHUP:
      log.log(.info, .signal, "SIGHUP: the policy is read again", [.signal: .text("SIGHUP")])
      reload()
    case SIGUSR1:
      log.log(
        .info, .signal, "SIGUSR1: the ledger begins a new segment", [.signal: .text("SIGUSR1")])
      rotate()
    case SIGTERM, SIGINT:
      stopRequested(by: signal == SIGTERM ? "SIGTERM" : "SIGINT")
    default:
      preconditionFailure("only these signals are asked for")
    }
  }

  /// Begins the drain, or ends at once where it has begun.
  func stopRequested(by cause: String) {
    let action = drain.stopRequested()
    if action == .tellHealth {
      drainLog.begin(by: cause, now: .now, left, timeout: configuration.drainTimeout)
    }
    perform(action)
  }

  private func perform(_ action: DrainState.Action) {
    switch action {
    case .none:
      break
    case .tellHealth:
      drainBegan()
      drainEnds = .now + configuration.drainTimeout
      let mailbox = mailbox
      workers.postToAll { loop in
        loop.health.stopServing()
        loop.flushAnswers()
        mailbox.post { $0.workerNotified() }
      }
    case .closeListenersAndDrain:
      acceptLast()
      closeListeners()
      let mailbox = mailbox
      workers.postToAll { loop in
        loop.health.endWatches()
        loop.drain { mailbox.post { $0.workerEmptied() } }
      }
    case .stop:
      isOver = true
      drainLog.end(isComplete: drain.exitStatus == 0, now: .now, left)
    case .exitAtOnce:
      log.log(
        .error, .drainEnded, "a second signal: ending at once",
        [
          .isComplete: .flag(false), .connections: .integer(left.connections),
          .requests: .integer(left.requests),
        ])
      closeListeners()
      log.flush()
      Kernel.exitNow(1)
    }
  }

  private func workerNotified() {
    perform(drain.workerNotified())
  }

  private func workerEmptied() {
    perform(drain.workerEmptied())
  }

  /// Connections that already wait would be reset when the listener closes: they get their GOAWAY like all others.
  private func acceptLast() {
    for entry in listeners {
      for _ in 0...(Int(Listener.backlog) / Acceptor.batchMax) {
        if acceptor.accept(from: entry.listener.socket) == .rest { break }
      }
    }
  }

  private func closeListeners() {
    for entry in listeners {
      try? poller.remove(entry.registration)
      entry.listener.removeFile()
    }
    listeners = []
  }
}

/// What other threads may ask of a server.
package struct ServerHandle: Sendable {
  let mailbox: Mailbox<Server>
  let workers: Workers

  /// Begins the drain, as SIGTERM does; the second time it ends the process at once.
  package func stop() {
    mailbox.post { $0.stopRequested(by: "asked to stop") }
  }

  /// New exchanges use `policy`, on every loop.
  package func use(_ policy: PolicySnapshot, limits: PolicyLimits?) {
    // Once, on the thread that asks, and not on every loop.
    let compiled = CompiledPolicy(policy, limits: limits)
    workers.postToAll { $0.router.use(compiled) }
  }

  /// Every loop hears what became of records.
  package func recordsEnded(_ outcome: Books.RecordOutcome) {
    workers.postToAll { $0.router.recordsEnded(outcome) }
  }

  /// Runs something on every worker's thread.
  package func postToAll(_ letter: @escaping @Sendable (WorkerLoop) -> Void) {
    workers.postToAll(letter)
  }
}
