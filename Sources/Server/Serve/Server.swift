import Bytes
import Gateway
import Glibc
import Log
import Terms
import Transport

/// The running server: its listeners, its workers, its signals and its drain.
///
/// On the thread that calls `run`, which owns it; others reach it through `handle`.
///
/// The threads of a serving process, and what each owns:
///
/// - main: `Server`, with the listeners, the signals and the drain;
/// - `tollgate-loopN`, one for each worker: a `WorkerLoop`, with its connections and its gateway;
/// - `tollgate-admin`: the `AdminLoop`, with its listeners and connections;
/// - `tollgate-policy`: the `PolicyStore`;
/// - `ship`, one for each target: a `ShipLoop`;
/// - the ledger's writer, the log's writer, and a timer of Dispatch that fires once a second.
///
/// The workers, the admin server, the policy watcher and the targets' threads get what they own by
/// a `Handover`. A type without a line about threads is a value, or a namespace of functions
/// without state, and may be used on any thread.
package final class Server {
  /// How long the workers may take to end once they are told to.
  static let joinSecondsMax = 5

  /// The addresses listened on, with the ports the kernel chose.
  package let addresses: [ListenAddress]
  /// What other threads may ask of the server.
  package let handle: ServerHandle

  private let configuration: ServerConfiguration
  private let log: Logger
  private let connections: ConnectionCount
  private let workers: Workers
  private let mailbox: Mailbox<Server>
  private var poller: Poller
  private var acceptor: Acceptor
  private var dealer: ConnectionDealer
  private var drain: DrainState
  /// When the drain is cut; nil while there is none.
  private var drainEnds: MonotonicTime?
  private var drainLog: DrainLog
  private var isOver = false
  /// Called once, on the server's thread, when the drain begins and before anything else is done.
  package var drainBegan: () -> Void = {}
  /// How many requests were admitted and are not over, for what the log says of a drain.
  package var inflight: () -> UInt64 = { 0 }

  /// Opens every listener and starts the workers. Nothing is accepted before `run`.
  ///
  /// `makeGateway` is called once for each worker. Throws `ListenError` for an address that cannot
  /// be had, `SystemError` where the process has no descriptors left.
  package init(
    _ configuration: ServerConfiguration, log: Logger,
    makeGateway: @Sendable () -> any LoopGateway
  ) throws {
    Kernel.ignoreBrokenPipes()
    self.configuration = configuration
    self.log = log
    var listeners: [Listener] = []
    for address in configuration.listen {
      listeners.append(
        try Listener(address, allowPlaintextNetwork: configuration.allowPlaintextNetwork))
    }
    addresses = listeners.map(\.address)
    connections = ConnectionCount(limit: configuration.connectionsMax)
    drain = DrainState(workers: configuration.workers)
    drainLog = DrainLog(log: log)
    mailbox = try Mailbox()
    var poller = try Poller()
    acceptor = try Acceptor(listeners, noun: "connection", poller: &poller, log: log)
    self.poller = poller
    // Last, because nothing here can fail once threads run.
    workers = try Workers(
      configuration: configuration, connections: connections, log: log, makeGateway: makeGateway)
    dealer = ConnectionDealer(workers: workers, connections: connections, log: log)
    handle = ServerHandle(mailbox: mailbox, workers: workers)
  }

  /// Serves until the drain is over; returns the exit status. `signals` are those that came through
  /// `SignalSource`; `rotate` is called for SIGUSR1, `reload` for SIGHUP.
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
            mailbox.deliver(to: self)
          } else if event.registration == signal {
            signals?.forEachPending { handle($0, rotate: rotate, reload: reload) }
          } else if let listener = acceptor.index(of: event.registration) {
            acceptor.accept(at: listener, now: .now) { dealer.deal($0) }
          }
        }
        runTimers()
      }
    } catch {
      log.log(.error, .serverFailed, "the server ends: \(error)")
    }
    acceptor.close(with: poller)
    workers.postToAll { $0.stop() }
    guard workers.join(timeoutSeconds: Self.joinSecondsMax) else {
      log.log(.error, .serverFailed, "a worker did not end")
      return 1
    }
    return drain.exitStatus
  }

  /// Ends a server that was opened and will not run: its listeners and its workers go.
  package func abandon() {
    acceptor.close(with: poller)
    workers.postToAll { $0.stop() }
    _ = workers.join(timeoutSeconds: Self.joinSecondsMax)
  }

  /// What a drain still waits for.
  private var left: DrainLog.Left {
    DrainLog.Left(connections: connections.value, requests: Int(clamping: inflight()))
  }

  private func timeout() -> Duration? {
    let next = [drainEnds, acceptor.pauseEnds, drainLog.next].compactMap(\.self).min()
    return next.map { max(.zero, $0 - .now) }
  }

  private func runTimers() {
    acceptor.watch(with: poller, now: .now)
    drainLog.tick(now: .now, left)
    if let end = drainEnds, end <= .now {
      drainEnds = nil
      perform(drain.timedOut())
    }
  }
}

// MARK: - Signals and the drain

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

  /// Begins the drain, or ends at once where it has begun. `cause` is what the log says of it.
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
      // Connections that already wait get their GOAWAY like all others.
      acceptor.acceptLast(now: .now) { dealer.deal($0) }
      acceptor.close(with: poller)
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
      acceptor.close(with: poller)
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
}
