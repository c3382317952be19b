import Bytes
import Testing

@testable import Transport

/// Time, drain and the ends of connections.
@Suite struct LifeTests {
  // MARK: deadlines

  @Test func `a deadline ends the call when it has passed, not before`() {
    let wire = Wire(ScriptedRouter())
    let call = wire.client.open(path: "/t.T/M", timeout: .milliseconds(200))
    call.send([1].span)
    wire.run()
    #expect(wire.server.tick(now: wire.now) == wire.now.advanced(by: .milliseconds(200)))
    wire.advance(.nanoseconds(199_999_999))
    #expect(wire.router.handlers[0].endings == [])
    wire.advance(.nanoseconds(1))
    #expect(wire.router.handlers[0].endings == [.deadlineExceeded])
    #expect(!wire.router.handlers[0].call!.isOpen)
    wire.run()
    #expect(call.reply.grpcStatus == 4)
    #expect(call.reply.isDone)
    #expect(wire.server.openCalls == 0)
    #expect(wire.router.handlers[0].endings == [.deadlineExceeded])
  }

  @Test func `an answer that is not read by the deadline is reset`() {
    var client = TransportLimits()
    client.streamWindowBytes = 0
    let wire = Wire(.unaryEcho(), clientLimits: client)
    let call = wire.client.unary(path: "/t.T/M", message: [1], timeout: .seconds(1))
    wire.run()
    #expect(wire.router.handlers[0].endings == [])
    wire.advance(.seconds(1))
    #expect(wire.router.handlers[0].endings == [.deadlineExceeded])
    wire.run()
    #expect(call.reply.isDone)
    #expect(wire.server.openCalls == 0)
  }

  @Test func `many deadlines are looked at once a millisecond at most`() {
    let wire = Wire(ScriptedRouter())
    for index in 0..<100 {
      wire.client.open(path: "/t.T/M", timeout: .microseconds(1000 + index)).send([1].span)
    }
    wire.run()
    wire.advance(.microseconds(1000))
    #expect(wire.router.handlers.filter { $0.endings == [.deadlineExceeded] }.count == 1)
    #expect(wire.server.tick(now: wire.now) == wire.now.advanced(by: .milliseconds(1)))
    wire.advance(.milliseconds(1))
    #expect(wire.router.handlers.allSatisfy { $0.endings == [.deadlineExceeded] })
  }

  // MARK: timeouts

  @Test func `a handshake that is not complete in time ends the connection`() {
    for begun in [[], Array(RawPeer.preface.prefix(10)), RawPeer.preface] {
      let wire = Wire(ScriptedRouter())
      wire.feedServer(begun)
      wire.advance(.nanoseconds(9_999_999_999))
      #expect(Frame.parse(wire.serverOutput()).of(.goaway).isEmpty)
      #expect(!wire.server.isClosed)
      wire.advance(.nanoseconds(1))
      #expect(Frame.parse(wire.serverOutput()).of(.goaway).count == 1)
      #expect(wire.server.isClosed)
      #expect(wire.server.tick(now: wire.now) == nil)
    }
  }

  @Test func `a header block that is not completed in time ends the connection`() {
    let wire = Wire(ScriptedRouter())
    let begun = Frame(.headers, stream: 1, RawPeer.block(RawPeer.grpcFields)).bytes
    _ = wire.exchange(RawPeer.hello + begun)
    wire.advance(.nanoseconds(9_999_999_999))
    #expect(Frame.parse(wire.serverOutput()).isEmpty)
    wire.advance(.nanoseconds(1))
    #expect(Frame.parse(wire.serverOutput()).of(.goaway).count == 1)
    #expect(wire.server.isClosed)
  }

  @Test func `a connection without a stream is drained after the idle timeout`() {
    var limits = TransportLimits()
    limits.idleTimeout = .seconds(30)
    let wire = Wire(.unaryEcho(), limits: limits)
    wire.run()
    wire.advance(.seconds(29))
    let call = wire.client.unary(path: "/t.T/M", message: [1])
    wire.run()
    #expect(call.reply.isOK)
    wire.advance(.seconds(29))
    wire.run()
    #expect(!wire.client.isGoingAway)
    wire.advance(.seconds(1))
    wire.run()
    #expect(wire.client.isGoingAway)
    #expect(wire.server.isClosed)
  }

  @Test func `an open stream keeps its connection from idling`() {
    var limits = TransportLimits()
    limits.idleTimeout = .seconds(30)
    let wire = Wire(ScriptedRouter(), limits: limits)
    _ = wire.client.open(path: "/t.T/M")
    wire.run()
    for _ in 0..<10 { wire.advance(.seconds(30)) }
    wire.run()
    #expect(!wire.client.isGoingAway)
  }

  @Test func `a stream whose output makes no progress is reset`() {
    var client = TransportLimits()
    client.streamWindowBytes = 0
    let wire = Wire(.unaryEcho(), clientLimits: client)
    let call = wire.client.unary(path: "/t.T/M", message: [1])
    wire.run()
    wire.advance(.seconds(59))
    #expect(wire.router.handlers[0].endings == [])
    wire.advance(.seconds(1))
    #expect(wire.router.handlers[0].endings == [.failed])
    wire.run()
    #expect(call.reply.resetCode == HTTP2ErrorCode.cancel)
    #expect(!wire.server.isClosed)
  }

  @Test func `a connection whose output is not read is closed`() {
    let wire = Wire(ScriptedRouter())
    wire.feedServer(RawPeer.hello + RawPeer.headers(1))
    wire.feedServer(RawPeer.data(1, framed([1])))
    wire.advance(.seconds(59))
    #expect(!wire.server.isClosed)
    wire.advance(.seconds(1))
    #expect(wire.server.isClosed)
    #expect(wire.router.handlers[0].endings == [.connectionLost])
  }

  @Test func `an answer from the mailbox after a long silence is not taken for a stalled one`() {
    let wire = Wire(ScriptedRouter())
    let call = wire.client.open(path: "/t.T/M")
    call.send([1].span)
    wire.run()
    // The loop slept for ten minutes; nobody has told the connection the time since.
    wire.now = wire.now.advanced(by: .seconds(600))
    wire.router.handlers[0].call!.send([2].span)
    _ = wire.server.tick(now: wire.now)
    #expect(!wire.server.isClosed)
    #expect(wire.router.handlers[0].endings == [])
    wire.run()
    #expect(call.reply.messages == [[2]])
  }

  // MARK: drain

  private let noError: UInt32 = 0

  @Test func `a drain says GOAWAY with the highest id, then PING, then GOAWAY with the last id`() {
    let wire = Wire(.unaryEcho())
    _ = wire.exchange(RawPeer.hello + RawPeer.headers(1))
    wire.server.beginDrain(now: wire.now)
    let first = Frame.parse(wire.serverOutput())
    #expect(first.of(.goaway).map { $0.word(0) } == [0x7FFF_FFFF])
    #expect(first.of(.ping).count == 1)
    #expect(first.count == 2)
    // A request that was on its way is still taken.
    #expect(wire.exchange(RawPeer.headers(3)).of(.goaway).isEmpty)
    #expect(wire.router.paths.count == 2)
    let answer = Frame(.ping, flags: Frame.ack, first.of(.ping)[0].payload).bytes
    let second = wire.exchange(answer)
    #expect(second.of(.goaway).map { $0.word(0) } == [3])
    #expect(second.of(.goaway).map { $0.word(4) } == [noError])
    // Streams go on; a new one is not taken any more.
    let third = wire.exchange(
      RawPeer.data(1, framed([1]), endStream: true) + RawPeer.headers(5))
    #expect(third.of(.headers, stream: 1).count == 2)
    #expect(wire.router.paths.count == 2)
    #expect(!wire.server.isClosed)
    _ = wire.exchange(RawPeer.data(3, framed([1]), endStream: true))
    #expect(wire.server.isClosed)
    #expect(wire.router.handlers.allSatisfy { $0.endings == [.finished] })
  }

  @Test func `a drain does not wait for the PING's answer longer than its timeout`() {
    let wire = Wire(ScriptedRouter())
    _ = wire.exchange(RawPeer.hello)
    wire.server.beginDrain(now: wire.now)
    wire.server.beginDrain(now: wire.now)
    #expect(Frame.parse(wire.serverOutput()).of(.goaway).count == 1)
    wire.advance(.nanoseconds(999_999_999))
    #expect(Frame.parse(wire.serverOutput()).isEmpty)
    wire.advance(.nanoseconds(1))
    #expect(Frame.parse(wire.serverOutput()).of(.goaway).map { $0.word(0) } == [0])
    #expect(wire.server.isClosed)
  }

  @Test func `another PING's answer does not end the drain's first step`() {
    let wire = Wire(ScriptedRouter())
    _ = wire.exchange(RawPeer.hello)
    wire.server.beginDrain(now: wire.now)
    _ = wire.serverOutput()
    let frames = wire.exchange(
      Frame(.ping, flags: Frame.ack, ServerSession.drainPing.dropLast() + [0]).bytes)
    #expect(frames.of(.goaway).isEmpty)
  }

  @Test func `a drain under load loses no call`() {
    let wire = Wire(.unaryEcho())
    wire.run()
    var calls = (0..<50).map { _ in wire.client.unary(path: "/t.T/M", message: [1]) }
    wire.server.beginDrain(now: wire.now)
    calls += (0..<50).map { _ in wire.client.unary(path: "/t.T/M", message: [2]) }
    wire.run()
    #expect(calls.allSatisfy { $0.reply.isOK })
    #expect(wire.server.isClosed)
  }

  // MARK: broken peers

  @Test func `what is not HTTP/2 ends the connection`() {
    for bytes in [
      [UInt8]("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [UInt8](repeating: 0, count: 100),
      RawPeer.preface + Frame(.ping, [0, 0, 0, 0, 0, 0, 0, 0]).bytes,
      RawPeer.hello + Frame(.data, stream: 7, [1]).bytes,
      RawPeer.hello + Frame(.windowUpdate, be32(0)).bytes,
      RawPeer.hello + Frame(.continuation, stream: 1, [0]).bytes,
    ] {
      let wire = Wire(ScriptedRouter())
      wire.feedServer(bytes)
      #expect(Frame.parse(wire.serverOutput()).of(.goaway).count == 1)
      #expect(wire.server.isClosed)
      wire.feedServer(RawPeer.headers(1))
      #expect(wire.router.paths.isEmpty)
    }
  }

  @Test func `a broken frame loses the connection for every open call`() {
    let wire = Wire(ScriptedRouter())
    _ = wire.exchange(RawPeer.hello + RawPeer.headers(1) + RawPeer.headers(3))
    _ = wire.exchange(Frame(.windowUpdate, be32(0)).bytes)
    #expect(wire.server.isClosed)
    #expect(wire.router.handlers.map(\.endings) == [[.connectionLost], [.connectionLost]])
    #expect(wire.server.openCalls == 0)
    #expect(!wire.server.wantsWrite)
  }

  @Test func `a lost connection ends every call once, and later sends are dropped`() {
    let wire = Wire(ScriptedRouter())
    _ = wire.exchange(RawPeer.hello + RawPeer.headers(1) + RawPeer.data(1, framed([1])))
    let handler = wire.router.handlers[0]
    handler.onEnded = { [weak handler] _ in #expect(handler?.call?.isOpen == false) }
    wire.server.connectionLost()
    wire.server.connectionLost()
    #expect(handler.endings == [.connectionLost])
    handler.call!.send([1].span)
    handler.call!.finish(.ok)
    #expect(!wire.server.wantsWrite)
    #expect(wire.serverOutput().isEmpty)
  }

  // MARK: memory

  @Test func `calls, handlers and connections go when nobody keeps them`() {
    weak var handler: ScriptedHandler?
    weak var call: Call?
    weak var session: ServerSession?
    weak var client: ClientSession?
    func use(_ end: (Wire, ClientCall) -> Void) {
      let wire = Wire(ScriptedRouter { $0.onMessage = { _, call in call.send([1].span) } })
      let clientCall = wire.client.open(path: "/t.T/M")
      clientCall.send([1].span)
      wire.run()
      handler = wire.router.handlers[0]
      call = wire.router.handlers[0].call
      session = call?.session
      client = wire.client.session
      #expect(session != nil)
      end(wire, clientCall)
      #expect(wire.router.handlers[0].endings.count == 1)
      wire.router.handlers = []
      #expect(handler == nil)
      #expect(call == nil)
    }
    use { wire, call in
      wire.router.handlers[0].call!.finish(.ok)
      wire.run()
    }
    #expect(session == nil && client == nil)
    use { wire, call in
      call.reset()
      wire.run()
    }
    #expect(session == nil && client == nil)
    use { wire, _ in wire.server.connectionLost() }
    #expect(session == nil && client == nil)
  }

  @Test func `dropping a connection ends its calls and gives its memory back`() {
    let budget = BufferBudget(limit: 1 << 30)
    let router = ScriptedRouter { $0.onMessage = { _, call in _ = call.retain(bytes: 100) } }
    weak var session: ServerSession?
    do {
      let server = ServerConnection(
        router: router, limits: TransportLimits(), budget: budget,
        now: MonotonicTime(nanoseconds: 0))
      let bytes = RawPeer.hello + RawPeer.headers(1) + RawPeer.data(1, framed([1]))
      server.receive(bytes.span, now: MonotonicTime(nanoseconds: 0))
      #expect(budget.used > 0)
      session = router.handlers[0].call?.session
      #expect(session != nil)
    }
    #expect(router.handlers[0].endings == [.connectionLost])
    #expect(session == nil)
    #expect(budget.used == 0)
  }
}
