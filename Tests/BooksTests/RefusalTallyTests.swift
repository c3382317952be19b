import Testing

@testable import Books

struct RefusalTallyTests {
  private let quiet = RefusalTally.quietMs

  private func summary(
    _ tenant: String?, _ count: Int, windowMs: Int64 = 0, reason: String = "r"
  ) -> RefusalSummary {
    RefusalSummary(tenant: tenant, reason: reason, count: count, windowMs: windowMs)
  }

  @Test func `the first refusals are told at the next look, the others once in a while`() {
    var tally = RefusalTally()
    #expect(tally.due(timeMs: 0) == [])
    for _ in 0..<3 { tally.count(tenant: "a", reason: "r", timeMs: 100) }
    #expect(tally.due(timeMs: 900) == [summary("a", 3, windowMs: 800)])
    tally.count(tenant: "a", reason: "r", timeMs: 1000)
    tally.count(tenant: "a", reason: "r", timeMs: 2000)
    #expect(tally.due(timeMs: 900 + quiet - 1) == [])
    #expect(tally.due(timeMs: 900 + quiet) == [summary("a", 2, windowMs: quiet)])
  }

  @Test func `a tenant and reason that has been quiet is forgotten, and told at once again`() {
    var tally = RefusalTally()
    tally.count(tenant: "a", reason: "r", timeMs: 0)
    #expect(tally.due(timeMs: 0) == [summary("a", 1)])
    #expect(tally.due(timeMs: quiet) == [])
    tally.count(tenant: "a", reason: "r", timeMs: quiet + 1)
    #expect(tally.due(timeMs: quiet + 2) == [summary("a", 1, windowMs: 1)])
  }

  @Test func `tenants and reasons are told apart, in order`() {
    var tally = RefusalTally()
    tally.count(tenant: "b", reason: "r", timeMs: 0)
    tally.count(tenant: "a", reason: "s", timeMs: 0)
    tally.count(tenant: "a", reason: "r", timeMs: 0)
    tally.count(tenant: nil, reason: "r", timeMs: 0)
    #expect(
      tally.due(timeMs: 0) == [
        summary(nil, 1), summary("a", 1), summary("a", 1, reason: "s"), summary("b", 1),
      ])
  }

  @Test func `the last look tells what would have waited`() {
    var tally = RefusalTally()
    tally.count(tenant: "a", reason: "r", timeMs: 0)
    _ = tally.due(timeMs: 0)
    tally.count(tenant: "a", reason: "r", timeMs: 5)
    #expect(tally.due(timeMs: 6) == [])
    #expect(tally.due(timeMs: 6, isLast: true) == [summary("a", 1, windowMs: 6)])
  }

  @Test func `as many tenants as the table holds are told apart, one more counts as nobody`() {
    var tally = RefusalTally()
    for index in 0...RefusalTally.pairsMax {
      tally.count(tenant: "t\(index)", reason: "r", timeMs: 0)
    }
    // One that is in the table goes on being counted by itself.
    tally.count(tenant: "t0", reason: "r", timeMs: 0)
    let due = tally.due(timeMs: 0)
    #expect(due.count == RefusalTally.pairsMax + 1)
    #expect(due.first == summary(nil, 1))
    #expect(due.contains(summary("t0", 2)))
    #expect(!due.contains { $0.tenant == "t\(RefusalTally.pairsMax)" })
  }
}
