import Testing

@testable import Metrics

struct FamilyLimitTests {
  @Test func `a histogram family holds as many tenants as it may, and one over is other`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    let (count, overflow) = (
      "ai_gateway_request_duration_ms_count",
      #"ai_gateway_metrics_overflow_total{family="durations"}"#
    )
    for tenant in 0..<MetricLimits.histogramSeriesMax { loop.finished(.of("t\(tenant)")) }
    #expect(registry.lines(count).count == MetricLimits.histogramSeriesMax)
    #expect(!registry.lines(count).contains { $0.contains(#""other""#) })
    #expect(registry.sum(overflow) == 0)
    loop.finished(.of("one-over"))
    let lines = registry.lines(count)
    #expect(lines.count == MetricLimits.histogramSeriesMax + 1)
    #expect(lines.filter { $0.contains(#""other""#) }.count == 1)
    #expect(registry.sum(overflow) == 1)
    // Counters have more room.
    #expect(registry.lines(#"ai_gateway_requests_total{tenant="one-over""#).count == 1)
  }
}
