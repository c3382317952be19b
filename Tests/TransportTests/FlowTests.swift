import Testing

@testable import Transport

/// Windows, backpressure and the limits on what is kept.
@Suite struct FlowTests {
  private var small: TransportLimits {
    var limits = TransportLimits()
    limits.streamWindowBytes = 70_000
    limits.connectionWindowBytes = 140_000
    limits.outputHighWaterBytes = 50_000
    return limits
  }

  private let sixteen = [UInt8](repeating: 1, count: 16_000)

  @Test func `windows come back as the handler consumes`() {
    let wire = Wire(ScriptedRouter(), limits: small)
    _ = wire.exchange(RawPeer.hello + RawPeer.headers(1))
    var sent = 0
    var returned = 0
    for _ in 0..<100 {
      let frames = wire.exchange(RawPeer.data(1, framed(sixteen)))
      sent += 16_005
      returned += frames.of(.windowUpdate, stream: 1).reduce(0) { $0 + Int($1.word(0)) }
      #expect(returned <= sent)
      // What is on its way may not stop a peer: at most three quarters are held back.
      #expect(sent - returned < 70_000 * 3 / 4 + 16_005)
    }
    #expect(returned > 1_500_000)
    #expect(wire.router.handlers[0].messages.count == 100)
  }

  @Test func `a stream whose output is not read gets no window back, and the connection does`() {
    let wire = Wire(.streamEcho(), limits: small)
    // The peer's own window is shut: nothing can be sent.
    let shut = Frame(.settings, [0, 4] + be32(0)).bytes
    _ = wire.exchange(RawPeer.preface + shut + Frame(.settings, flags: Frame.ack).bytes)
    _ = wire.exchange(RawPeer.headers(1))
    var stream = 0
    var connection = 0
    for _ in 0..<4 {
      let frames = wire.exchange(RawPeer.data(1, framed(sixteen)))
      stream += frames.of(.windowUpdate, stream: 1).reduce(0) { $0 + Int($1.word(0)) }
      connection += frames.of(.windowUpdate, stream: 0).reduce(0) { $0 + Int($1.word(0)) }
    }
    let held = 4 * 16_005 - stream
    #expect(stream <= 3 * 16_005)
    #expect(held > 16_000)
    #expect(wire.router.handlers[0].messages.count == 4)
    // The peer reads again: output goes out and the window comes back.
    let open = Frame(.windowUpdate, stream: 1, be32(1 << 20)).bytes
    let frames = wire.exchange(open)
    #expect(frames.of(.data, stream: 1).reduce(0) { $0 + $1.payload.count } == 4 * 16_005)
    stream += frames.of(.windowUpdate, stream: 1).reduce(0) { $0 + Int($1.word(0)) }
    #expect(4 * 16_005 - stream < 70_000 / 2)
  }

  @Test func `connection window is returned for data nobody takes`() {
    let wire = Wire(.unaryEcho(), limits: small)
    _ = wire.exchange(RawPeer.hello)
    var returned = 0
    for index in 0..<20 as Range<UInt32> {
      // An unknown method and a whole message: answered at once, the data is ignored.
      let frames = wire.exchange(
        RawPeer.headers(2 * index + 1, RawPeer.fields([(":path", "/none")]))
          + RawPeer.data(2 * index + 1, framed(sixteen), endStream: true))
      returned += frames.of(.windowUpdate, stream: 0).reduce(0) { $0 + Int($1.word(0)) }
    }
    #expect(20 * 16_005 - returned < 70_000 + 16_005)
  }

  @Test func `a slow reader slows a full-duplex echo and loses nothing`() {
    let wire = Wire(.streamEcho(), limits: small, clientLimits: small)
    let call = wire.client.open(path: "/t.T/M")
    wire.clientReads = false
    for _ in 0..<60 { call.send(sixteen.span) }
    call.halfClose()
    wire.run()
    // Kept here: what the client's window did not take, bounded by high water and one window.
    #expect(wire.budget.used < 50_000 + 70_000 + 2 * BufferLease.stepBytes)
    #expect(!call.reply.isDone)
    #expect(wire.router.handlers[0].messages.count < 20)
    wire.clientReads = true
    wire.run()
    #expect(call.reply.isOK)
    #expect(call.reply.messages.count == 60)
  }

  @Test func `an 8 MiB body goes through whole`() {
    let wire = Wire(.unaryEcho())
    let body = [UInt8](repeating: 1, count: 8 << 20)
    let call = wire.client.unary(path: "/t.T/M", message: body)
    wire.run()
    #expect(call.reply.isOK)
    #expect(call.reply.messages == [body])
    #expect(wire.router.handlers[0].pieces > 1)
  }

  @Test func `output at the stream's limit passes and one over resets the stream`() {
    for (size, ok) in [(1000 - 5, true), (1001 - 5, false)] {
      var limits = TransportLimits()
      limits.streamBufferBytesMax = 1000
      let router = ScriptedRouter {
        $0.onMessage = { [weak handler = $0] _, call in
          call.send([UInt8](repeating: 1, count: size).span)
          // The handler is told later, not from inside `send`.
          #expect(handler?.endings == [])
          #expect(call.isOpen == ok)
          call.finish(.ok)
        }
      }
      let wire = Wire(router, limits: limits)
      let call = wire.client.unary(path: "/t.T/M", message: [1])
      wire.run()
      #expect(call.reply.isOK == ok)
      #expect(router.handlers[0].endings == [ok ? .finished : .failed])
      #expect(call.reply.resetCode == (ok ? nil : HTTP2ErrorCode.enhanceYourCalm))
      #expect(wire.server.openCalls == 0)
    }
  }

  @Test func `retained bytes stop at the stream's limit and are released at the end`() {
    var limits = TransportLimits()
    limits.streamBufferBytesMax = 1000
    var answers: [Bool] = []
    let router = ScriptedRouter {
      $0.onMessage = { _, call in
        answers = [call.retain(bytes: 1000), call.retain(bytes: 1)]
        call.release(bytes: 600)
        answers += [call.retain(bytes: 600), call.retain(bytes: 1)]
      }
    }
    let wire = Wire(router, limits: limits)
    let call = wire.client.open(path: "/t.T/M")
    call.send([1].span)
    wire.run()
    #expect(answers == [true, false, true, false])
    #expect(wire.budget.used >= 1000)
    let kept = router.handlers[0].call!
    call.reset()
    wire.run()
    #expect(router.handlers[0].endings == [.reset(8)])
    #expect(!kept.retain(bytes: 1))
    kept.release(bytes: 1)
    wire.server.connectionLost()
    #expect(wire.budget.used <= BufferLease.stepBytes)
  }

  @Test func `retained bytes stop at the connection's and the process's limit`() {
    for perConnection in [true, false] {
      var limits = TransportLimits()
      limits.streamBytes = 0
      limits.connectionBytes = 0
      if perConnection {
        limits.connectionBufferBytesMax = 1000
      } else {
        limits.processBufferBytesMax = 1000
      }
      var answers: [Bool] = []
      let router = ScriptedRouter {
        $0.onMessage = { bytes, call in answers.append(call.retain(bytes: Int(bytes[0]) * 100)) }
      }
      let wire = Wire(router, limits: limits)
      let first = wire.client.open(path: "/t.T/M")
      let second = wire.client.open(path: "/t.T/M")
      first.send([6].span)
      second.send([4].span)
      wire.run()
      first.send([1].span)
      wire.run()
      #expect(answers == [true, true, false])
      second.reset()
      wire.run()
      first.send([4].span)
      wire.run()
      #expect(answers == [true, true, false, true])
    }
  }

  @Test func `streams up to the limit are taken and one over is not`() {
    var limits = TransportLimits()
    limits.concurrentStreamsMax = 2
    let wire = Wire(ScriptedRouter(), limits: limits)
    let settings = wire.exchange(RawPeer.hello).of(.settings)[0].payload
    #expect(settings.count % 6 == 0)
    #expect(Array(settings.prefix(6)) == [0, 3, 0, 0, 0, 2])
    #expect(wire.exchange(RawPeer.headers(1) + RawPeer.headers(3)).of(.goaway).isEmpty)
    #expect(wire.server.openCalls == 2)
    #expect(wire.exchange(RawPeer.headers(5)).of(.goaway).count == 1)
    #expect(wire.server.isClosed)
    #expect(wire.router.handlers.count == 2)

    // Before the peer has acknowledged the setting, the stream alone is refused.
    let early = Wire(ScriptedRouter(), limits: limits)
    let hello = RawPeer.preface + Frame(.settings).bytes
    let frames = early.exchange(
      hello + RawPeer.headers(1) + RawPeer.headers(3) + RawPeer.headers(5))
    #expect(frames.of(.reset).map(\.stream) == [5])
    #expect(frames.of(.reset)[0].word(0) == 7)
    #expect(early.server.openCalls == 2)
  }
}
