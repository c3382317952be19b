import Bytes
import Testing

@testable import Transport

@Suite struct ValueTests {
  // MARK: timeouts

  @Test(
    arguments: [
      ("1n", 1), ("99999999u", 99_999_999_000), ("200m", 200_000_000), ("3S", 3_000_000_000),
      ("2M", 120_000_000_000), ("1H", 3_600_000_000_000), ("0S", 0), ("00000001S", 1_000_000_000),
      ("99999999H", Int64.max),
    ] as [(String, Int64)])
  func `a grpc-timeout is read in its unit`(text: String, nanoseconds: Int64) {
    #expect(GRPCTimeout.parse([UInt8](text.utf8).span) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: [
    "", "S", "1", "-1S", "+1S", " 1S", "1 S", "1.5S", "123456789S", "1s", "1h", "1SS", "S1",
    "1\u{0}",
  ])
  func `a malformed grpc-timeout is told apart`(text: String) {
    #expect(GRPCTimeout.parse([UInt8](text.utf8).span) == .malformed)
  }

  @Test(arguments: [
    (Duration.nanoseconds(5), "5n"), (.milliseconds(200), "200000u"), (.seconds(60), "60000000u"),
    (.seconds(3600), "3600000m"), (.nanoseconds(100_000_001), "100001u"),
    (.seconds(1_000_000_000), "16666667M"), (.seconds(-1), "0n"),
  ])
  func `a timeout is written in the finest unit that fits`(duration: Duration, text: String) {
    #expect(GRPCTimeout.format(duration) == text)
  }

  // MARK: grpc-message

  @Test func `a message text is percent-encoded and decoded`() {
    let text = "50% of 7\u{e9}\n~ \u{1F600}"
    let encoded = GRPCMessageText.encode(text)
    #expect(String(decoding: encoded, as: UTF8.self) == "50%25 of 7%C3%A9%0A~ %F0%9F%98%80")
    #expect(GRPCMessageText.decode(encoded) == text)
  }

  @Test(arguments: ["%", "%4", "%zz", "a%", "%%41"])
  func `a broken escape stays as it is`(text: String) {
    let decoded = GRPCMessageText.decode([UInt8](text.utf8))
    #expect(decoded == (text == "%%41" ? "%A" : text))
  }

  @Test func `a message text is cut at its limit`() {
    let at = String(repeating: "a", count: GRPCMessageText.bytesMax)
    #expect(GRPCMessageText.encode(at).count == GRPCMessageText.bytesMax)
    #expect(GRPCMessageText.encode(at + "a").count == GRPCMessageText.bytesMax)
  }

  // MARK: budgets

  @Test func `a glitch budget gives its burst, then what time brings back`() {
    var budget = GlitchBudget(
      GlitchLimit(burst: 3, perSecond: 2), now: MonotonicTime(nanoseconds: 0))
    let spent = [
      0, 0, 0, 0, 499_999_999, 500_000_000, 999_999_999, 1_000_000_000, 100_000_000_000,
      100_000_000_000, 100_000_000_000, 100_000_000_000,
    ].map { budget.spend(now: MonotonicTime(nanoseconds: $0)) }
    let wanted = [
      true, true, true, false, false, true, false, true, true, true, true, false,
    ]
    #expect(spent == wanted)
  }

  @Test func `a glitch budget earns by work, up to its burst`() {
    let now = MonotonicTime(nanoseconds: 0)
    var budget = GlitchBudget(GlitchLimit(burst: 2, perSecond: 0), now: now)
    budget.earn(10)
    var spent = [budget.spend(2, now: now), budget.spend(now: now)]
    budget.earn(1)
    spent += [budget.spend(now: now), budget.spend(now: MonotonicTime(nanoseconds: .max))]
    #expect(spent == [true, false, true, false])
  }

  @Test func `the process's budget gives out exactly its limit`() {
    let budget = BufferBudget(limit: 10)
    #expect(budget.reserve(10))
    #expect(!budget.reserve(1))
    #expect(budget.used == 10)
    budget.release(9)
    #expect(budget.takePeak() == 10 && budget.takePeak() == 1)
    #expect(budget.reserve(8) && budget.takePeak() == 9)
    #expect(budget.reserve(1))
    budget.release(10)
    #expect(budget.used == 0)
  }

  @Test func `a lease stops at its own limit and at the process's, and gives all back`() {
    let budget = BufferBudget(limit: 100_000)
    do {
      var first = BufferLease(budget: budget, limit: 90_000)
      var second = BufferLease(budget: budget, limit: 90_000)
      let taken = [
        first.take(90_000), first.take(1), second.take(10_000), second.take(1),
      ]
      #expect(taken == [true, false, true, false])
      first.giveBack(90_000)
      #expect(budget.used <= 10_000 + BufferLease.stepBytes)
      let after = second.take(20_000)
      #expect(after)
    }
    #expect(budget.used == 0)
  }

  @Test func `small takes do not touch the process's budget each time`() {
    let budget = BufferBudget(limit: 1 << 30)
    var lease = BufferLease(budget: budget, limit: 1 << 20)
    var taken = [lease.take(1)]
    let used = budget.used
    for _ in 0..<100 {
      taken.append(lease.take(100))
      lease.giveBack(100)
    }
    lease.giveBack(1)
    #expect(!taken.contains(false))
    #expect(budget.used == used)
  }

  // MARK: messages

  /// The deframer's view of a stream cut in chunks: messages joined, as text.
  private func messages(_ chunks: [[UInt8]], max: Int = 1000) -> [String] {
    var deframer = MessageDeframer(messageBytesMax: max)
    var found: [String] = []
    var partial: [UInt8] = []
    for chunk in chunks {
      var offset = 0
      steps: while true {
        switch deframer.next(in: chunk.span, from: &offset) {
        case .needsMore: break steps
        case .message(let range): found.append("\([UInt8](chunk[range]))")
        case .started: partial = []
        case .bytes(let range): partial += chunk[range]
        case .ended: found.append("\(partial)")
        case .refused(let fault): found.append("\(fault)")
        }
      }
      #expect(offset == chunk.count)
    }
    found.append(deframer.isAtBoundary ? "boundary" : "inside")
    return found
  }

  @Test func `messages are the same at every pair of cuts`() {
    let bytes = framed([1, 2, 3]) + framed([]) + framed([4]) + framed([5, 6, 7, 8, 9, 10, 11])
    let whole = messages([bytes])
    #expect(whole.count == 5)
    #expect(whole.last == "boundary")
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let chunks = [bytes[..<first], bytes[first..<second], bytes[second...]].map(Array.init)
        #expect(messages(chunks) == whole)
      }
    }
    #expect(messages(bytes.map { [$0] }) == whole)
  }

  @Test func `a stream may end at a boundary only`() {
    let bytes = framed([1, 2])
    for end in 1..<bytes.count { #expect(messages([Array(bytes[..<end])]).last == "inside") }
    #expect(messages([]).last == "boundary")
  }

  @Test func `a message at the limit passes and one over is refused from its prefix`() {
    #expect(messages([framed([UInt8](repeating: 0, count: 8))], max: 8).count == 2)
    let over = messages([[0, 0, 0, 0, 9]], max: 8)
    #expect(over.first == "\(MessageDeframer.Fault.tooLarge(limit: 8, actual: 9))")
    let huge = messages([[0, 255, 255, 255, 255]], max: 8)
    #expect(huge.first == "\(MessageDeframer.Fault.tooLarge(limit: 8, actual: 0xFFFF_FFFF))")
  }

  @Test func `flags other than 0 are refused at their first byte`() {
    #expect(messages([[1]]).first == "compressed")
    for flag in 2...255 as ClosedRange<UInt8> {
      #expect(messages([[flag], framed([1])]) == ["reservedFlag", "inside"])
    }
  }
}
