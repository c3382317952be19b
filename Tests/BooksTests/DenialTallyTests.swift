import Ledger
import Testing

@testable import Books

struct DenialTallyTests {
  @Test func `The eleventh refusal of a second is counted and not recorded`() {
    var tally = DenialTally()
    for index in 1...25 {
      let answer = tally.denied(
        tenant: "a", reason: "r", requestID: "req_\(index)", timeMs: 7_000 + Int64(index))
      #expect(answer.recordsSingly == (index <= 10))
      #expect(answer.due.isEmpty)
    }
    #expect(
      tally.denied(tenant: "a", reason: "other", requestID: "req_x", timeMs: 7_999).recordsSingly)
    #expect(tally.denied(tenant: nil, reason: "r", requestID: "req_x", timeMs: 7_999).recordsSingly)
    let next = tally.denied(tenant: "a", reason: "r", requestID: "req_x", timeMs: 8_000)
    #expect(next.recordsSingly)
    #expect(
      next.due == [
        Denials(
          tenant: "a", reason: "r", count: 15, sinceMs: 7_000,
          requestIDs: (11...25).map { "req_\($0)" })
      ])
    #expect(tally.flush(timeMs: 9_000).isEmpty)
  }

  @Test func `Pairs beyond the bound are counted without a tenant`() {
    var tally = DenialTally()
    for index in 0..<DenialTally.pairsMax {
      #expect(
        tally.denied(tenant: "t\(index)", reason: "r", requestID: "req_x", timeMs: 0).recordsSingly)
    }
    #expect(
      !tally.denied(tenant: "one more", reason: "r", requestID: "req_x", timeMs: 0).recordsSingly)
    #expect(
      !tally.denied(tenant: "another", reason: "r", requestID: "req_x", timeMs: 0).recordsSingly)
    #expect(tally.drain() == [Denials(tenant: nil, reason: "r", count: 2, sinceMs: 0)])
  }

  @Test(arguments: [99, 100, 101, 5_000])
  func `The first hundred ids of a known tenant's refusals are kept`(count: Int) {
    var tally = DenialTally()
    for index in 1...10 + count {
      _ = tally.denied(tenant: "a", reason: "r", requestID: "req_\(index)", timeMs: 0)
      _ = tally.denied(tenant: nil, reason: "r", requestID: "req_none_\(index)", timeMs: 0)
    }
    let due = tally.drain()
    #expect(due.map(\.tenant) == [nil, "a"])
    #expect(due.map(\.count) == [Int64(count), Int64(count)])
    #expect(due[0].requestIDs.isEmpty)
    #expect(
      due[1].requestIDs
        == (11...10 + min(count, DenialTally.requestIDsMax)).map { "req_\($0)" })
  }

  @Test func `The ids of one second are not the next one's`() {
    var tally = DenialTally()
    for index in 1...12 {
      _ = tally.denied(tenant: "a", reason: "r", requestID: "req_\(index)", timeMs: 500)
    }
    _ = tally.denied(tenant: "a", reason: "s", requestID: "req_s", timeMs: 999)
    #expect(tally.flush(timeMs: 1_000).map(\.requestIDs) == [["req_11", "req_12"]])
    for index in 13...23 {
      _ = tally.denied(tenant: "a", reason: "r", requestID: "req_\(index)", timeMs: 1_500)
    }
    #expect(tally.drain().map(\.requestIDs) == [["req_23"]])
  }
}
