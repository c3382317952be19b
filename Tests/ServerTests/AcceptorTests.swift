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
      try place.leaveDescriptors(1)

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
      try place.leaveDescriptors(0)

      precondition(place.accept(now: began).isEmpty)
      precondition(place.acceptor.pauseEnds == began + Acceptor.pause)
      place.acceptor.watch(with: place.poller, now: began)
      precondition(place.poller.wait(timeout: .zero) == 0, "the listener is not watched")

      try place.leaveDescriptors(2)
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
  private let directory: TemporaryDirectory
  private let address: ListenAddress

  init(hasSpare: Bool = true) throws {
    directory = try TemporaryDirectory()
    address = .unix(path: directory.path + "/s")
    log = Logger(level: .info, format: .text, write: lines.append)
    poller = try Poller()
    let listener = try Listener(address, allowPlaintextNetwork: false)
    if !hasSpare { try Self.setLimit(left: 0) }
    acceptor = try Acceptor([listener], noun: "connection", poller: &poller, log: log)
    if !hasSpare { try Self.setLimit(left: 100) }
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

  func leaveDescriptors(_ count: Int) throws { try Self.setLimit(left: count) }

  /// Lets the process open that many more descriptors; it opens the lowest free ones.
  private static func setLimit(left: Int) throws {
    var limit = rlimit()
    precondition(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    let free = (0..<Int32(1000)).filter { fcntl($0, F_GETFD) == -1 }
    limit.rlim_cur = rlim_t(free[left])
    precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
  }
}
