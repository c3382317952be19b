import Bytes
import Foundation
import Testing
import Transport

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ServingTests {
  @Test func `a call over a Unix socket is answered`() throws {
    let server = try TestServer()
    let client = try TestClient(server.address)
    #expect(try client.echo("hello") == Array("hello".utf8))
  }

  @Test func `several listeners serve at once, TCP over both families and Unix`() throws {
    let server = try TestServer { configuration, directory in
      configuration.listen = [
        .unix(path: directory.path + "/a.sock"), .unix(path: directory.path + "/b.sock"),
        .tcp(host: "127.0.0.1", port: 0), .tcp(host: "::1", port: 0),
      ]
    }
    #expect(server.addresses.count == 4)
    for address in server.addresses {
      if case .tcp(_, let port) = address { #expect(port != 0) }
      #expect(try TestClient(address).echo("x") == [UInt8(ascii: "x")], "\(address)")
    }
  }

  @Test func `connections are dealt to the workers in turn`() throws {
    let server = try TestServer()
    var clients: [TestClient] = []
    for _ in 0..<10 {
      clients.append(try TestClient(server.address))
      #expect(try clients.last?.echo("x") != nil)
    }
    let counts = Locked<[Int]>([])
    let told = DispatchSemaphore(value: 0)
    server.handle.workers.postToAll { loop in
      let count = loop.connectionCount
      counts.withLock { $0.append(count) }
      told.signal()
    }
    for _ in 0..<2 { #expect(told.wait(timeout: .now() + .seconds(20)) == .success) }
    #expect(counts.withLock { $0 } == [5, 5])
    withExtendedLifetime(clients) {}
  }

  @Test func `500 connections at once are all answered`() throws {
    let server = try TestServer()
    var clients: [(TestClient, ClientCall)] = []
    for index in 0..<500 {
      let client = try TestClient(server.address)
      let call = client.http.unary(path: "/echo.Echo/Echo", message: Array("\(index)".utf8))
      try client.send()
      clients.append((client, call))
    }
    for (index, (client, call)) in clients.enumerated() {
      try client.work { call.reply.isDone }
      #expect(call.reply.messages == [Array("\(index)".utf8)])
    }
  }

  @Test func `a message larger than every buffer comes back whole`() throws {
    // Made before the client connects: a connection without its preface is soon cut.
    let pattern = (0..<(64 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let message = Array(repeatElement(pattern, count: 80).joined())
    let server = try TestServer()
    let client = try TestClient(server.address)
    let call = client.http.open(path: "/echo.Echo/Echo")
    call.send(message.span)
    call.halfClose()
    // Sending and reading take turns here: the server must not need us to read before it does.
    try client.work { call.reply.isDone }
    #expect(call.reply.isOK)
    #expect(call.reply.messages.first == message)
  }

  @Test func `a connection that is cut leaves the others alone`() throws {
    let server = try TestServer()
    let staying = try TestClient(server.address)
    #expect(try staying.echo("1") != nil)
    for _ in 0..<50 {
      let leaving = try TestClient(server.address)
      let call = leaving.http.open(path: "/echo.Echo/Echo")
      call.send([1, 2, 3].span)
      try leaving.send()
    }
    #expect(try staying.echo("2") == [UInt8(ascii: "2")])
    try waitForConnections(1, server)
  }

  @Test func `the connection one over the limit is closed, and one that leaves makes room`() throws
  {
    let server = try TestServer { configuration, _ in configuration.connectionsMax = 2 }
    let first = try TestClient(server.address)
    let second = try TestClient(server.address)
    #expect(try first.echo("x") != nil)
    #expect(try second.echo("x") != nil)
    let third = try TestClient(server.address)
    let refused = (try? third.echo("x")) ?? nil
    #expect(refused == nil)
    // Said before another leaves, however late the third is looked at.
    #expect(server.lines.comes("--max-connections 2 is reached"))
    Kernel.shutdownWrites(second.socket)
    try second.workToEnd()
    let end = MonotonicTime.now + TestClient.timeout
    var answer: [UInt8]?
    while answer == nil, .now < end { answer = try? TestClient(server.address).echo("x") }
    #expect(answer != nil)
  }

  /// Waits for the workers to have that many connections in all.
  private func waitForConnections(_ wanted: Int, _ server: TestServer) throws {
    let end = MonotonicTime.now + TestClient.timeout
    while .now < end {
      let count = Locked(0)
      let told = DispatchSemaphore(value: 0)
      server.handle.workers.postToAll { loop in
        let own = loop.connectionCount
        count.withLock { $0 += own }
        told.signal()
      }
      for _ in 0..<2 { #expect(told.wait(timeout: .now() + .seconds(20)) == .success) }
      if count.withLock({ $0 }) == wanted { return }
    }
    throw TestClient.Late()
  }
}
