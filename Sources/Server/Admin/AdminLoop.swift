import Bytes
import Gateway
import Glibc
import Log
import Terms
import Transport

/// The admin server's thread: an epoll and its connections. Everything in it happens on that thread.
final class AdminLoop {
  /// The wait after the machine ran short of descriptors or memory.
  static let acceptRest: Duration = .milliseconds(100)
  /// Connections taken from one listener before anything else has its turn.
  static let acceptBatchMax = 16

  private let listeners: [(listener: AdminListener, registration: Poller.Registration)]
  private let mailbox: Mailbox<AdminLoop>
  private let mail: Poller.Registration
  private let site: any AdminSite
  private let limits: HTTPLimits
  private let log: Logger
  private var poller: Poller
  private var connections: [Poller.Registration: AdminConnection] = [:]
  private var buffer: [UInt8]
  private var now = MonotonicTime.now
  private var restEnds: MonotonicTime?
  private var isStopped = false

  init(
    _ listeners: [AdminListener], mailbox: Mailbox<AdminLoop>, site: any AdminSite,
    limits: HTTPLimits, log: Logger
  ) throws(SystemError) {
    var poller = try Poller()
    var watched: [(AdminListener, Poller.Registration)] = []
    for listener in listeners {
      watched.append((listener, try poller.add(listener.listener.socket, .read)))
    }
    self.listeners = watched
    self.mailbox = mailbox
    mail = try poller.add(mailbox.event, .read)
    self.poller = poller
    self.site = site
    self.limits = limits
    self.log = log
    buffer = [UInt8](repeating: 0, count: limits.receiveBytes)
  }

  /// Answers until `stop`.
  func run() {
    while !isStopped {
      let count = poller.wait(timeout: timeout())
      now = .now
      for index in 0..<count {
        let event = poller.event(index)
        if event.registration == mail {
          for letter in mailbox.take() { letter(self) }
        } else if let entry = listeners.first(where: { $0.registration == event.registration }) {
          accept(from: entry.listener)
        } else if let connection = connections[event.registration] {
          handle(event, connection)
        }
      }
      runTimers()
    }
    connections = [:]
  }

  func stop() {
    isStopped = true
  }

  private func timeout() -> Duration? {
    let deadlines = connections.values.map(\.http.deadline) + [restEnds].compactMap(\.self)
    return deadlines.min().map { max(.zero, $0 - .now) }
  }

  private func runTimers() {
    if let end = restEnds, end <= now {
      restEnds = nil
      watchListeners(for: .read)
    }
    for connection in connections.values where connection.http.deadline <= now {
      connection.http.timedOut(now: now, wallSeconds: Self.wallSeconds)
      settle(connection)
    }
  }

  private static var wallSeconds: Int64 { SystemClock.wallNanoseconds() / 1_000_000_000 }
}

// MARK: - Accepting

extension AdminLoop {
  private func accept(from listener: AdminListener) {
    for _ in 0..<Self.acceptBatchMax {
      do {
        guard let socket = try Kernel.accept(listener.listener.socket) else { return }
        guard makeRoom(in: listener.scope) else { continue }
        let registration = try poller.add(socket, .read)
        let http = HTTPServerConnection(limits: limits, now: now)
        connections[registration] = AdminConnection(
          socket: socket, registration: registration, scope: listener.scope, http: http)
      } catch {
        switch error.code {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC:
          log.report(.error, "the admin server takes no connections for now: \(error)")
          restEnds = now + Self.acceptRest
          watchListeners(for: [])
          return
        default:
          // It failed before it was taken: the next one.
          continue
        }
      }
    }
  }

  /// False where every connection of the scope has an answer on its way: the new one is closed.
  /// Otherwise whoever has waited longest with its request goes, so that nobody can keep probes out
  /// by only holding connections.
  private func makeRoom(in scope: AdminScope) -> Bool {
    let peers = connections.values.filter { $0.scope == scope }
    guard peers.count >= limits.connectionsMax else { return true }
    let waiting = peers.filter(\.http.awaitsRequest)
    guard let oldest = waiting.min(by: { $0.http.since < $1.http.since }) else {
      log.report(.warning, "a connection to the admin server was closed: there are too many")
      return false
    }
    close(oldest)
    return true
  }

  private func watchListeners(for interest: Poller.Interest) {
    for entry in listeners { try? poller.change(entry.registration, to: interest) }
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

  /// Writes what there is, and waits for what is next.
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

  private func answer(_ connection: AdminConnection) -> HTTPServerConnection.Answer {
    { [site, limits, connections] request in
      guard connection.scope.accepts(request.authority, path: request.path) else {
        return HTTPFault.misdirected.response
      }
      let response = site.answer(request, scope: connection.scope)
      // Its own answers are all out, or it would not be asking.
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
