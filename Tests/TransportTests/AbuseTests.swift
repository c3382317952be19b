import Bytes
import SeededRandom
import Testing

@testable import Transport

/// Floods that libnghttp2 does not stop by itself, and storms of everything at once.
@Suite struct AbuseTests {
  private func limits(resets: Int = 1000, controlFrames: Int = 1000) -> TransportLimits {
    var limits = TransportLimits()
    limits.abuse.resets = GlitchLimit(burst: resets, perSecond: 1)
    limits.abuse.controlFrames = GlitchLimit(burst: controlFrames, perSecond: 1)
    limits.abuse.controlFramesEarned = 2
    return limits
  }

  /// Whether the frames bring GOAWAY ENHANCE_YOUR_CALM and the connection's end.
  private func isThrownOut(_ wire: Wire, _ bytes: [UInt8]) -> Bool {
    let goaway = wire.exchange(bytes).of(.goaway)
    if goaway.isEmpty { return false }
    #expect(goaway.map { $0.word(4) } == [HTTP2ErrorCode.enhanceYourCalm])
    #expect(wire.server.isClosed)
    return true
  }

  @Test func `unanswered resets up to the budget pass and one over ends the connection`() {
    for together in [true, false] {
      let wire = Wire(ScriptedRouter(), limits: limits(resets: 20))
      _ = wire.exchange(RawPeer.hello)
      for index in 0..<20 as Range<UInt32> {
        if !together { _ = wire.exchange(RawPeer.headers(2 * index + 1)) }
        let opening = together ? RawPeer.headers(2 * index + 1) : []
        #expect(!isThrownOut(wire, opening + RawPeer.reset(2 * index + 1)))
      }
      #expect(isThrownOut(wire, RawPeer.headers(41) + RawPeer.reset(41)))
    }
  }

  @Test func `resets of answered streams are Envoy's normal end, however many`() {
    let wire = Wire(.streamEcho(), limits: limits(resets: 5))
    _ = wire.exchange(RawPeer.hello)
    for index in 0..<5000 as Range<UInt32> {
      let stream = 2 * index + 1
      #expect(!isThrownOut(wire, RawPeer.headers(stream) + RawPeer.data(stream, framed([1]))))
      #expect(!isThrownOut(wire, RawPeer.reset(stream, 2)))
    }
    #expect(wire.router.handlers.allSatisfy { $0.endings == [.reset(2)] })
    #expect(wire.server.openCalls == 0)
  }

  @Test func `malformed requests and provoked resets are counted`() {
    let malformed = { (stream: UInt32) in
      RawPeer.headers(stream, RawPeer.fields([("Upper-Case", "x")]))
    }
    let provoked = { (stream: UInt32) in
      RawPeer.headers(stream)
        + Frame(.windowUpdate, stream: stream, be32(0x7FFF_FFFF)).bytes
    }
    for offence in [malformed, provoked] {
      let wire = Wire(ScriptedRouter(), limits: limits(resets: 20))
      _ = wire.exchange(RawPeer.hello)
      for index in 0..<20 as Range<UInt32> {
        let frames = wire.exchange(offence(2 * index + 1))
        #expect(frames.of(.reset).count == 1)
        #expect(frames.of(.goaway).isEmpty)
      }
      _ = wire.exchange(offence(41))
      #expect(Frame.parse(wire.fromServer).of(.goaway).count == 1)
      #expect(wire.server.isClosed)
    }
  }

  @Test func `frames that carry no work are limited`() {
    let frames: [[UInt8]] = [
      Frame(.data, stream: 1).bytes,
      Frame(.data, flags: 8, stream: 1, [2, 0, 0]).bytes,
      Frame(.priority, stream: 1, be32(0) + [1]).bytes,
      Frame(.windowUpdate, stream: 1, be32(1)).bytes,
      Frame(.windowUpdate, be32(1)).bytes,
      Frame(.ping, [UInt8](repeating: 0, count: 8)).bytes,
      Frame(.settings).bytes,
    ]
    for frame in frames {
      let wire = Wire(ScriptedRouter(), limits: limits(controlFrames: 20))
      // The hello's SETTINGS spends one; the request earns two, but the bucket holds no more.
      _ = wire.exchange(RawPeer.hello + RawPeer.headers(1))
      for _ in 0..<20 { #expect(!isThrownOut(wire, frame)) }
      #expect(isThrownOut(wire, frame))
    }
  }

  @Test func `honest flow control of a long echo does not run out`() {
    let wire = Wire(.streamEcho(), limits: limits(controlFrames: 10))
    _ = wire.exchange(RawPeer.hello + RawPeer.headers(1))
    for _ in 0..<2000 {
      let frames = wire.exchange(
        RawPeer.data(1, framed([1])) + Frame(.windowUpdate, stream: 1, be32(6)).bytes
          + Frame(.windowUpdate, be32(6)).bytes)
      #expect(frames.of(.goaway).isEmpty)
    }
  }

  @Test func `paths are forgotten though every read ends inside a header block`() {
    let session = ServerSession(
      router: ScriptedRouter(), limits: TransportLimits(),
      budget: BufferBudget(limit: 1 << 20), now: MonotonicTime(nanoseconds: 0))
    var bytes = RawPeer.hello
    for index in 0..<100 as Range<UInt32> {
      let headers = RawPeer.headers(2 * index + 1)
      let half = headers.count - 5
      bytes += headers[..<half]
      session.enter(MonotonicTime(nanoseconds: 0))
      session.receive(bytes.span)
      session.leave()
      #expect(session.paths.count <= 256)
      bytes = Array(headers[half...])
    }
    #expect(session.openCalls == 99)
    session.shut()
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `after any storm each call has ended exactly once and nothing is kept`(seed: UInt64) {
    var dice = SeededRandom(seed)
    var limits = TransportLimits()
    limits.streamBufferBytesMax = 60_000
    limits.streamWindowBytes = 40_000
    limits.outputHighWaterBytes = 10_000
    limits.messageBytesMax = 30_000
    var clientLimits = TransportLimits()
    clientLimits.streamWindowBytes = 20_000
    let wire = Wire(
      ScriptedRouter {
        $0.onMessage = { bytes, call in
          _ = call.retain(bytes: bytes.count / 2)
          if bytes.first != 0 { call.send(bytes.span) }
          if bytes.first == 2 { call.finish(.ok) }
        }
        $0.onHalfClosed = { call in call.finish(.ok) }
      }, limits: limits, clientLimits: clientLimits)
    var calls: [ClientCall] = []
    for _ in 0..<400 {
      let victim = calls.isEmpty ? nil : calls[Int.random(in: 0..<calls.count, using: &dice)]
      switch Int.random(in: 0..<13, using: &dice) {
      case 0...2:
        let timeout: Duration? = Bool.random(using: &dice) ? .milliseconds(5) : nil
        calls.append(wire.client.open(path: "/t.T/M", timeout: timeout))
      case 3...5:
        let size = Int.random(in: 0..<31_000, using: &dice)
        victim?.send([UInt8](repeating: UInt8.random(in: 0...5, using: &dice), count: size).span)
      case 6: victim?.halfClose()
      case 7: victim?.reset(UInt32.random(in: 0...13, using: &dice))
      case 8: wire.clientReads.toggle()
      case 9: wire.advance(.milliseconds(Int.random(in: 0..<4, using: &dice)))
      case 10:
        let call = wire.router.handlers.randomElement(using: &dice)?.call
        call?.send([1, 2, 3].span)
        if Bool.random(using: &dice) { call?.finish(.failed(GRPCFailure(.unknown, "x"))) }
      case 11: victim?.sendBytes([UInt8.random(in: 0...2, using: &dice)].span)
      default:
        wire.serverStep = Int.random(in: 1...50_000, using: &dice)
        wire.run()
      }
    }
    wire.clientReads = true
    wire.run()
    #expect(!wire.server.isClosed)
    if seed % 4 == 0 { wire.server.beginDrain(now: wire.now) }
    if seed % 4 == 1 { for call in calls { call.reset() } }
    wire.run()
    wire.server.connectionLost()
    #expect(wire.router.handlers.count > 10)
    #expect(wire.router.handlers.allSatisfy { $0.endings.count == 1 })
    #expect(
      wire.router.handlers.allSatisfy {
        if case .ended = $0.events.last { true } else { false }
      })
    #expect(wire.server.openCalls == 0)
    #expect(wire.budget.used <= BufferLease.stepBytes)
  }
}
