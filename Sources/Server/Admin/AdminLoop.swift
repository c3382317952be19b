import Bytes
import Gateway
import Log
import Terms
import Transport

/// The admin server's loop: an epoll, its listeners and its connections.
///
/// On the admin server's thread, which owns it.
final class AdminLoop {
  private let mailbox: Mailbox<AdminLoop>
  private let mail: Poller.Registration
  private let site: any AdminSite
  private let limits: HTTPLimits
  private let log: Logger
  private var poller: Poller
  private var acceptor: Acceptor
  /// What each of the acceptor's listeners is for, by its position there.
  private let scopes: [AdminScope]
  private var connections: [Poller.Registration: AdminConnection] = [:]
  /// Every read goes into it, and is handed on before the next.
  private var buffer: [UInt8]
  /// The time of this round of the loop.
  private var now = MonotonicTime.now
  private var isStopped = false

  /// A loop that is ready to run. Throws where the process has no descriptor left for the epoll.
  init(
    _ listeners: [(listener: Listener, scope: AdminScope)], mailbox: Mailbox<AdminLoop>,
    site: any AdminSite, limits: HTTPLimits, log: Logger
  ) throws(SystemError) {
    var poller = try Poller()
    acceptor = try Acceptor(
      listeners.map(\.listener), noun: "admin connection", poller: &poller, log: log)
    scopes = listeners.map(\.scope)
    self.mailbox = mailbox
    mail = try poller.add(mailbox.event, .read)
    self.poller = poller
    self.site = site
    self.limits = limits
    self.log = log
    buffer = [UInt8](repeating: 0, count: limits.receiveBytes)
  }

  /// Answers until `stop`, then closes everything.
  func run() {
    while !isStopped {
      let count = poller.wait(timeout: timeout())
      now = .now
      for index in 0..<count {
        let event = poller.event(index)
        if event.registration == mail {
          mailbox.deliver(to: self)
        } else if let listener = acceptor.index(of: event.registration) {
          acceptor.accept(at: listener, now: now) { adopt($0, scopes[listener]) }
        } else if let connection = connections[event.registration] {
          handle(event, connection)
        }
      }
      runTimers()
    }
    connections = [:]
    acceptor.close(with: poller)
  }

  /// Has `run` return.
  func stop() {
    isStopped = true
  }

  private func timeout() -> Duration? {
    let next = [connections.values.map(\.http.deadline).min(), acceptor.pauseEnds]
    return next.compactMap(\.self).min().map { max(.zero, $0 - .now) }
  }

  private func runTimers() {
    acceptor.watch(with: poller, now: now)
    for connection in connections.values where connection.http.deadline <= now {
      connection.http.timedOut(now: now, wallSeconds: Self.wallSeconds)
      settle(connection)
    }
  }

  private static var wallSeconds: Int64 { SystemClock.wallNanoseconds() / 1_000_000_000 }
}

// MARK: - New connections

extension AdminLoop {
  /// Serves a socket that was just accepted, or closes it where there is no room.
  private func adopt(_ socket: Descriptor, _ scope: AdminScope) {
    guard makeRoom(in: scope) else { return }
    do {
      let registration = try poller.add(socket, .read)
      connections[registration] = AdminConnection(
        socket: socket, registration: registration, scope: scope,
        http: HTTPServerConnection(limits: limits, now: now))
    } catch {
      log.report(.error, .connectionCut, "an admin connection was dropped: \(error)")
    }
  }

  /// Makes room for one more connection of the scope; false where each of them has an answer on its
  /// way.
  ///
  /// Of those that wait for a request, the one that has waited longest is closed, so that nobody
  /// can keep probes out by only holding connections.
  private func makeRoom(in scope: AdminScope) -> Bool {
    let peers = connections.values.filter { $0.scope == scope }
    guard peers.count >= limits.connectionsMax else { return true }
    let waiting = peers.filter(\.http.wantsRead)
    guard let oldest = waiting.min(by: { $0.http.since < $1.http.since }) else {
      log.report(.warning, "a connection to the admin server was closed: there are too many")
      return false
    }
    close(oldest)
    return true
  }
}

// MARK: - Connections

extension AdminLoop {
  private func handle(_ event: Poller.Event, _ connection: AdminConnection) {
    if event.isReadable, connection.http.wantsRead {
      receive(connection)
    } else if event.isBroken {
      return close(connection)
    }
    settle(connection)
  }

  private func receive(_ connection: AdminConnection) {
    switch Kernel.receive(connection.socket, into: &buffer) {
    case .bytes(0):
      connection.http.peerFinished()
    case .failed:
      close(connection)
    case .wouldBlock:
      break
    case .bytes(let count):
      connection.http.received(
        buffer[..<count], now: now, wallSeconds: Self.wallSeconds, answer(connection))
    }
  }

  /// Writes what there is, closes a connection that is over, and sets what epoll watches for next.
  private func settle(_ connection: AdminConnection) {
    guard connections[connection.registration] === connection else { return }
    if connection.http.unsentBytes > 0 {
      switch Kernel.send(connection.socket, connection.http.output, from: connection.http.sent) {
      case .bytes(let count): connection.http.took(count)
      case .wouldBlock: break
      case .failed: return close(connection)
      }
    }
    connection.http.answered(now: now, wallSeconds: Self.wallSeconds, answer(connection))
    if connection.http.isClosed { return close(connection) }
    if connection.http.isLingering, !connection.hasShutDown {
      Kernel.shutdownWrites(connection.socket)
      connection.hasShutDown = true
    }
    let interest: Poller.Interest = connection.http.wantsWrite ? .write : .read
    guard interest != connection.interest else { return }
    do {
      try poller.change(connection.registration, to: interest)
      connection.interest = interest
    } catch {
      close(connection)
    }
  }

  /// What answers the connection's requests: the site, unless the Host is not ours or too much
  /// output waits already.
  private func answer(_ connection: AdminConnection) -> HTTPServerConnection.Answer {
    { [site, limits, connections] request in
      guard connection.scope.accepts(request.authority, path: request.path) else {
        return HTTPFault.misdirected.response
      }
      let response = site.answer(request, scope: connection.scope)
      // Not its own: a connection is asked for its next answer when the one before is sent.
      let unsent = connections.values.reduce(0) { sum, other in
        other === connection ? sum : sum + other.http.unsentBytes
      }
      guard unsent + response.body.count <= limits.unsentBytesMax else {
        return .error(.serviceUnavailable, "too many answers wait to be read")
      }
      return response
    }
  }

  private func close(_ connection: AdminConnection) {
    guard connections.removeValue(forKey: connection.registration) != nil else { return }
    try? poller.remove(connection.registration)
  }
}
