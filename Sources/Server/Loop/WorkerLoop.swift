import Bytes
import Gateway
import Log
import Terms
import Transport

/// One worker: an epoll, its connections, its router. Everything in it happens on its own thread,
/// which others reach through the mailbox.
package final class WorkerLoop {
  package let router: any LoopGateway
  package let health: HealthService
  private let services: ServiceRouter
  private let mailbox: Mailbox<WorkerLoop>
  private let limits: LoopLimits
  private let transport: TransportLimits
  private let budget: BufferBudget
  private let log: Logger
  /// Called once for every connection that has gone.
  private let connectionClosed: () -> Void

  private var poller: Poller
  private let mailboxRegistration: Poller.Registration
  /// By descriptor.
  private var connections: [Connection?] = []
  private(set) package var connectionCount = 0
  private var receiveBuffer: [UInt8]
  private var output: [UInt8] = []
  private(set) var now = MonotonicTime.now
  /// When the connections' timers are looked at next; nil while no one has any.
  private var nextTimer: MonotonicTime?
  /// Connections on which a handler has answered outside their own turn.
  private var answered: [Connection] = []
  private var isDraining = false
  private var isStopped = false
  private var whenEmpty: (() -> Void)?

  /// Never throws for want of descriptors later: the epoll and the mailbox are there from now on.
  package init(
    router: any LoopGateway, mailbox: Mailbox<WorkerLoop>, limits: LoopLimits,
    transport: TransportLimits, budget: BufferBudget, log: Logger,
    connectionClosed: @escaping () -> Void
  ) throws(SystemError) {
    self.router = router
    self.health = HealthService()
    self.services = ServiceRouter(health: health, gateway: router)
    self.mailbox = mailbox
    self.limits = limits
    self.transport = transport
    self.budget = budget
    self.log = log
    self.connectionClosed = connectionClosed
    receiveBuffer = Array(repeating: 0, count: limits.receiveBytes)
    output.reserveCapacity(limits.outputBytes + (16 << 10))
    poller = try Poller()
    mailboxRegistration = try poller.add(mailbox.event, .read)
  }

  /// Works until `stop`.
  package func run() {
    while !isStopped {
      let timeout = nextTimer.map { max(.zero, $0 - now) }
      let count = poller.wait(timeout: timeout)
      now = .now
      var hasMail = false
      for index in 0..<count {
        let event = poller.event(index)
        if event.registration == mailboxRegistration {
          hasMail = true
        } else {
          handle(event)
        }
      }
      if hasMail {
        for letter in mailbox.take() { letter(self) }
      }
      if let nextTimer, nextTimer <= now { runTimers() }
      flushAnswers()
    }
  }

  /// Writes what handlers have answered outside their connection's turn: from a letter, or from
  /// another connection's.
  package func flushAnswers() {
    while !answered.isEmpty {
      let waiting = answered
      answered.removeAll(keepingCapacity: true)
      for connection in waiting where isServed(connection) { flush(connection) }
    }
  }

  /// False once its socket has been given up.
  private func isServed(_ connection: Connection) -> Bool {
    connections[Int(connection.registration.descriptor)] === connection
  }
}

// MARK: - What letters ask for

extension WorkerLoop {
  /// Serves a socket that was just accepted.
  package func adopt(_ socket: Descriptor) {
    let registration: Poller.Registration
    do {
      registration = try poller.add(socket, .read)
    } catch {
      log.report(.error, .connectionCut, "a connection was dropped: \(error)")
      connectionClosed()
      return
    }
    let http = ServerConnection(router: services, limits: transport, budget: budget, now: now)
    let connection = Connection(socket: socket, registration: registration, http: http)
    let slot = Int(socket.raw)
    if slot >= connections.count {
      connections.append(
        contentsOf: repeatElement(nil, count: max(64, slot + 1 - connections.count)))
    }
    precondition(connections[slot] == nil, "a descriptor stands for one connection")
    connections[slot] = connection
    connectionCount += 1
    // Both are gone when the loop is, which outlives its connections.
    http.onWantsWrite = { [unowned self, unowned connection] in answered.append(connection) }
    if isDraining { http.beginDrain(now: now) }
    flush(connection)
    tick(connection)
  }

  /// Asks every peer to go, and tells when the last one has.
  package func drain(whenEmpty: @escaping () -> Void) {
    isDraining = true
    for connection in connections {
      guard let connection, connection.lingersUntil == nil else { continue }
      connection.http.beginDrain(now: now)
      flush(connection)
      tick(connection)
    }
    if connectionCount == 0 { whenEmpty() } else { self.whenEmpty = whenEmpty }
  }

  /// Cuts what is left and ends the thread's work.
  package func stop() {
    whenEmpty = nil
    for connection in connections {
      if let connection { close(connection) }
    }
    isStopped = true
  }
}

// MARK: - Connections

extension WorkerLoop {
  private func handle(_ event: Poller.Event) {
    let slot = Int(event.registration.descriptor)
    // A stale event: the connection has gone in this same round, its descriptor may be another's.
    guard slot < connections.count, let connection = connections[slot],
      connection.registration == event.registration
    else { return }
    if event.isReadable {
      receive(connection)
    } else if event.isBroken {
      close(connection)
      return
    }
    if event.isWritable, isServed(connection) { flush(connection) }
  }

  /// One read, however much there is: level-triggered, the rest is told again, after the others' turn.
  private func receive(_ connection: Connection) {
    switch Kernel.receive(connection.socket, into: &receiveBuffer) {
    case .bytes(0), .failed:
      close(connection)
    case .wouldBlock:
      break
    case .bytes(let count):
      // While we linger, what still comes is of no use to anybody.
      if connection.lingersUntil != nil { return }
      connection.http.receive(receiveBuffer.span.extracting(0..<count), now: now)
      flush(connection)
      tick(connection)
    }
  }

  /// Writes what there is, as far as the socket takes it, and sets what is waited for next.
  private func flush(_ connection: Connection) {
    guard connection.lingersUntil == nil else { return }
    let wasStalled = connection.stalledSince != nil
    switch connection.flush(through: &output, limits: limits, now: now) {
    case .broken:
      close(connection)
      return
    case .done where connection.http.isClosed:
      linger(connection)
      return
    case .done, .waiting:
      break
    }
    if !wasStalled, connection.stalledSince != nil {
      wakeTimers(by: now + limits.writeStallTimeout)
    }
    wait(connection)
  }

  private func wait(_ connection: Connection) {
    let interest = connection.wantedInterest(limits: limits)
    guard interest != connection.interest else { return }
    do {
      try poller.change(connection.registration, to: interest)
      connection.interest = interest
    } catch {
      log.report(.error, .connectionCut, "a connection was cut: \(error)")
      close(connection)
    }
  }

  /// Our last byte is written: the peer's end is awaited, because closing with unread input would
  /// reset the connection and take our last bytes with it.
  private func linger(_ connection: Connection) {
    Kernel.shutdownWrites(connection.socket)
    connection.lingersUntil = now + limits.lingerTimeout
    connection.http.connectionLost()
    wait(connection)
    wakeTimers(by: now + limits.lingerTimeout)
  }

  private func close(_ connection: Connection) {
    guard isServed(connection) else { return }
    connections[Int(connection.registration.descriptor)] = nil
    connectionCount -= 1
    // The socket itself is closed with the last reference, at the latest when this round is over.
    try? poller.remove(connection.registration)
    if connection.lingersUntil == nil { connection.http.connectionLost() }
    connectionClosed()
    if connectionCount == 0, let whenEmpty {
      self.whenEmpty = nil
      whenEmpty()
    }
  }
}

// MARK: - Timers

extension WorkerLoop {
  private func wakeTimers(by time: MonotonicTime) {
    nextTimer = nextTimer.map { min($0, time) } ?? time
  }

  private func runTimers() {
    nextTimer = nil
    for connection in connections {
      if let connection { runTimers(of: connection) }
    }
    // Not more often than the resolution, whatever deadlines say.
    if let next = nextTimer { nextTimer = max(next, now + limits.timerResolution) }
  }

  private func runTimers(of connection: Connection) {
    if let until = connection.lingersUntil {
      if until <= now { return close(connection) }
    } else if let since = connection.stalledSince, since + limits.writeStallTimeout <= now {
      log.report(.info, .connectionCut, "a connection was cut: its peer reads nothing")
      return close(connection)
    } else if let due = connection.nextTick, due <= now {
      tick(connection)
    }
    if isServed(connection), let next = connection.nextDeadline(limits: limits) {
      wakeTimers(by: next)
    }
  }

  /// Lets the HTTP/2 connection act on its deadlines and learns the next, which input may have changed.
  private func tick(_ connection: Connection) {
    guard isServed(connection), connection.lingersUntil == nil else { return }
    connection.nextTick = connection.http.tick(now: now)
    if let next = connection.nextTick { wakeTimers(by: next) }
    if connection.http.isClosed || connection.unsent.isEmpty && connection.http.wantsWrite {
      flush(connection)
    }
  }
}
