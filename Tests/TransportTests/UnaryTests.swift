import Testing

@testable import Transport

@Suite struct UnaryTests {
  @Test func `a unary call is answered with its message and status 0`() {
    let wire = Wire(.unaryEcho())
    let call = wire.client.unary(path: "/t.T/Echo", message: [1, 2, 3])
    wire.run()
    #expect(call.reply.httpStatus == 200)
    #expect(call.reply.grpcStatus == 0)
    #expect(call.reply.messages == [[1, 2, 3]])
    #expect(call.reply.isOK)
    #expect(call.reply.resetCode == nil)
    #expect(wire.router.paths == ["/t.T/Echo"])
    #expect(wire.router.handlers[0].events == [.message([1, 2, 3]), .ended(.finished)])
    #expect(wire.server.openCalls == 0)
  }

  @Test func `an unknown path is answered UNIMPLEMENTED with trailers only`() {
    let wire = Wire(.unaryEcho())
    let call = wire.client.unary(path: "/other/Method", message: [1])
    wire.run()
    #expect(call.reply.httpStatus == 200)
    #expect(call.reply.grpcStatus == 12)
    #expect(call.reply.messages.isEmpty)
  }
}
