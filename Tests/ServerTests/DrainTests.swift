import EnvoyAPI
import Foundation
import Testing
import Transport

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct DrainTests {
  @Test func `an idle server drains with status 0 and removes its socket`() throws {
    let server = try TestServer()
    server.stop()
    #expect(try server.join() == 0)
    #expect(!FileManager.default.fileExists(atPath: server.directory.path + "/s.sock"))
  }

  @Test func `watchers are told NOT_SERVING before anything else happens`() throws {
    let server = try TestServer()
    let client = try TestClient(server.address)
    let watch = client.http.open(path: "/grpc.health.v1.Health/Watch")
    watch.send(HealthMessages.request(service: "").span)
    try client.work { watch.reply.messages.count == 1 }
    #expect(watch.reply.messages == [HealthMessages.response(.serving)])
    server.stop()
    try client.work { watch.reply.messages.count == 2 || client.http.isGoingAway }
    #expect(
      watch.reply.messages
        == [HealthMessages.response(.serving), HealthMessages.response(.notServing)])
    #expect(try server.join() == 0)
    try client.workToEnd()
    #expect(watch.reply.grpcStatus == Int(GRPCFailureCode.unavailable.rawValue))
  }

  @Test func `a stream that is open when the drain begins finishes by itself`() throws {
    let server = try TestServer()
    let client = try TestClient(server.address)
    let call = client.http.open(path: "/echo.Echo/Echo")
    call.send([1].span)
    try client.work { call.reply.messages.count == 1 }
    server.stop()
    try client.work { client.http.isGoingAway }
    // The listener is gone by now: a drain closes it before it sends the first GOAWAY.
    #expect(throws: SystemError.self) { try TestClient(server.address) }
    call.send([2].span)
    try client.work { call.reply.messages.count == 2 }
    call.halfClose()
    try client.work { call.reply.isDone }
    #expect(call.reply.isOK)
    #expect(call.reply.messages == [[1], [2]])
    try client.workToEnd()
    #expect(try server.join() == 0)
  }

  @Test func `a stream that outlives the drain's time is cut, with status 1 and a line in the log`()
    throws
  {
    let server = try TestServer { configuration, _ in
      configuration.drainTimeout = .milliseconds(200)
    }
    let client = try TestClient(server.address)
    let call = client.http.open(path: "/echo.Echo/Echo")
    call.send([1].span)
    try client.work { call.reply.messages.count == 1 }
    server.stop()
    #expect(try server.join() == 1)
    try client.workToEnd()
    #expect(!call.reply.isOK)
    #expect(server.lines.contains("the drain was not over in --drain-timeout 200ms"))
  }

  @Test func `a connection that still waits to be accepted gets its answer or its GOAWAY`() throws {
    let server = try TestServer()
    let clients = try (0..<20).map { _ in try TestClient(server.address) }
    server.stop()
    for client in clients {
      try client.work { client.http.isGoingAway }
      try client.workToEnd()
    }
    #expect(try server.join() == 0)
  }
}
