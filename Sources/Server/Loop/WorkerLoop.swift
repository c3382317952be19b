import Bytes
import Log
import Terms
import Transport

/// One worker: an epoll, its connections and its gateway.
///
/// On its worker's thread, which owns it; others reach it through the mailbox.
final class WorkerLoop {
  /// The gateway, which answers all but health.
  let router: any LoopGateway
  /// grpc.health.v1 on this loop's connections.
  let health: HealthService
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
  /// By descriptor; nil where the descriptor is not a connection's.
  private var connections: [Connection?] = []
  /// How many `connections` there are.
  private(set) var connectionCount = 0
  /// Every read goes into it, and is handed on before the next.
  private var receiveBuffer: [UInt8]
  /// Output on its way to a socket; empty between two flushes, kept for its memory.
  private var output: [UInt8] = []
  /// The time of this round of the loop.
  private(set) var now = MonotonicTime.now
  /// When the connections' timers are looked at next; nil while no connection has one.
  private var nextTimer: MonotonicTime?
  /// Connections whose handlers have answered while the loop was busy with something else: they are
  /// flushed at the end of the round.
  private var answered: [Connection] = []
  private var isDraining = false
  private var isStopped = false
  /// Called once when the last connection of a drain has gone.
  private var whenEmpty: (() -> Void)?

  /// A loop that is ready to run; `connectionClosed` is called once for every connection that has
  /// gone. Throws where the process has no descriptor left for the epoll.
  init(
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

  /// Serves until `stop`.
  func run() {
    while !isStopped {
      let timeout = nextTimer.map { max(.zero, $0 - now) }
      let count = poller.wait(timeout: timeout)
      now = .now
      var hasMessages = false
      for index in 0..<count {
        let event = poller.event(index)
        if event.registration == mailboxRegistration {
          hasMessages = true
        } else {
          handle(event)
        }
      }
      if hasMessages { mailbox.deliver(to: self) }
      if let nextTimer, nextTimer <= now { runTimers() }
      flushAnswers()
    }
  }

  /// Writes what handlers have answered outside their connection's turn: because of a message, or
  /// while another connection was read.
  func flushAnswers() {
    while !answered.isEmpty {
      let waiting = answered
      answered.removeAll(keepingCapacity: true)
      for connection in waiting where isServed(connection) { flush(connection) }
    }
  }

  /// False once the connection was closed.
  private func isServed(_ connection: Connection) -> Bool {
    connections[Int(connection.registration.descriptor)] === connection
  }
}

// MARK: - What messages ask for

extension WorkerLoop {
  /// Serves a socket that was just accepted.
  func adopt(_ socket: Descriptor) {
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
    precondition(connections[slot] == nil, "a descriptor belongs to one connection")
    connections[slot] = connection
    connectionCount += 1
    // Unowned: the loop outlives its connections, and `http` is the connection's own.
    http.onWantsWrite = { [unowned self, unowned connection] in answered.append(connection) }
    sayRefused(connection)
    if isDraining { http.beginDrain(now: now) }
    flush(connection)
    tick(connection)
  }

  /// Begins the drain of every connection (GOAWAY); `whenEmpty` is called when the last has gone.
  func drain(whenEmpty: @escaping () -> Void) {
    isDraining = true
    for connection in connections {
      guard let connection, connection.lingersUntil == nil else { continue }
      connection.http.beginDrain(now: now)
      flush(connection)
      tick(connection)
    }
    if connectionCount == 0 { whenEmpty() } else { self.whenEmpty = whenEmpty }
  }

  /// Closes every connection and has `run` return.
  func stop() {
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
    // Otherwise the event is stale: the connection was closed earlier in this round, and a new one
    // may have its descriptor.
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

  /// One read, however much there is: epoll is level-triggered and reports the rest again, when the
  /// other connections have had their turn.
  private func receive(_ connection: Connection) {
    switch Kernel.receive(connection.socket, into: &receiveBuffer) {
    case .bytes(0), .failed:
      close(connection)
    case .wouldBlock:
      break
    case .bytes(let count):
      // Our side is over: what the peer still sends is read and dropped.
      if connection.lingersUntil != nil { return }
      connection.http.receive(receiveBuffer.span.extracting(0..<count), now: now)
      sayRefused(connection)
      flush(connection)
      tick(connection)
    }
  }

  /// Says that there was no room for a stream or the connection.
  private func sayRefused(_ connection: Connection) {
    guard connection.http.takeRefusedCount() > 0 else { return }
    log.report(
      .warning, .buffersFull,
      "streams are refused: --max-buffer-bytes or --max-connection-buffer-bytes is reached")
  }

  /// Writes what there is, as far as the socket takes it, and sets what epoll watches for next.
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

  /// Has epoll watch for what the connection needs now.
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

  /// Our last byte is written: waits for the peer to close, because closing a socket with unread
  /// input resets the connection, and the peer would lose our last bytes.
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
    // The socket is closed with its last reference, at the latest when this round is over.
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
  /// Has the timers looked at by `time` at the latest.
  private func wakeTimers(by time: MonotonicTime) {
    nextTimer = nextTimer.map { min($0, time) } ?? time
  }

  private func runTimers() {
    nextTimer = nil
    for connection in connections {
      if let connection { runTimers(of: connection) }
    }
    // No more often than the resolution, however close the deadlines are.
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

  /// Has the HTTP/2 connection act on its deadlines, and asks for the next one, which new input may
  /// have changed.
  private func tick(_ connection: Connection) {
    guard isServed(connection), connection.lingersUntil == nil else { return }
    connection.nextTick = connection.http.tick(now: now)
    if let next = connection.nextTick { wakeTimers(by: next) }
    if connection.http.isClosed || connection.unsent.isEmpty && connection.http.wantsWrite {
      flush(connection)
    }
  }
}
