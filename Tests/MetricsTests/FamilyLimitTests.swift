import Testing

@testable import Metrics

struct FamilyLimitTests {
  @Test func `a histogram family holds as many tenants as it may, and one over is other`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    for tenant in 0..<MetricLimits.histogramSeriesMax { loop.finished(.of("t\(tenant)")) }
    var (tenants, overflow) = counts(registry)
    #expect(tenants.count == MetricLimits.histogramSeriesMax)
    #expect(!tenants.contains { $0.contains(#""other""#) })
    #expect(overflow == " 0")
    loop.finished(.of("one-over"))
    (tenants, overflow) = counts(registry)
    #expect(tenants.count == MetricLimits.histogramSeriesMax + 1)
    #expect(tenants.filter { $0.contains(#""other""#) }.count == 1)
    #expect(overflow == " 1")
  }

  /// The family's tenants, and its overflow. The page is searched once, because it is long.
  private func counts(_ registry: MetricsRegistry) -> (tenants: [String], overflow: String?) {
    let overflow = #"ai_gateway_metrics_overflow_total{family="durations"}"#
    let lines = registry.lines("ai_gateway_")
    return (
      lines.filter { $0.hasPrefix("ai_gateway_request_duration_ms_count") },
      lines.first { $0.hasPrefix(overflow) }.map { String($0.dropFirst(overflow.count)) }
    )
  }
}
