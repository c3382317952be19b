import Ledger
import Testing

@testable import Books

struct DenialTallyTests {
  @Test func `The eleventh refusal of a second is counted and not recorded`() {
    var tally = DenialTally()
    for index in 1...25 {
      let answer = tally.denied(tenant: "a", reason: "r", timeMs: 7_000 + Int64(index))
      #expect(answer.recordsSingly == (index <= 10))
      #expect(answer.due.isEmpty)
    }
    #expect(tally.denied(tenant: "a", reason: "other", timeMs: 7_999).recordsSingly)
    #expect(tally.denied(tenant: nil, reason: "r", timeMs: 7_999).recordsSingly)
    let next = tally.denied(tenant: "a", reason: "r", timeMs: 8_000)
    #expect(next.recordsSingly)
    #expect(next.due == [Denials(tenant: "a", reason: "r", count: 15, sinceMs: 7_000)])
    #expect(tally.flush(timeMs: 9_000).isEmpty)
  }

  @Test func `Pairs beyond the bound are counted without a tenant`() {
    var tally = DenialTally()
    for index in 0..<DenialTally.pairsMax {
      #expect(tally.denied(tenant: "t\(index)", reason: "r", timeMs: 0).recordsSingly)
    }
    #expect(!tally.denied(tenant: "one more", reason: "r", timeMs: 0).recordsSingly)
    #expect(!tally.denied(tenant: "another", reason: "r", timeMs: 0).recordsSingly)
    #expect(tally.drain() == [Denials(tenant: nil, reason: "r", count: 2, sinceMs: 0)])
  }
}
