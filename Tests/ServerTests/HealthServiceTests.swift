import EnvoyAPI
import Testing
import Transport

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct HealthServiceTests {
  private static let check = "/grpc.health.v1.Health/Check"
  private static let watch = "/grpc.health.v1.Health/Watch"

  @Test(arguments: HealthService.services)
  func `a known service is SERVING`(service: String) throws {
    let server = try TestServer()
    #expect(
      try HealthProbe.ask(server.address, service: service, timeout: .seconds(20)) == .serving)
  }

  @Test func `who is held does not serve, a watcher is told when it does, and an end is the end`()
    throws
  {
    let server = try TestServer()
    func status() throws -> HealthMessages.ServingStatus {
      try HealthProbe.ask(server.address, service: "", timeout: .seconds(20))
    }
    server.handle.holdHealth()
    #expect(try status() == .notServing)
    let client = try TestClient(server.address)
    let watch = client.http.unary(path: Self.watch, message: HealthMessages.request(service: ""))
    try client.work { !watch.reply.messages.isEmpty }
    server.handle.serveHealth()
    try client.work { watch.reply.messages.count == 2 }
    #expect(watch.reply.messages == [.notServing, .serving].map { HealthMessages.response($0) })
    #expect(try status() == .serving)
    server.handle.stopHealth()
    server.handle.serveHealth()
    #expect(try status() == .notServing)
  }

  @Test func `Check of an unknown service is NOT_FOUND`() throws {
    let server = try TestServer()
    #expect(throws: HealthProbe.Problem.unknownService) {
      try HealthProbe.ask(server.address, service: "nobody", timeout: .seconds(20))
    }
  }

  @Test func `Watch of an unknown service says SERVICE_UNKNOWN and goes on`() throws {
    let server = try TestServer()
    let client = try TestClient(server.address)
    let watch = client.http.open(path: Self.watch)
    watch.send(HealthMessages.request(service: "nobody").span)
    watch.halfClose()
    try client.work { !watch.reply.messages.isEmpty }
    #expect(watch.reply.messages == [HealthMessages.response(.serviceUnknown)])
    #expect(try client.echo("x") != nil)
    #expect(!watch.reply.isDone)
  }

  @Test func `a watch outlives the client's half-close and a reset ends it`() throws {
    let server = try TestServer { configuration, _ in configuration.workers = 1 }
    let client = try TestClient(server.address)
    let watch = client.http.unary(path: Self.watch, message: [])
    try client.work { !watch.reply.messages.isEmpty }
    watch.reset()
    #expect(try client.echo("x") != nil)
    server.stop()
    try client.workToEnd()
    #expect(try server.join() == 0)
  }

  @Test func `a method that health does not have is UNIMPLEMENTED`() throws {
    let server = try TestServer()
    let client = try TestClient(server.address)
    for path in ["/grpc.health.v1.Health/", "/grpc.health.v1.Health/Checks", "/echo.Echo/None"] {
      let call = client.http.unary(path: path, message: [])
      try client.work { call.reply.isDone }
      #expect(call.reply.grpcStatus == Int(GRPCFailureCode.unimplemented.rawValue), "\(path)")
    }
  }

  @Test(arguments: [
    ([UInt8](), GRPCFailureCode.invalidArgument),
    ([0x0a, 5, 1], .invalidArgument), ([0x0a, 1, 0xff], .invalidArgument),
  ])
  func `a request that is missing or malformed is refused`(
    message: [UInt8], code: GRPCFailureCode
  ) throws {
    let server = try TestServer()
    let client = try TestClient(server.address)
    let call = client.http.open(path: Self.check)
    if !message.isEmpty { call.send(message.span) }
    call.halfClose()
    try client.work { call.reply.isDone }
    #expect(call.reply.grpcStatus == Int(code.rawValue))
  }

  @Test func `a request at the size limit is read, one byte more is refused`() throws {
    let server = try TestServer()
    let client = try TestClient(server.address)
    // An unknown field of bytes fills the message up: two bytes of tag, two of length.
    for (size, expected) in [
      (HealthMessages.requestBytesMax, 0),
      (HealthMessages.requestBytesMax + 1, Int(GRPCFailureCode.resourceExhausted.rawValue)),
    ] {
      let content = size - 3
      let prefix = [0x7a, UInt8(content & 0x7f | 0x80), UInt8(content >> 7)]
      let call = client.http.unary(
        path: Self.check, message: prefix + [UInt8](repeating: 0, count: content))
      try client.work { call.reply.isDone }
      #expect(call.reply.grpcStatus == expected)
    }
  }
}

struct HealthMessagesTests {
  @Test(arguments: [
    ([UInt8](), ""), ([0x0a, 0], ""), ([0x0a, 1, 0x61], "a"),
    ([0x0a, 1, 0x61, 0x0a, 1, 0x62], "b"),
    ([0x10, 0x80, 1, 0x0a, 1, 0x61], "a"),
    ([0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x25, 0, 0, 0, 0, 0x32, 1, 9], ""),
  ])
  func `a request's service is found`(bytes: [UInt8], service: String) {
    let found = HealthMessages.service(inRequest: bytes.span)
    #expect(found == service)
  }

  @Test(arguments: [
    [0x0a] as [UInt8], [0x0a, 1], [0x0a, 1, 0xff], [0x08, 1], [0x00], [0x0b], [0x19, 0],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
    [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
  ])
  func `a malformed request is refused`(bytes: [UInt8]) {
    let found = HealthMessages.service(inRequest: bytes.span)
    #expect(found == nil)
  }

  @Test func `a response is read as it was written`() {
    for status in [HealthMessages.ServingStatus.unknown, .serving, .notServing, .serviceUnknown] {
      #expect(read(HealthMessages.response(status)) == status)
    }
    #expect(read([]) == .unknown)
    #expect(read([0x0a, 1]) == nil)
  }

  private func read(_ bytes: [UInt8]) -> HealthMessages.ServingStatus? {
    HealthMessages.status(inResponse: bytes.span)
  }
}
