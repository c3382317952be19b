import Bytes
import Testing

@testable import EnvoyAPI

@Suite struct AssemblerTests {
  /// A request body of `body` bytes, then `rest` more bytes of an unknown field's content.
  private func message(body: Int, rest: Int) -> [UInt8] {
    let content = WireBytes.delimited(1, [UInt8](repeating: 7, count: body)) + [2 << 3, 1]
    return WireBytes.delimited(4, content)
      + WireBytes.delimited(100, [UInt8](repeating: 0, count: rest))
  }

  @Test func `a body is the same in pieces of every size`() throws {
    for body in [0, 1, 5, 6, 7, 8, 9, 127, 128, 200] {
      let message = message(body: body, rest: 3)
      let whole = try Walk.processing(message)
      #expect(whole.body.count == body && whole.endOfStream)
      for size in 1...message.count {
        #expect(try Walk.processing(message, pieces: [size]) == whole, "\(body) in \(size)")
      }
    }
  }

  @Test func `a body is handed over and not kept`() throws {
    let message = message(body: 1000, rest: 0)
    var assembler = ProcessingRequestAssembler()
    assembler.start(size: message.count)
    var handedOver = 0
    try assembler.add(message.span) { phase, bytes in
      #expect(phase == .requestBody)
      handedOver += bytes.count
    }
    #expect(handedOver == 1000)
    #expect(assembler.bodyPhase == .requestBody)
    let kept = try assembler.finish { _, bytes in bytes.count }
    #expect(kept == message.count - handedOver - 6)
  }

  @Test func `what follows a body may be as large as the limit and not one byte larger`() throws {
    // end_of_stream (2), the unknown field's tag (2) and length (3).
    let room = ProcessingRequestAssembler.restBytesMax - 7
    let whole = try Walk.processing(message(body: 100, rest: room), pieces: [4096])
    #expect(whole.body.count == 100)
    #expect(throws: WireError.outOfRange(field: 9)) {
      try Walk.processing(message(body: 100, rest: room + 1), pieces: [4096])
    }
  }

  @Test func `a message that ends inside its body is refused`() {
    let message = message(body: 100, rest: 0)
    var assembler = ProcessingRequestAssembler()
    #expect(throws: WireError.truncated(offset: 0)) {
      assembler.start(size: message.count)
      let beginning = Array(message.prefix(50))
      try assembler.add(beginning.span) { _, _ in }
      try assembler.finish { _, _ in }
    }
  }

  @Test func `an assembler forgets the message before`() throws {
    var assembler = ProcessingRequestAssembler()
    let first = message(body: 100, rest: 5)
    assembler.start(size: first.count)
    try assembler.add(first.span) { _, _ in }
    let second: [UInt8] = [2 << 3 | 2, 2, 3 << 3, 1]
    assembler.start(size: second.count)
    try assembler.add(second.span) { _, _ in Issue.record("no body here") }
    try assembler.finish { request, _ in
      #expect(request.phase == .requestHeaders && request.endOfStream)
    }
  }
}
