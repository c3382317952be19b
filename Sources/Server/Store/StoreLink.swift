import Bytes
import Redis

/// One server of the store, or a Sentinel: its socket, and what is spoken on it. Connects again by
/// itself, after waits that grow.
///
/// On the store's thread.
struct StoreLink {
  /// What has happened on it.
  enum Event {
    case ready(RedisServer)
    case answered(UInt64, RESPValue)
    case pushed
    /// The connection is gone, with the calls that were not answered.
    case lost(reason: String, word: String, unanswered: [UInt64])
  }

  let node: RedisNode
  let purpose: RedisConnection.Purpose
  private var socket: OutgoingSocket
  private let names: NameResolver
  private(set) var connection: RedisConnection?
  /// Who we are on the connection.
  private(set) var credentials: RedisCredentials?
  /// When the attempt that is being made is given up.
  private var connectByMs: Int64 = 0
  /// When it is tried again; nil while it is connected or connecting.
  private var retryMs: Int64? = 0
  /// Whether the server's name is being looked up.
  private var isResolving = false
  private(set) var health = LinkHealth()
  private(set) var connects = 0

  init(_ node: RedisNode, _ purpose: RedisConnection.Purpose, names: NameResolver) {
    self.node = node
    self.purpose = purpose
    self.names = names
    let peer: OutgoingSocket.Peer =
      switch node {
      case .unix(let path): .unix(path)
      case .tcp(let host, let port): .tcp(host: host, port: port)
      }
    socket = OutgoingSocket(peer, timeout: RedisLimits.connectTimeout)
  }

  var isReady: Bool { connection?.isReady ?? false }
  /// `run_id` of the server that is spoken to.
  var runID: String { connection?.server.runID ?? "" }

  var failures: Int { health.failures }

  /// Whether calls can no longer be counted on.
  func isLost(nowMs: Int64) -> Bool {
    health.isLost(silentSinceMs: connection?.silentSinceMs, nowMs: nowMs)
  }

  /// What poll(2) is to watch; nil while there is no socket.
  var polled: Polled? {
    guard let descriptor = socket.descriptor else { return nil }
    let writes = !socket.isOpen || !socket.unsent.isEmpty
    return Polled(descriptor.raw, reads: socket.isOpen, writes: writes)
  }

  /// When `tick` has something to do if nothing comes; nil for never.
  func nextMs(nowMs: Int64) -> Int64? {
    if let retryMs { return retryMs }
    guard let connection, connection.isReady else { return connectByMs }
    let silence = connection.silentSinceMs.map { since in
      let silence = since + RedisLimits.silenceMax.wholeMilliseconds
      return nowMs < silence ? silence : since + RedisLimits.connectionSilenceMax.wholeMilliseconds
    }
    guard let tryMs = health.nextTryMs, tryMs > nowMs else { return silence }
    return min(silence ?? .max, tryMs)
  }

  // MARK: Calls

  mutating func call(_ call: RedisCall, id: UInt64, isAsking: Bool = false, nowMs: Int64) -> Bool {
    connection?.call(call, id: id, isAsking: isAsking, nowMs: nowMs) ?? false
  }

  mutating func command(_ words: [String], id: UInt64, nowMs: Int64) -> Bool {
    connection?.command(words.map { Array($0.utf8) }, id: id, nowMs: nowMs) ?? false
  }

  /// Has a Sentinel say by itself that a master has changed.
  mutating func subscribe(_ channel: String, nowMs: Int64) {
    connection?.subscribe(channel, nowMs: nowMs)
  }

  /// It has answered as it should; `isStatement`: to a statement.
  mutating func served(isStatement: Bool) {
    if isStatement { health.stated() } else { health.served() }
  }

  /// It has answered a statement with an error.
  mutating func refused(nowMs: Int64, jitter: UInt64) {
    health.refused(nowMs: nowMs, random: jitter)
  }

  // MARK: Progress

  /// Connects where it is due, and gives up what takes too long. `credentials` are read anew for each
  /// connection; where they cannot be, `readCredentials` returns why.
  mutating func tick(
    nowMs: Int64, jitter: UInt64, readCredentials: () -> Result<RedisCredentials?, StoreProblem>
  ) -> [Event] {
    if let retryMs {
      guard nowMs >= retryMs else { return [] }
      self.retryMs = nil
      connectByMs = nowMs + RedisLimits.connectTimeout.wholeMilliseconds
      switch readCredentials() {
      case .success(let read): credentials = read
      case .failure(let problem): return fail(problem.text, "CREDENTIALS", nowMs, jitter)
      }
      isResolving = true
    }
    if isResolving { return connect(nowMs, jitter) }
    health.tryAgain(nowMs: nowMs)
    guard let connection else { return [] }
    if !connection.isReady {
      guard nowMs >= connectByMs else { return [] }
      return fail("no answer while connecting", "CONNECT", nowMs, jitter)
    }
    if let since = connection.silentSinceMs,
      nowMs - since >= RedisLimits.connectionSilenceMax.wholeMilliseconds
    {
      return fail("no answer", "SILENT", nowMs, jitter)
    }
    return []
  }

  /// Connects, once the server's addresses are known.
  private mutating func connect(_ nowMs: Int64, _ jitter: UInt64) -> [Event] {
    var reason: String?
    switch node {
    case .unix: reason = socket.connect()
    case .tcp(let host, let port):
      switch names.addresses(of: host, port: port) {
      case .addresses(let addresses): reason = socket.connect(to: addresses)
      case .failed(let problem): reason = problem
      case nil:
        guard nowMs >= connectByMs else { return [] }
        reason = "\(host) is still being resolved"
      }
    }
    isResolving = false
    if let reason { return fail(reason, "CONNECT", nowMs, jitter) }
    connection = RedisConnection(purpose, credentials: credentials, nowMs: nowMs)
    return []
  }

  /// Goes on with what poll(2) has found.
  mutating func proceed(_ polled: Polled, nowMs: Int64, jitter: UInt64) -> [Event] {
    if !socket.isOpen {
      switch socket.connecting(polled) {
      case .waiting: return []
      case .failed(let reason): return fail(reason, "CONNECT", nowMs, jitter)
      case .connected: break
      }
    }
    var events: [Event] = []
    if polled.isReadable {
      var fault: RedisConnection.Fault?
      let received = socket.receive { bytes in
        do throws(RedisConnection.Fault) {
          try connection?.received(bytes, nowMs: nowMs)
          return nil
        } catch {
          fault = error
          return error.description
        }
      }
      events = takeEvents()
      switch received {
      case .open: break
      case .ended: return events + fail("the server closed the connection", "CLOSED", nowMs, jitter)
      case .failed(let reason):
        return events + fail(reason, fault?.word ?? "CLOSED", nowMs, jitter)
      }
    }
    return events
  }

  private mutating func takeEvents() -> [Event] {
    (connection?.takeEvents() ?? []).map { event in
      switch event {
      case .ready(let server):
        health.connected()
        connects += 1
        socket.proved()
        return .ready(server)
      case .answered(let id, let value): return .answered(id, value)
      case .pushed: return .pushed
      }
    }
  }

  /// Writes what is to be sent; returns what happened where the connection is lost by that.
  mutating func flush(nowMs: Int64, jitter: UInt64) -> [Event] {
    guard socket.isOpen, connection?.wantsWrite == true || !socket.unsent.isEmpty else { return [] }
    if let output = connection?.takeOutput(), !output.isEmpty {
      socket.gather { $0.append(contentsOf: output) }
    }
    switch socket.send() {
    case .some: return []
    case .failed(let reason): return fail(reason, "CLOSED", nowMs, jitter)
    }
  }

  /// Gives the connection up because of what was answered: the next one asks the server anew what it
  /// is.
  mutating func doubt(_ error: RedisError, nowMs: Int64, jitter: UInt64) -> [Event] {
    health.doubted()
    return close(error.description, error.word, nowMs: nowMs, jitter: jitter)
  }

  /// Gives the connection up.
  mutating func close(_ reason: String, _ word: String, nowMs: Int64, jitter: UInt64) -> [Event] {
    guard connection != nil else { return [] }
    return fail(reason, word, nowMs, jitter)
  }

  /// Tries to connect now where it waits to.
  mutating func hurry(nowMs: Int64) {
    if retryMs != nil { retryMs = nowMs }
  }

  private mutating func fail(
    _ reason: String, _ word: String, _ nowMs: Int64, _ jitter: UInt64
  ) -> [Event] {
    let unanswered = connection?.unanswered ?? []
    let wasReady = connection?.isReady ?? false
    connection = nil
    socket.close()
    isResolving = false
    retryMs = nowMs + health.disconnected(wasReady: wasReady, random: jitter)
    return [.lost(reason: reason, word: word, unanswered: unanswered)]
  }
}

/// Why the store cannot be spoken to, in words without what may be secret.
struct StoreProblem: Error, Equatable {
  let text: String
}
