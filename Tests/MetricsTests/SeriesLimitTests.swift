import Testing

@testable import Metrics

struct SeriesLimitTests {
  @Test func `at the limit every tenant has its series, and one over is other`() {
    let registry = MetricsRegistry(everySeriesMax: 3)
    let loop = registry.makeLoop()
    for tenant in ["a", "b", "c"] { loop.finished(.of(tenant)) }
    #expect(registry.sum("ai_gateway_metrics_overflow_total") == 0)
    #expect(registry.lines("ai_gateway_requests_total").count == 3)
    loop.finished(.of("d"))
    loop.finished(.of("e"))
    let lines = registry.lines("ai_gateway_requests_total")
    #expect(lines.count == 4)
    #expect(lines[3].contains(#"tenant="other",route="/v1/chat/completions""#))
    #expect(lines[3].hasSuffix(" 2"))
    // Series that are known are still counted.
    loop.finished(.of("a"))
    #expect(registry.lines("ai_gateway_requests_total")[0].hasSuffix(" 2"))
    #expect(
      registry.lines(#"ai_gateway_metrics_overflow_total{family="requests"}"#) == [
        #"ai_gateway_metrics_overflow_total{family="requests"} 2"#
      ])
    #expect(registry.totals.requests == 6)
    #expect(registry.totals.promptTokens == 42)
  }

  @Test func `families have their limits apart: one is full, the others go on`() {
    let registry = MetricsRegistry(seriesMax: { $0 == .durations ? 1 : 100 })
    let loop = registry.makeLoop()
    loop.finished(.of("a"))
    loop.finished(.of("b"))
    #expect(registry.lines(#"ai_gateway_requests_total{tenant="b""#).count == 1)
    #expect(
      registry.lines("ai_gateway_request_duration_ms_count").map { $0.contains(#""other""#) }
        == [false, true])
  }

  @Test func `where other has too many labels, all of them are other`() {
    var index = SeriesIndex(seriesMax: { _ in 0 })
    var key = ExchangeKey()
    key.tenant = index.id(of: "a")
    for route in 0..<MetricLimits.otherSeriesMax {
      key.route = index.id(of: "/r\(route)")
      _ = index.series(of: key)
    }
    #expect(index.count(.requests) == MetricLimits.otherSeriesMax)
    key.route = index.id(of: "/one-more")
    let last = index.series(of: key)
    #expect(index.count(.requests) == MetricLimits.otherSeriesMax + 1)
    key.route = index.id(of: "/and-one")
    #expect(index.series(of: key).requests == last.requests)
  }

  @Test func `names are numbered up to their limit, and one over is other`() {
    // Two of them are there from the start.
    var names = LabelNames(limit: 4)
    let numbers = ["a", "b", "c", "a"].map { names.id(of: $0) }
    #expect(numbers.map { names[$0] } == ["a", "b", "other", "a"])
    #expect(numbers[2] == .other)
    #expect(names.known("b") == numbers[1] && names.known("c") == nil)
    #expect(names.names.count == 4)
  }

  @Test func `denials beyond the limit are the tenant other's, reason by reason`() {
    let registry = MetricsRegistry(seriesMax: { $0 == .denials ? 1 : 100 })
    let loop = registry.makeLoop()
    for tenant in ["a", "b", "c", "b"] { loop.refused(.of(tenant)) }
    loop.refused(.of("b", reason: "overloaded", status: 503))
    #expect(
      registry.lines("ai_gateway_denials_total") == [
        #"ai_gateway_denials_total{tenant="a",reason="rate_limit_exceeded"} 1"#,
        #"ai_gateway_denials_total{tenant="other",reason="rate_limit_exceeded"} 3"#,
        #"ai_gateway_denials_total{tenant="other",reason="overloaded"} 1"#,
      ])
    #expect(
      registry.lines(#"ai_gateway_metrics_overflow_total{family="denials"}"#).first?.last == "4")
  }

  @Test func `texts are read while more of them come`() {
    var texts = SeriesTexts()
    for number in 0..<SeriesTexts.chunkCount + 1 { texts.append(Array("t\(number)".utf8)) }
    let before = texts
    texts.append(Array("later".utf8))
    var seen: [String] = []
    for chunk in before.chunks {
      chunk.visit { number, text in
        #expect(number == seen.count % SeriesTexts.chunkCount)
        seen.append(String(decoding: chunk.bytes[text], as: UTF8.self))
      }
    }
    #expect(seen == (0...SeriesTexts.chunkCount).map { "t\($0)" })
  }
}
