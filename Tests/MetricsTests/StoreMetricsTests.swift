import Books
import Quota
import Terms
import Testing

@testable import Metrics

struct StoreMetricsTests {
  private static let holder = Holder(ledger: String(repeating: "0a", count: 16), start: 1)

  private static func page(_ change: (inout StoreStatus) -> Void) -> [String] {
    var status = StoreStatus(address: "redis://127.0.0.1:1", replica: "one", holder: holder)
    change(&status)
    let registry = MetricsRegistry()
    registry.record(storeCallNanoseconds: 90_000)
    var page = MetricsPage(registry: registry, books: nil)
    let text = String(
      decoding: page.render(MetricsPage.Facts(version: "v", store: status)), as: UTF8.self)
    return text.split(separator: "\n").map(String.init)
  }

  @Test func `without a store there is none of its metrics`() {
    var page = MetricsPage(registry: MetricsRegistry(), books: nil)
    let text = String(decoding: page.render(MetricsPage.Facts(version: "v")), as: UTF8.self)
    #expect(!text.contains("ai_gateway_store_"))
  }

  @Test func `before the store has answered it says so`() {
    let lines = Self.page { _ in }
    #expect(lines.contains("ai_gateway_store_joined 0"))
    #expect(lines.contains("ai_gateway_store_replicas 0"))
    #expect(lines.contains(#"ai_gateway_store_partitions{state="lost"} 0"#))
    #expect(lines.contains("ai_gateway_store_call_duration_seconds_count 1"))
  }

  @Test func `leases are summed by kind and state, money in dollars`() {
    var one = StoreAmounts()
    one.add(1_500, .tokens)
    one.add(2_500_000_000, .usd)
    let lines = Self.page { status in
      status.partitions = [
        .init(number: 1, state: .open, sinceMs: 0, leased: one),
        .init(number: 2, state: .open, sinceMs: 0, leased: one),
        .init(number: 3, state: .lost, sinceMs: 0, leased: one),
      ]
    }
    #expect(lines.contains(#"ai_gateway_store_leased{kind="tokens",state="open"} 3000"#))
    #expect(lines.contains(#"ai_gateway_store_leased{kind="usd",state="open"} 5"#))
    #expect(lines.contains(#"ai_gateway_store_leased{kind="usd",state="lost"} 2.5"#))
    #expect(lines.contains(#"ai_gateway_store_partitions{state="open"} 2"#))
    let series = lines.filter { $0.hasPrefix("ai_gateway_store_leased{") }
    #expect(series.count == StoreStatus.State.allCases.count * LimitKind.allCases.count)
  }

  @Test func `a sum of amounts does not overflow`() {
    var amounts = StoreAmounts()
    amounts.add(.max, .tokens)
    amounts.add(amounts)
    #expect(amounts[.tokens] == .max)
    amounts.add(.min, .requests)
    amounts.add(-1, .requests)
    #expect(amounts[.requests] == .min)
  }

  /// A server that invents error words must not make as many series.
  @Test func `the words of failures are bounded`() {
    let lines = Self.page { status in
      for index in 0..<100 { status.failures["W\(index)"] = 1 }
    }
    let series = lines.filter { $0.hasPrefix("ai_gateway_store_failures_total{") }
    #expect(series.count == StoreStatus.wordsMax + 1)
    #expect(series.last == #"ai_gateway_store_failures_total{word="other"} 68"#)
  }

  @Test func `revisions are counted once each, decisions by what made them`() {
    let lines = Self.page { status in
      status.fleet = FleetView(
        replicas: ["r1", "r1", "r2"].map {
          .init(holder: Self.holder, name: "n", revision: $0, sinceMs: 0)
        })
      (status.fromSlices, status.asked, status.refusedByWord) = (5, 3, 2)
    }
    #expect(lines.contains("ai_gateway_store_replicas 3"))
    #expect(lines.contains("ai_gateway_store_policy_revisions 2"))
    #expect(lines.contains(#"ai_gateway_store_decisions_total{from="slices"} 5"#))
    #expect(lines.contains(#"ai_gateway_store_decisions_total{from="store"} 3"#))
    #expect(lines.contains(#"ai_gateway_store_decisions_total{from="refusal"} 2"#))
  }

  @Test func `old notes go`() {
    var status = StoreStatus(address: "a", replica: "r", holder: Self.holder)
    for time in 0..<100 { status.add(StoreNote(.lost, timeMs: Int64(time))) }
    #expect(status.notes.count == StoreStatus.notesMax && status.notes.first?.timeMs == 99)
  }
}
