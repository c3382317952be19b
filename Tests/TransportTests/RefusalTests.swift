import Testing

@testable import Transport

/// What is not a good gRPC request, and its answer.
@Suite struct RefusalTests {
  /// Sends one request of those fields and body; what the client session makes of the answer.
  private func answer(
    _ changes: [(String, String?)] = [], body: [UInt8] = framed([1]),
    limits: TransportLimits = TransportLimits(), endStream: Bool = true
  ) -> (ClientCall.Reply, ScriptedRouter) {
    let wire = Wire(.unaryEcho(), limits: limits)
    let call = wire.client.session.open(
      FieldBlock(RawPeer.fields(changes).map { .bytes(name($0.0), [UInt8]($0.1.utf8)) }))
    call.sendBytes(body.span)
    if endStream { call.halfClose() }
    wire.run()
    return (call.reply, wire.router)
  }

  private func name(_ text: String) -> StaticString {
    switch text {
    case ":method": ":method"
    case ":scheme": ":scheme"
    case ":path": ":path"
    case ":authority": ":authority"
    case "content-type": "content-type"
    case "te": "te"
    case "grpc-timeout": "grpc-timeout"
    case "grpc-encoding": "grpc-encoding"
    default: fatalError("no such field in these tests")
    }
  }

  @Test(arguments: [
    "application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8",
    "application/grpc+proto; x=y",
  ])
  func `gRPC's content-types are taken`(type: String) {
    #expect(answer([("content-type", type)]).0.isOK)
  }

  @Test(arguments: [
    "application/json", "application/grpc+json", "application/grpc-web", "application/grp", "",
    "Application/json", "text/plain",
  ])
  func `another content-type is HTTP 415`(type: String) {
    let (reply, router) = answer([("content-type", type)])
    #expect(reply.httpStatus == 415)
    #expect(reply.grpcStatus == nil)
    #expect(reply.isDone)
    #expect(router.paths.isEmpty)
  }

  @Test func `a plain GET gets a text body of at least five bytes that ends the stream`() {
    let wire = Wire(.unaryEcho())
    let fields = RawPeer.fields([(":method", "GET"), ("content-type", nil), ("te", nil)])
    let frames = wire.exchange(RawPeer.hello + RawPeer.headers(1, fields, endStream: true))
    let data = frames.of(.data, stream: 1)
    #expect(data.count == 1)
    #expect(data[0].payload.count >= 5)
    #expect(data[0].flags & Frame.endStream != 0)
    #expect(frames.of(.reset).isEmpty)
    #expect(wire.server.openCalls == 0)
  }

  @Test func `a HEAD gets no body`() {
    let wire = Wire(.unaryEcho())
    let fields = RawPeer.fields([(":method", "HEAD"), ("content-type", nil), ("te", nil)])
    let frames = wire.exchange(RawPeer.hello + RawPeer.headers(1, fields, endStream: true))
    #expect(frames.of(.data, stream: 1).isEmpty)
    #expect(frames.of(.headers, stream: 1).count == 1)
  }

  @Test(arguments: ["GET", "PUT", "DELETE", "post"])
  func `another method is HTTP 405`(method: String) {
    let (reply, router) = answer([(":method", method)])
    #expect(reply.httpStatus == 405)
    #expect(router.paths.isEmpty)
  }

  @Test func `a missing te is tolerated`() {
    #expect(answer([("te", nil)]).0.isOK)
  }

  @Test func `a path at the limit is looked up and one over is UNIMPLEMENTED`() {
    var limits = TransportLimits()
    limits.pathBytesMax = 20
    let path = "/t.T/" + String(repeating: "x", count: 15)
    let (reply, router) = answer([(":path", path)], limits: limits)
    #expect(reply.isOK)
    #expect(router.paths == [path])
    let (over, _) = answer([(":path", path + "x")], limits: limits)
    #expect(over.grpcStatus == 12)
    #expect(over.messages.isEmpty)
  }

  @Test func `a malformed timeout is INTERNAL`() {
    let (reply, router) = answer([("grpc-timeout", "soon")])
    #expect(reply.grpcStatus == 13)
    #expect(router.paths.isEmpty)
  }

  @Test func `a message at the limit passes and one over is RESOURCE_EXHAUSTED`() {
    var limits = TransportLimits()
    limits.messageBytesMax = 100
    let at = [UInt8](repeating: 5, count: 100)
    #expect(answer(body: framed(at), limits: limits).0.messages == [at])
    let (reply, router) = answer(body: framed(at + [5]), limits: limits)
    #expect(reply.grpcStatus == 8)
    #expect(reply.grpcMessage == "message of 101 bytes is over the limit of 100")
    #expect(router.handlers[0].events == [.ended(.failed)])
  }

  @Test func `a message over the limit is refused from its prefix alone`() {
    var limits = TransportLimits()
    limits.messageBytesMax = 100
    let (reply, router) = answer(body: [0, 0, 0, 0, 101], limits: limits, endStream: false)
    #expect(reply.grpcStatus == 8)
    #expect(reply.isDone)
    #expect(router.handlers[0].events == [.ended(.failed)])
  }

  @Test func `compressed flags and reserved flags are refused`() {
    #expect(answer(body: framed([1], flag: 1)).0.grpcStatus == 13)
    #expect(answer([("grpc-encoding", "identity")], body: framed([1], flag: 1)).0.grpcStatus == 13)
    #expect(answer(body: framed([1], flag: 2)).0.grpcStatus == 13)
    #expect(answer([("grpc-encoding", "gzip")]).0.isOK)
    let (reply, router) = answer([("grpc-encoding", "gzip")], body: framed([1], flag: 1))
    #expect(reply.grpcStatus == 12)
    #expect(router.handlers[0].events == [.ended(.failed)])
  }

  @Test func `an unsupported encoding is answered with the one that is supported`() {
    let wire = Wire(.unaryEcho())
    let frames = wire.exchange(
      RawPeer.hello + RawPeer.headers(1, RawPeer.fields([("grpc-encoding", "gzip")]))
        + RawPeer.data(1, framed([1], flag: 1), endStream: true))
    let block = frames.of(.headers, stream: 1)[0].payload
    let other = Wire(.unaryEcho()).exchange(
      RawPeer.hello + RawPeer.headers(1) + RawPeer.data(1, framed([1], flag: 1), endStream: true)
    ).of(.headers, stream: 1)[0].payload
    // HPACK codes the name with Huffman: compared by its presence, not its text.
    #expect(block.count > other.count)
  }

  @Test func `a message cut by END_STREAM is INTERNAL`() {
    for count in 1..<8 {
      let (reply, router) = answer(body: Array(framed([1, 2, 3]).prefix(count)))
      #expect(reply.grpcStatus == 13)
      #expect(router.handlers[0].endings == [.failed])
      #expect(router.handlers[0].messages.isEmpty)
    }
  }

  @Test func `no answer repeats the peer's bytes`() {
    let secret = "hunter2"
    for changes in [
      [("grpc-timeout", secret)], [("content-type", secret)], [(":path", "/\(secret)")],
      [("grpc-encoding", secret)],
    ] as [[(String, String?)]] {
      let (reply, _) = answer(changes, body: framed([UInt8](secret.utf8), flag: 1))
      #expect(reply.isDone)
      #expect(!reply.grpcMessage.contains(secret))
    }
  }

  @Test func `early trailers are followed by a reset without error`() {
    let wire = Wire(.unaryEcho())
    let frames = wire.exchange(RawPeer.hello + RawPeer.headers(1) + RawPeer.data(1, framed([1])))
    #expect(frames.of(.headers, stream: 1).count == 2)
    let reset = frames.of(.reset, stream: 1)
    #expect(reset.map { $0.word(0) } == [0])
    #expect(frames.last == reset.first)
    #expect(wire.router.handlers[0].events == [.message([1]), .ended(.finished)])
    #expect(wire.server.openCalls == 0)
  }

  @Test func `a header list at the limits passes and one over is reset`() {
    var limits = TransportLimits()
    limits.headerCountMax = 10
    let extra = (0..<4).map { ("x-\($0)", "v" as String?) }
    let at = Wire(.unaryEcho(), limits: limits)
    _ = at.exchange(RawPeer.hello + RawPeer.headers(1, RawPeer.fields(extra)))
    #expect(at.router.paths.count == 1)
    let over = Wire(.unaryEcho(), limits: limits)
    let frames = over.exchange(
      RawPeer.hello + RawPeer.headers(1, RawPeer.fields(extra + [("x-9", "v")]))
        + RawPeer.headers(3))
    #expect(over.router.paths.count == 1)
    #expect(frames.of(.reset).map(\.stream) == [1])
    #expect(frames.of(.reset)[0].word(0) == HTTP2ErrorCode.enhanceYourCalm)
    #expect(frames.of(.goaway).isEmpty)
  }

  @Test func `a header list is measured as the RFC counts it`() {
    let fields = RawPeer.fields()
    let size = fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 }
    for (max, resets) in [(size, 0), (size - 1, 1)] {
      var limits = TransportLimits()
      limits.headerListBytesMax = max
      let wire = Wire(.unaryEcho(), limits: limits)
      let frames = wire.exchange(RawPeer.hello + RawPeer.headers(1, fields))
      #expect(frames.of(.reset).count == resets)
      #expect(wire.router.paths.count == 1 - resets)
    }
  }
}
