import Testing

@testable import Metrics

struct RecentRefusalsTests {
  @Test func `a flood is one event with a count, its latest request and its first time`() {
    let recent = RecentRefusals()
    for number in 0..<1_000 {
      recent.add(.of("a", id: "req_\(number)", at: 1_000 + Int64(number)))
    }
    #expect(recent.events.count == 1)
    #expect(recent.events[0].count == 1_000)
    #expect(recent.events[0].latest.requestID == "req_999")
    #expect(recent.events[0].firstMs == 1_000)
  }

  @Test(arguments: [(MetricLimits.refusalRepeatMs - 1, 1), (MetricLimits.refusalRepeatMs, 2)])
  func `one like another of long ago is an event of its own`(_ gapMs: Int64, _ events: Int) {
    let recent = RecentRefusals()
    recent.add(.of("a", at: 1_000))
    recent.add(.of("a", at: 1_000 + gapMs))
    #expect(recent.events.count == events)
  }

  @Test func `what differs in anything that is shown is not counted together`() {
    let recent = RecentRefusals()
    recent.add(.of("a"))
    recent.add(.of("b"))
    recent.add(.of("a", model: "m"))
    recent.add(.of("a", reason: "overloaded", status: 503))
    #expect(recent.events.count == 4)
  }

  @Test func `the last 200 are kept, and one more takes the place of the oldest`() {
    let recent = RecentRefusals()
    let most = MetricLimits.refusalsMax
    for number in 0..<most { recent.add(.of("t\(number)", at: Int64(number))) }
    #expect(recent.events.count == most)
    // The first is updated, so the second is now the oldest.
    recent.add(.of("t0", at: Int64(most)))
    recent.add(.of("new", at: Int64(most + 1)))
    let tenants = recent.events.compactMap(\.latest.tenant)
    #expect(tenants.count == most)
    #expect(!tenants.contains("t1"))
    #expect(tenants.contains("t0") && tenants.contains("new") && tenants.contains("t2"))
    // The place of the replaced event is found under the new kind only.
    recent.add(.of("t1", at: Int64(most + 2)))
    recent.add(.of("new", at: Int64(most + 3)))
    #expect(recent.events.first { $0.latest.tenant == "new" }?.count == 2)
    #expect(recent.events.first { $0.latest.tenant == "t1" }?.count == 1)
  }

  @Test func `loops' events are merged, newest first`() {
    let loops = [RecentRefusals(), RecentRefusals()]
    loops[0].add(.of("a", id: "req_old", at: 1_000))
    loops[0].add(.of("b", at: 3_000))
    loops[1].add(.of("a", id: "req_new", at: 2_000))
    loops[1].add(.of("a", id: "req_newest", at: 2_500))
    let merged = RecentRefusals.merged(loops)
    #expect(merged.map(\.latest.tenant) == ["b", "a"])
    #expect(merged[1].count == 3)
    #expect(merged[1].latest.requestID == "req_newest")
    #expect(merged[1].firstMs == 1_000)
  }

  @Test func `merged ones are bounded too`() {
    let loops = (0..<3).map { loop in
      let recent = RecentRefusals()
      for number in 0..<MetricLimits.refusalsMax {
        recent.add(.of("t\(loop)-\(number)", at: Int64(number * 3 + loop)))
      }
      return recent
    }
    let merged = RecentRefusals.merged(loops)
    #expect(merged.count == MetricLimits.refusalsMax)
    #expect(merged.first?.latest.timeMs == Int64(MetricLimits.refusalsMax * 3 - 1))
  }
}
