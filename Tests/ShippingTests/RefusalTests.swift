import Ledger
import Shipping
import Testing

/// What is done about a receiver that does not take a batch: a record leaves only where it is refused
/// by itself.
@Suite struct RefusalTests {
  private typealias Verdict = Refusals.Verdict

  private func judge(
    _ answer: TargetMachine.Answer, records: Int, bytes: Int = 1 << 20
  ) -> Verdict {
    var refusals = Refusals()
    return refusals.judge(answer, records: records, bytes: bytes)
  }

  @Test func `What is taken is taken, with the receiver's words`() {
    #expect(judge(.delivered, records: 9) == .taken(words: ""))
    #expect(judge(.partial(rejected: 0, message: "hm"), records: 9) == .taken(words: "hm"))
    #expect(
      judge(.partial(rejected: 3, message: "old"), records: 9)
        == .takenExcept(rejected: 3, words: "old"))
  }

  @Test(arguments: [2, 3, 512]) func `A refused batch is halved`(records: Int) {
    #expect(judge(.refused("bad"), records: records) == .halve("bad"))
    #expect(judge(.partial(rejected: records, message: "bad"), records: records) == .halve("bad"))
    #expect(judge(.partial(rejected: .max, message: "bad"), records: records) == .halve("bad"))
    #expect(judge(.tooLarge("big"), records: records) == .shrink("big"))
  }

  @Test func `A record that is refused by itself is set aside`() {
    #expect(judge(.refused("bad"), records: 1) == .setAside("bad"))
    #expect(judge(.partial(rejected: 1, message: "bad"), records: 1) == .setAside("bad"))
    #expect(judge(.tooLarge("big"), records: 1) == .setAside("big"))
  }

  @Test func `Too large is no reason for what is small: the receiver has no room now`() {
    let most = ShippingLimits.shrunkBytesMin
    for records in [1, 2] {
      #expect(
        judge(.tooLarge("quota"), records: records, bytes: most) == .hold("quota", afterMs: nil))
    }
    #expect(judge(.tooLarge("big"), records: 1, bytes: most + 1) == .setAside("big"))
    #expect(judge(.tooLarge("big"), records: 2, bytes: most + 1) == .shrink("big"))
  }

  @Test func `A state of the receiver's holds, for as long as it asks`() {
    for records in [1, 512] {
      #expect(
        judge(.retry("no token", afterMs: 7), records: records) == .hold("no token", afterMs: 7))
    }
  }

  @Test func `Who refuses ten in a row is broken, and gets the eleventh until it takes one`() {
    var refusals = Refusals()
    for _ in 0..<ShippingLimits.setAsideInARowMax {
      #expect(refusals.judge(.refused("bad"), records: 1, bytes: 9) == .setAside("bad"))
      // What is between them changes nothing.
      _ = refusals.judge(.retry("busy", afterMs: nil), records: 1, bytes: 9)
      #expect(refusals.judge(.refused("bad"), records: 2, bytes: 9) == .halve("bad"))
    }
    for _ in 0..<3 {
      guard
        case .hold(let why, afterMs: nil) = refusals.judge(.refused("bad"), records: 1, bytes: 9)
      else {
        Issue.record("it is set aside")
        return
      }
      #expect(why.contains("10 records in a row") && why.hasSuffix("bad"))
    }
    #expect(refusals.judge(.delivered, records: 1, bytes: 9) == .taken(words: ""))
    #expect(refusals.judge(.refused("bad"), records: 1, bytes: 9) == .setAside("bad"))
  }

  @Test func `Some that are taken among others begin the count anew`() {
    var refusals = Refusals()
    for _ in 0..<ShippingLimits.setAsideInARowMax {
      _ = refusals.judge(.refused("bad"), records: 1, bytes: 9)
    }
    _ = refusals.judge(.partial(rejected: 1, message: ""), records: 2, bytes: 9)
    #expect(refusals.judge(.refused("bad"), records: 1, bytes: 9) == .setAside("bad"))
  }
}
