import Foundation
import Metrics
import Testing

@testable import Server

@Suite struct TrafficHistoryTests {
  private func totals(_ requests: UInt64) -> TrafficTotals {
    var totals = MetricsRegistry().totals
    totals.requests = requests
    totals.costNanodollars = requests * 1_500_000_000
    return totals
  }

  @Test func `a reading is taken each ten seconds, whoever calls how often`() {
    let history = TrafficHistory()
    for second in 0...35 as ClosedRange<Int64> {
      history.tick(monotonicSeconds: second, wallMs: second * 1_000) { totals(UInt64(second)) }
    }
    #expect(history.points.map(\.timeMs) == [0, 10_000, 20_000, 30_000])
    #expect(history.points.map(\.totals.requests) == [0, 10, 20, 30])
  }

  @Test func `it keeps an hour and no more, and a clock that is set does not matter`() throws {
    let history = TrafficHistory()
    for number in 0..<500 as Range<Int64> {
      let wall = number == 499 ? 5 : 1_790_000_000_000 + number * 10_000
      history.tick(monotonicSeconds: number * 10, wallMs: wall) { totals(UInt64(number)) }
    }
    #expect(history.points.count == TrafficHistory.pointsMax)
    #expect(history.points.first?.totals.requests == UInt64(500 - TrafficHistory.pointsMax))
    #expect(history.points.last?.timeMs == 5)
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(history.json)) as? [String: Any])
    for name in [
      "time", "requests", "denials", "prompt_tokens", "completion_tokens", "inflight", "cost_usd",
    ] {
      #expect((json[name] as? [Any])?.count == TrafficHistory.pointsMax, "\(name)")
    }
    #expect((json["cost_usd"] as? [String])?.last == "748.5")
  }
}
