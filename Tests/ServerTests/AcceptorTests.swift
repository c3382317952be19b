import Bytes
import Glibc
import Log
import Terms
import Testing

@testable import Server

/// Accepting while descriptors run out. Each test is a process of its own, because the limit counts
/// for the whole process.
struct AcceptorTests {
  @Test func `the last descriptor serves a connection, one over is closed, later ones are served`()
    async
  {
    await #expect(processExitsWith: .success) {
      let place = try ListeningPlace()
      var clients = [try place.connect(), try place.connect(), try place.connect()]
      place.leaveDescriptors(1)

      precondition(place.accept().count == 1, "the last descriptor is used")
      precondition(place.acceptor.pauseEnds == nil, "nothing waits, so nothing is paused")
      for client in clients.dropFirst() { precondition(place.isAtEnd(client)) }
      place.log.flush()
      precondition(place.lines.contains("out of file descriptors: a new connection was closed"))

      clients = []
      let late = try place.connect()
      precondition(place.accept().count == 1, "a descriptor is free again")
      withExtendedLifetime(late) {}
    }
  }

  @Test func `without a spare descriptor accepting pauses, and goes on after the pause`() async {
    await #expect(processExitsWith: .success) {
      let place = try ListeningPlace(hasSpare: false)
      let client = try place.connect()
      let began = MonotonicTime.now
      place.leaveDescriptors(0)

      precondition(place.accept(now: began).isEmpty)
      precondition(place.acceptor.pauseEnds == began + Acceptor.pause)
      place.acceptor.watch(with: place.poller, now: began)
      precondition(place.poller.wait(timeout: .zero) == 0, "the listener is not watched")

      place.leaveDescriptors(2)
      place.acceptor.watch(with: place.poller, now: began + Acceptor.pause)
      precondition(place.acceptor.pauseEnds == nil)
      precondition(place.poller.wait(timeout: .zero) == 1, "the connection still waits")
      precondition(place.accept().count == 1)
      withExtendedLifetime(client) {}
    }
  }
}

/// A listener and its acceptor, and how many descriptors the process may still open.
private final class ListeningPlace {
  let lines = LogCapture()
  let log: Logger
  var poller: Poller
  var acceptor: Acceptor
  /// Descriptors that are taken so that nothing else can have them.
  private var fillers: [Int32] = []
  private let directory: TemporaryDirectory
  private let address: ListenAddress

  init(hasSpare: Bool = true) throws {
    directory = try TemporaryDirectory()
    address = .unix(path: directory.path + "/s")
    log = Logger(level: .info, format: .text, write: lines.append)
    poller = try Poller()
    let listener = try Listener(address, allowPlaintextNetwork: false)
    if !hasSpare {
      Self.setLimit()
      while case let taken = dup(0), taken >= 0 { fillers.append(taken) }
    }
    acceptor = try Acceptor([listener], noun: "connection", poller: &poller, log: log)
    freeDescriptors()
  }

  /// A connection that waits to be accepted.
  func connect() throws -> Descriptor {
    let socket = try Kernel.createSocket(for: address.socketAddress, blocking: true)
    try Kernel.setTimeouts(socket, TestClient.timeout)
    try Kernel.connect(socket, to: address.socketAddress)
    return socket
  }

  func accept(now: MonotonicTime = .now) -> [Descriptor] {
    var accepted: [Descriptor] = []
    acceptor.accept(at: 0, now: now) { accepted.append($0) }
    return accepted
  }

  /// Whether the server has closed the connection.
  func isAtEnd(_ client: Descriptor) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1)
    if case .bytes(0) = Kernel.receive(client, into: &buffer) { return true }
    return false
  }

  /// Leaves the process that many descriptors. All that are free under the limit are taken first, also
  /// those that other threads have given back since, and then as many are given back.
  func leaveDescriptors(_ count: Int) {
    Self.setLimit()
    while case let taken = dup(0), taken >= 0 { fillers.append(taken) }
    for _ in 0..<count { close(fillers.removeLast()) }
  }

  private func freeDescriptors() {
    for filler in fillers { close(filler) }
    fillers = []
  }

  /// A limit not far above what is open.
  private static func setLimit() {
    var limit = rlimit()
    precondition(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    let highest = (0..<Int32(1000)).last { fcntl($0, F_GETFD) != -1 } ?? 0
    limit.rlim_cur = min(rlim_t(highest) + 17, limit.rlim_max)
    precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
  }
}
