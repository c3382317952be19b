import Bytes
import Testing
import Transport

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct SlowReaderTests {
  /// Windows so large that only the socket holds the server back.
  private static let wide: TransportLimits = {
    var limits = TransportLimits()
    limits.messageBytesMax = 64 << 20
    return limits
  }()

  @Test func `a peer that reads nothing is cut, and the others never notice`() throws {
    let server = try TestServer { configuration, _ in
      configuration.workers = 1
      configuration.loop.writeStallTimeout = .milliseconds(300)
    }
    let slow = try TestClient(server.address, limits: Self.wide)
    let call = slow.http.open(path: "/echo.Echo/Large")
    try slow.work { slow.http.wantsWrite == false }
    for _ in 0..<16 { call.send([1].span) }
    try slow.send()
    let other = try TestClient(server.address)
    let end = MonotonicTime.now + TestClient.timeout
    while !server.lines.contains("its peer reads nothing"), .now < end {
      #expect(try other.echo("x") == [UInt8(ascii: "x")])
    }
    #expect(server.lines.contains("its peer reads nothing"))
  }

  @Test func `a peer that reads late gets everything`() throws {
    let server = try TestServer { configuration, _ in configuration.workers = 1 }
    let slow = try TestClient(server.address, limits: Self.wide)
    let call = slow.http.open(path: "/echo.Echo/Large")
    for _ in 0..<8 { call.send([1].span) }
    call.halfClose()
    try slow.send()
    // Another client's answers show that the loop has met the full socket and gone on.
    let other = try TestClient(server.address)
    for _ in 0..<100 { #expect(try other.echo("x") != nil) }
    try slow.work { call.reply.isDone }
    #expect(call.reply.isOK)
    #expect(call.reply.messages.map(\.count) == Array(repeating: 1 << 20, count: 8))
  }
}
