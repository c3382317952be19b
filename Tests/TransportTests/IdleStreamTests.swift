import Bytes
import Testing

@testable import Transport

/// Streams and connections that send nothing are held against the same bounds as bytes.
struct IdleStreamTests {
  /// Room for so many streams of a connection.
  private static func limits(streams: Int, ofProcess: Bool = false) -> TransportLimits {
    var limits = TransportLimits()
    if ofProcess {
      limits.processBufferBytesMax = limits.connectionBytes + streams * limits.streamBytes
    } else {
      limits.connectionBufferBytesMax = streams * limits.streamBytes
    }
    return limits
  }

  private static let refused = be32(HTTP2ErrorCode.refusedStream)

  @Test(arguments: [false, true])
  func `streams that fit are taken, one over is refused, and room comes back`(ofProcess: Bool) {
    let wire = Wire(ScriptedRouter(), limits: Self.limits(streams: 3, ofProcess: ofProcess))
    _ = wire.exchange(RawPeer.hello)
    for stream in [1, 3, 5] as [UInt32] {
      #expect(wire.exchange(RawPeer.headers(stream)).of(.reset).isEmpty)
    }
    #expect(wire.server.openCalls == 3)
    // With a message and its end, too: nothing of it is looked at, and its window comes back.
    let frames = wire.exchange(
      RawPeer.headers(7) + RawPeer.data(7, framed([1]), endStream: true))
    #expect(frames.of(.reset).map(\.payload) == [Self.refused])
    #expect(wire.router.handlers.count == 3 && wire.server.openCalls == 3)
    #expect(wire.server.takeRefusedCount() == 1 && wire.server.takeRefusedCount() == 0)
    _ = wire.exchange(RawPeer.reset(3))
    #expect(wire.exchange(RawPeer.headers(9)).of(.reset).isEmpty)
    #expect(wire.server.openCalls == 3)
  }

  @Test func `refusing streams is no fault of the peer's, however many there are`() {
    let wire = Wire(ScriptedRouter(), limits: Self.limits(streams: 1))
    _ = wire.exchange(RawPeer.hello)
    for index in 0..<40_000 as Range<UInt32> {
      let frames = wire.exchange(RawPeer.headers(2 * index + 1))
      #expect(frames.of(.goaway).isEmpty)
      if !frames.of(.goaway).isEmpty { return }
    }
    #expect(wire.server.takeRefusedCount() == 39_999)
    #expect(wire.server.openCalls == 1)
  }

  @Test func `one connection's streams leave another none of the process's room`() {
    let limits = Self.limits(streams: 40, ofProcess: true)
    let first = Wire(ScriptedRouter(), limits: limits)
    _ = first.exchange(RawPeer.hello)
    for index in 0..<40 as Range<UInt32> { _ = first.exchange(RawPeer.headers(2 * index + 1)) }
    #expect(first.server.openCalls == 40)
    // No room for the connection itself: it is told, and over.
    let second = ServerConnection(
      router: ScriptedRouter(), limits: limits, budget: first.budget, now: first.now)
    var bytes: [UInt8] = []
    while second.fillOutput(&bytes, target: 4096) {}
    #expect(Frame.parse(bytes).of(.goaway).map { $0.word(4) } == [HTTP2ErrorCode.enhanceYourCalm])
    #expect(second.isClosed && second.takeRefusedCount() == 1)
    first.server.connectionLost()
    let third = ServerConnection(
      router: ScriptedRouter(), limits: limits, budget: first.budget, now: first.now)
    let hello = RawPeer.hello
    third.receive(hello.span, now: first.now)
    #expect(!third.isClosed)
  }

  @Test func `a thousand connections without a stream hold back little of a small budget`() {
    var limits = TransportLimits()
    limits.processBufferBytesMax = 32 << 20
    let budget = BufferBudget(limit: limits.processBufferBytesMax)
    let now = MonotonicTime(nanoseconds: 0)
    let connections = (0..<1000).map { _ in
      let connection = ServerConnection(
        router: ScriptedRouter(), limits: limits, budget: budget, now: now)
      // Each has had a stream.
      let bytes = RawPeer.hello + RawPeer.headers(1) + RawPeer.reset(1)
      connection.receive(bytes.span, now: now)
      return connection
    }
    #expect(connections.allSatisfy { !$0.isClosed && $0.openCalls == 0 })
    #expect(budget.used < 1000 * (limits.connectionBytes + 2 * limits.streamBytes))
    #expect(budget.used >= 1000 * limits.connectionBytes)
  }

  @Test func `a stream without a message ends in time, and not well`() {
    var limits = TransportLimits()
    limits.firstMessageTimeout = .seconds(10)
    let wire = Wire(.unaryEcho(), limits: limits)
    let silent = wire.client.open(path: "/t.T/M")
    let begun = wire.client.open(path: "/t.T/M")
    wire.run()
    // A prefix and the first byte: the message has begun.
    begun.sendBytes([0, 0, 0, 0, 9, 1].span)
    wire.run()
    wire.advance(.milliseconds(9_999))
    wire.run()
    #expect(!silent.reply.isDone && !begun.reply.isDone)
    wire.advance(.milliseconds(2))
    wire.run()
    #expect(silent.reply.isDone && silent.reply.grpcStatus == 4)
    #expect(silent.reply.grpcMessage == "no message came in time")
    #expect(wire.router.handlers[0].endings == [.deadlineExceeded])
    #expect(!begun.reply.isDone && wire.server.openCalls == 1)
    // It may take as long as it likes.
    wire.advance(.seconds(1_000))
    wire.run()
    #expect(!begun.reply.isDone)
  }

  @Test func `half a prefix is no message`() {
    let wire = Wire(.unaryEcho())
    let call = wire.client.open(path: "/t.T/M")
    wire.run()
    call.sendBytes([0, 0, 0].span)
    wire.run()
    wire.advance(.seconds(11))
    wire.run()
    #expect(call.reply.grpcStatus == 4)
  }

  @Test func `a client's own deadline counts where it is earlier`() {
    let wire = Wire(.unaryEcho())
    _ = wire.exchange(RawPeer.hello)
    _ = wire.exchange(RawPeer.headers(1, RawPeer.fields([("grpc-timeout", "2S")])))
    wire.advance(.seconds(3))
    #expect(wire.router.handlers[0].endings == [.deadlineExceeded])
  }

  @Test func `a burst leaves a connection none of the memory that it took`() {
    let session = ServerSession(
      router: ScriptedRouter(), limits: TransportLimits(),
      budget: BufferBudget(limit: 1 << 30), now: MonotonicTime(nanoseconds: 0))
    let now = MonotonicTime(nanoseconds: 0)
    func receive(_ bytes: [UInt8]) {
      session.enter(now)
      session.receive(bytes.span)
      session.leave()
    }
    receive(RawPeer.hello)
    let streams = (0..<2_000 as Range<UInt32>).map { 2 * $0 + 1 }
    receive(streams.flatMap { RawPeer.headers($0) })
    #expect(session.openCalls == 2_000)
    #expect(session.heads.capacity <= 256 && session.paths.capacity <= 16 << 10)
    receive(streams.flatMap { RawPeer.reset($0) })
    #expect(session.openCalls == 0 && session.calls.count == 1 && session.freeSlots.isEmpty)
    // And it goes on.
    receive(RawPeer.headers(4_001))
    #expect(session.openCalls == 1)
    session.shut()
  }
}
