import Foundation
import Gateway
import Log
import Terms
import Testing
import Transport

@testable import Server

/// The admin server on real sockets, with limits small enough to be reached.
@Suite(.timeLimit(.minutes(3)))
struct AdminServerTests {
  /// Answers every path with as many bytes as it says.
  private struct Sizes: AdminSite {
    func answer(_ request: HTTPRequest, scope: AdminScope) -> HTTPResponse {
      HTTPResponse(
        .ok, "text/plain", Array(repeating: 0x78, count: Int(request.path.dropFirst()) ?? 0))
    }
  }

  private let directory: TemporaryDirectory
  private let address: ListenAddress
  private let log = Logger(level: .error, format: .text) { _ in }

  init() throws {
    directory = try TemporaryDirectory()
    address = .unix(path: directory.path + "/a")
  }

  private func server(_ limits: HTTPLimits) throws -> AdminServer {
    try AdminServer([(address, .socket)], limits: limits, log: log) { Sizes() }
  }

  private func connect() throws -> Descriptor {
    let socket = try Kernel.createSocket(for: address.socketAddress, blocking: true)
    try Kernel.setTimeouts(socket, TestClient.timeout)
    try Kernel.connect(socket, to: address.socketAddress)
    return socket
  }

  private func ask(_ socket: Descriptor, _ bytes: Int, closes: Bool = true) throws {
    let close = closes ? "Connection: close\r\n" : ""
    guard
      case .bytes = Kernel.send(
        socket, Array("GET /\(bytes) HTTP/1.1\r\nHost: a\r\n\(close)\r\n".utf8))
    else { throw TestClient.Late() }
  }

  /// Everything until the peer's end, or at least `count` bytes where that is given.
  private func read(_ socket: Descriptor, atLeast count: Int = .max) throws -> [UInt8] {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while all.count < count {
      switch Kernel.receive(socket, into: &buffer) {
      case .bytes(0), .failed: return all
      case .bytes(let count): all += buffer[..<count]
      case .wouldBlock: throw TestClient.Late()
      }
    }
    return all
  }

  private func status(_ answer: [UInt8]) -> String {
    String(decoding: answer.prefix(12), as: UTF8.self)
  }

  @Test func `an answer larger than any socket's buffer comes whole`() throws {
    let server = try server(HTTPLimits())
    defer { server.stop() }
    let socket = try connect()
    try ask(socket, 8 << 20)
    let answer = try read(socket)
    #expect(answer.count > 8 << 20 && answer.suffix(8 << 20).allSatisfy { $0 == 0x78 })
  }

  @Test func `a reader that takes nothing is cut, and others are answered meanwhile`() throws {
    var limits = HTTPLimits()
    limits.writeTimeout = .milliseconds(300)
    let server = try server(limits)
    defer { server.stop() }
    let slow = try connect()
    try ask(slow, 8 << 20)
    let other = try connect()
    try ask(other, 1)
    #expect(status(try read(other)) == "HTTP/1.1 200")
    // What the socket's buffers took is there; the rest never comes.
    Thread.sleep(forTimeInterval: 1)
    #expect(try read(slow).count < 8 << 20)
  }

  @Test func `what waits to be read is bounded over all connections`() throws {
    var limits = HTTPLimits()
    limits.unsentBytesMax = 4 << 20
    let server = try server(limits)
    defer { server.stop() }
    let over = try connect()
    try ask(over, 4 << 20 + 1)
    #expect(status(try read(over)) == "HTTP/1.1 503")
    let slow = try connect()
    try ask(slow, 4 << 20)
    // Its answer has begun, so that the rest of it waits now.
    #expect(status(try read(slow, atLeast: 12)) == "HTTP/1.1 200")
    let other = try connect()
    try ask(other, 4 << 20)
    #expect(status(try read(other)) == "HTTP/1.1 503")
    let small = try connect()
    try ask(small, 1)
    #expect(status(try read(small)) == "HTTP/1.1 200")
  }

  @Test func `one connection too many ends the one that waits longest`() throws {
    var limits = HTTPLimits()
    limits.connectionsMax = 2
    let server = try server(limits)
    defer { server.stop() }
    var sockets: [Descriptor] = []
    for _ in 0..<2 {
      let socket = try connect()
      try ask(socket, 1, closes: false)
      #expect(status(try read(socket, atLeast: 12)) == "HTTP/1.1 200")
      sockets.append(socket)
    }
    let third = try connect()
    try ask(third, 1, closes: false)
    #expect(status(try read(third, atLeast: 12)) == "HTTP/1.1 200")
    // The first has its end; the second is as it was.
    _ = try read(sockets[0])
    try ask(sockets[1], 1)
    #expect(status(try read(sockets[1])) == "HTTP/1.1 200")
  }

  @Test func `after a stop nothing is there, not even the socket's file`() throws {
    let server = try server(HTTPLimits())
    let idle = try connect()
    server.stop()
    #expect(try read(idle) == [])
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/a"))
  }

  @Test func `an address that others can reach takes probes alone`() throws {
    let everywhere = ListenAddress.tcp(host: "0.0.0.0", port: 0)
    #expect(throws: ListenError.plaintextNetwork(everywhere)) {
      _ = try AdminServer([(everywhere, .loopback)], log: log) { Sizes() }
    }
    let probes = try AdminServer([(everywhere, .probes)], log: log) { Sizes() }
    probes.stop()
    #expect(AdminScope.admin(address) == .socket)
    #expect(AdminScope.admin(.tcp(host: "::1", port: 1)) == .loopback)
  }
}
