import Testing

@testable import Transport

/// Calls with several messages, in every cut.
@Suite struct StreamTests {
  /// A conversation of hand-made frames: three messages split and joined across DATA frames, a
  /// unary call beside it, a reset one.
  private var conversation: [UInt8] {
    let long = [UInt8](repeating: 9, count: 300)
    let stream = framed([1, 2, 3]) + framed([]) + framed(long)
    var bytes = RawPeer.hello + RawPeer.headers(1)
    bytes += RawPeer.data(1, Array(stream[..<3])) + RawPeer.headers(3)
    bytes += RawPeer.data(1, Array(stream[3..<20]))
    bytes += RawPeer.data(3, framed([7]), endStream: true)
    bytes += RawPeer.data(1, Array(stream[20...])) + RawPeer.headers(5)
    bytes += RawPeer.data(5, framed([8])) + RawPeer.reset(5)
    return bytes + RawPeer.data(1, [], endStream: true)
  }

  private func events(step: Int, target: Int = 65536) -> [[HandlerEvent]] {
    let wire = Wire(.streamEcho())
    wire.serverStep = step
    wire.feedServer(conversation)
    _ = wire.serverOutput(target: target)
    #expect(wire.server.openCalls == 0)
    return wire.router.handlers.map(\.events)
  }

  @Test func `every cut of the bytes gives the same handler events`() {
    let whole = events(step: 100_000)
    let long = [UInt8](repeating: 9, count: 300)
    #expect(
      whole[0] == [
        .message([1, 2, 3]), .message([]), .message(long), .halfClosed, .ended(.finished),
      ])
    #expect(whole[1] == [.message([7]), .halfClosed, .ended(.finished)])
    // The third stream was opened and reset in the same bytes: it got no handler.
    #expect(whole.count == 2)
    for step in 1...120 {
      let cut = events(step: step)
      #expect(Array(cut.prefix(2)) == whole, "in steps of \(step)")
      if cut.count == 3 { #expect(cut[2].last == .ended(.reset(8))) }
    }
  }

  @Test func `every pair of pieces gives the same handler events`() {
    let bytes = conversation
    let whole = Array(events(step: 100_000).prefix(2))
    for cut in 0...bytes.count {
      let wire = Wire(.streamEcho())
      wire.feedServer(Array(bytes[..<cut]))
      wire.feedServer(Array(bytes[cut...]))
      _ = wire.serverOutput()
      #expect(Array(wire.router.handlers.map(\.events).prefix(2)) == whole, "cut at \(cut)")
    }
  }

  @Test func `DATA frames of one byte carry a message`() {
    let wire = Wire(.unaryEcho())
    var bytes = RawPeer.hello + RawPeer.headers(1)
    for byte in framed([1, 2, 3, 4]) { bytes += RawPeer.data(1, [byte]) }
    let frames = wire.exchange(bytes + RawPeer.data(1, [], endStream: true))
    #expect(wire.router.handlers[0].messages == [[1, 2, 3, 4]])
    #expect(frames.of(.data, stream: 1).map(\.payload) == [framed([1, 2, 3, 4])])
  }

  @Test func `padded DATA is read without its padding`() {
    let wire = Wire(.unaryEcho())
    let padded = Frame(.data, flags: 8, stream: 1, [3] + framed([1, 2]) + [0, 0, 0])
    _ = wire.exchange(RawPeer.hello + RawPeer.headers(1) + padded.bytes)
    #expect(wire.router.handlers[0].messages == [[1, 2]])
  }

  @Test func `a reply and its trailers leave in one go`() {
    let wire = Wire(.unaryEcho())
    _ = wire.exchange(RawPeer.hello)
    wire.feedServer(RawPeer.headers(1) + RawPeer.data(1, framed([1]), endStream: true))
    var bytes: [UInt8] = []
    #expect(!wire.server.fillOutput(&bytes, target: 65536))
    let frames = Frame.parse(bytes).filter { $0.stream == 1 }
    #expect(frames.map(\.kind) == [1, 0, 1])
    #expect(frames[2].flags & Frame.endStream != 0)
  }

  @Test func `a message may be sent in pieces`() {
    let router = ScriptedRouter {
      $0.onMessage = { _, call in
        call.beginMessage(size: 5)
        call.append([1, 2].span)
        call.append(Span())
        call.append([3, 4, 5].span)
        call.send([6].span)
        call.finish(.ok)
      }
    }
    let wire = Wire(router)
    let call = wire.client.unary(path: "/t.T/M", message: [])
    wire.run()
    #expect(call.reply.isOK)
    #expect(call.reply.messages == [[1, 2, 3, 4, 5], [6]])
  }

  @Test func `after finish no more messages come and sends are dropped`() {
    let router = ScriptedRouter {
      $0.onMessage = { _, call in
        #expect(call.isOpen)
        call.finish(.failed(GRPCFailure(.unavailable, "100% gone\n")))
        #expect(!call.isOpen)
        call.send([1].span)
        call.finish(.ok)
      }
    }
    let wire = Wire(router)
    let call = wire.client.open(path: "/t.T/M")
    call.sendBytes((framed([1]) + framed([2])).span)
    wire.run()
    #expect(call.reply.grpcStatus == 14)
    #expect(call.reply.grpcMessage == "100% gone\n")
    #expect(call.reply.messages.isEmpty)
    #expect(router.handlers[0].events == [.message([1]), .ended(.finished)])
  }

  @Test func `a failure after messages comes behind them`() {
    let router = ScriptedRouter {
      $0.onMessage = { bytes, call in
        call.send(bytes.span)
        call.finish(.failed(GRPCFailure(.aborted, "")))
      }
    }
    let wire = Wire(router)
    let call = wire.client.unary(path: "/t.T/M", message: [4])
    wire.run()
    #expect(call.reply.messages == [[4]])
    #expect(call.reply.grpcStatus == 10)
    #expect(call.reply.grpcMessage == "")
  }

  @Test func `a call without any message may end well`() {
    let router = ScriptedRouter { $0.onMessage = { _, call in call.finish(.ok) } }
    let wire = Wire(router)
    let call = wire.client.unary(path: "/t.T/M", message: [4])
    wire.run()
    #expect(call.reply.isOK)
    #expect(call.reply.messages.isEmpty)
  }

  @Test func `an answer from outside wakes the loop once until it has flushed`() {
    let wire = Wire(ScriptedRouter())
    var wakes = 0
    wire.server.onWantsWrite = { wakes += 1 }
    let call = wire.client.unary(path: "/t.T/M", message: [4])
    wire.run()
    #expect(wakes == 0)
    #expect(!wire.server.wantsWrite)
    let serverCall = wire.router.handlers[0].call!
    serverCall.send([5].span)
    #expect(wire.server.wantsWrite)
    serverCall.finish(.ok)
    #expect(wakes == 1)
    wire.run()
    #expect(call.reply.isOK)
    #expect(call.reply.messages == [[5]])
    #expect(!wire.server.wantsWrite)
    serverCall.send([6].span)
    #expect(wakes == 1)
  }

  @Test func `a thousand calls at once on one connection are all answered right`() {
    for step in [Int.max, 1000] {
      let wire = Wire(.unaryEcho())
      wire.serverStep = step
      wire.run()
      let calls = (0..<1000).map { index in
        wire.client.unary(path: "/t.T/M", message: be32(UInt32(index)))
      }
      wire.run()
      for (index, call) in calls.enumerated() {
        #expect(call.reply.isOK)
        #expect(call.reply.messages == [be32(UInt32(index))])
      }
      #expect(wire.server.openCalls == 0)
      #expect(wire.budget.used <= 2 * BufferLease.stepBytes)
    }
  }

  @Test func `output stops near its target and goes on where it stopped`() {
    let wire = Wire(.unaryEcho())
    let message = [UInt8](repeating: 3, count: 300_000)
    let call = wire.client.unary(path: "/t.T/M", message: message)
    wire.feedServer(wire.clientOutput())
    while true {
      var piece: [UInt8] = []
      let isMore = wire.server.fillOutput(&piece, target: 20_000)
      #expect(piece.count <= 20_000 + 16384 + 9)
      wire.client.receive(piece.span)
      wire.feedServer(wire.clientOutput())
      if !isMore && !wire.server.wantsWrite { break }
    }
    #expect(call.reply.isOK)
    #expect(call.reply.messages == [message])
  }
}
