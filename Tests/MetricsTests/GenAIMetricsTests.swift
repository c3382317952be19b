import Terms
import Testing

@testable import Metrics

/// The metrics of OpenTelemetry's conventions for generative AI (docs/gen-ai/gen-ai-metrics.md of
/// open-telemetry/semantic-conventions, read in November 2026): `.` is `_`, and the unit is in the name.
@Suite struct GenAIMetricsTests {
  private static let labels =
    #"gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m""#

  private func registry(_ exchanges: [FinishedExchange]) -> MetricsRegistry {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    for exchange in exchanges { loop.finished(exchange) }
    return registry
  }

  private func exchange(
    status: Int64? = 200, fault: FinishedExchange.Fault? = nil, isReported: Bool = true,
    model: String? = "m", operation: GenAIOperation? = .chat, provider: String? = "openai"
  ) -> FinishedExchange {
    FinishedExchange(
      tenant: "t", model: model, modelRoute: "r", operation: operation, provider: provider,
      status: status, isReported: isReported, fault: fault, durationMs: 100, firstTokenMs: 30,
      promptTokens: 20, completionTokens: 5)
  }

  @Test(arguments: [
    (
      "gen_ai_client_token_usage",
      "1 4 16 64 256 1024 4096 16384 65536 262144 1048576 4194304 16777216 67108864 +Inf"
    ),
    (
      "gen_ai_server_request_duration_seconds",
      "0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92 +Inf"
    ),
    (
      "gen_ai_server_time_to_first_token_seconds",
      "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf"
    ),
  ])
  func `each has the buckets that the conventions ask for`(name: String, bounds: String) {
    let lines = registry([exchange()]).lines("\(name)_bucket")
    let wanted = bounds.split(separator: " ").map(String.init)
    let found = lines.prefix(wanted.count).compactMap { line in
      line.firstMatch(of: /le="([^"]*)"/).map { String($0.1) }
    }
    #expect(found.map { Double($0) } == wanted.map { Double($0) })
  }

  @Test func `tokens are counted by type, as reported`() {
    let registry = registry([exchange(), exchange(), exchange(isReported: false)])
    #expect(
      registry.lines("gen_ai_client_token_usage_sum") == [
        "gen_ai_client_token_usage_sum{\(Self.labels),gen_ai_token_type=\"input\"} 40",
        "gen_ai_client_token_usage_sum{\(Self.labels),gen_ai_token_type=\"output\"} 10",
      ])
    #expect(registry.sum("gen_ai_client_token_usage_count") == 4)
  }

  @Test func `an error has its type, and no time to the first token`() {
    let registry = registry([
      exchange(), exchange(status: 503), exchange(fault: .cut),
      exchange(status: nil, fault: .failed),
      exchange(status: 799, fault: .failed),
    ])
    let counts = registry.lines("gen_ai_server_request_duration_seconds_count")
    #expect(
      Set(counts) == [
        "gen_ai_server_request_duration_seconds_count{\(Self.labels)} 1",
        "gen_ai_server_request_duration_seconds_count{\(Self.labels),error_type=\"503\"} 1",
        "gen_ai_server_request_duration_seconds_count{\(Self.labels),error_type=\"cut\"} 1",
        "gen_ai_server_request_duration_seconds_count{\(Self.labels),error_type=\"failed\"} 2",
      ])
    #expect(
      registry.lines("gen_ai_server_time_to_first_token_seconds_count") == [
        "gen_ai_server_time_to_first_token_seconds_count{\(Self.labels)} 1"
      ])
    #expect(
      registry.lines("gen_ai_server_request_duration_seconds_sum").first?.hasSuffix(" 0.1") == true)
  }

  @Test func `a model without a provider has none, and what is no operation is not counted`() {
    let registry = registry([
      exchange(provider: nil), exchange(operation: nil), exchange(model: nil),
    ])
    let counts = registry.lines("gen_ai_server_request_duration_seconds_count")
    #expect(counts.count == 1)
    #expect(counts.first?.contains(#"gen_ai_provider_name="none""#) == true)
    #expect(registry.sum("gen_ai_client_token_usage_count") == 2)
  }

  @Test func `beyond the bound on series they are other`() {
    let registry = MetricsRegistry(everySeriesMax: 2)
    let loop = registry.makeLoop()
    for number in 0..<5 { loop.finished(exchange(model: "m\(number)")) }
    #expect(registry.sum("gen_ai_client_token_usage_count") == 10)
    #expect(registry.sum(#"ai_gateway_metrics_overflow_total{family="gen_ai"}"#) == 3)
  }
}
