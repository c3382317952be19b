import Bytes
import Testing
import Transport

@testable import Server

/// An HTTP/2 client on a socket, for one test. Every wait ends at a deadline.
final class TestClient {
  /// The longest wait of a test.
  static let timeout: Duration = .seconds(20)

  let socket: Descriptor
  let http: ClientConnection
  private(set) var isAtEnd = false
  private var output: [UInt8] = []
  private var start = 0
  private var input = [UInt8](repeating: 0, count: 64 << 10)

  init(_ address: ListenAddress, limits: TransportLimits = TransportLimits()) throws {
    socket = try Kernel.createSocket(for: address.socketAddress, blocking: true)
    try Kernel.setTimeouts(socket, .seconds(20))
    try Kernel.connect(socket, to: address.socketAddress)
    http = ClientConnection(limits: limits)
  }

  /// Sends what waits.
  func send() throws {
    while true {
      if start == output.count {
        output.removeAll(keepingCapacity: true)
        start = 0
        _ = http.fillOutput(&output, target: 64 << 10)
        if output.isEmpty { return }
      }
      switch Kernel.send(socket, output, from: start) {
      case .bytes(let count): start += count
      case .wouldBlock: throw Late()
      case .failed(let error):
        isAtEnd = true
        throw error
      }
    }
  }

  /// Sends and receives until `condition` holds; fails at the deadline and at the connection's end.
  func work(until condition: () -> Bool) throws {
    let end = MonotonicTime.now + Self.timeout
    while !condition() {
      if isAtEnd { throw Ended() }
      try send()
      if condition() { return }
      guard
        Kernel.pollReadable(
          [socket], timeoutMilliseconds: Poller.milliseconds(max(.zero, end - .now)))[0]
      else { throw Late() }
      receiveOnce()
    }
  }

  /// Works until the peer has closed.
  func workToEnd() throws {
    let end = MonotonicTime.now + Self.timeout
    while !isAtEnd {
      try? send()
      if isAtEnd { return }
      guard
        Kernel.pollReadable(
          [socket], timeoutMilliseconds: Poller.milliseconds(max(.zero, end - .now)))[0]
      else { throw Late() }
      receiveOnce()
    }
  }

  private func receiveOnce() {
    switch Kernel.receive(socket, into: &input) {
    case .bytes(0), .failed:
      isAtEnd = true
      http.connectionLost()
    case .bytes(let count):
      let bytes = Array(input[..<count])
      http.receive(bytes.span)
    case .wouldBlock: break
    }
  }

  /// One echo there and back.
  func echo(_ text: String) throws -> [UInt8]? {
    let call = http.unary(path: "/echo.Echo/Echo", message: Array(text.utf8))
    try work { call.reply.isDone }
    return call.reply.isOK ? call.reply.messages.first : nil
  }

  struct Late: Error {}
  struct Ended: Error {}
}
