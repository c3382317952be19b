import Terms
import Testing

@testable import Metrics

struct LoopMetricsTests {
  @Test func `an exchange is counted under all that is known of it`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    loop.began()
    #expect(registry.inflight == 1)
    loop.finished(.of("tenant-a", firstTokenMs: 40, costNanodollars: 1_500_000_000))
    #expect(registry.inflight == 0)
    #expect(
      registry.lines("ai_gateway_requests_total") == [
        #"ai_gateway_requests_total{tenant="tenant-a",route="/v1/chat/completions","#
          + #"model_route="m-v1",status="200",stream="true",class="interactive",origin="backend"} 1"#
      ])
    #expect(
      registry.lines("ai_gateway_tokens_total") == [
        #"ai_gateway_tokens_total{tenant="tenant-a",model_route="m-v1",type="prompt"} 7"#,
        #"ai_gateway_tokens_total{tenant="tenant-a",model_route="m-v1",type="completion"} 5"#,
      ])
    #expect(
      registry.lines("ai_gateway_cost_usd_total") == [
        #"ai_gateway_cost_usd_total{tenant="tenant-a",model_route="m-v1"} 1.5"#
      ])
    let labels = #"{tenant="tenant-a",route="/v1/chat/completions",model_route="m-v1""#
    let durations = registry.lines("ai_gateway_request_duration_seconds")
    #expect(
      durations.contains("ai_gateway_request_duration_seconds_bucket\(labels),le=\"0.01\"} 0"))
    #expect(
      durations.contains("ai_gateway_request_duration_seconds_bucket\(labels),le=\"0.025\"} 1"))
    #expect(
      durations.contains("ai_gateway_request_duration_seconds_bucket\(labels),le=\"+Inf\"} 1"))
    #expect(durations.contains("ai_gateway_request_duration_seconds_sum\(labels)} 0.012"))
    #expect(durations.contains("ai_gateway_request_duration_seconds_count\(labels)} 1"))
    #expect(
      registry.lines("ai_gateway_time_to_first_token_ms_sum") == [
        "ai_gateway_time_to_first_token_ms_sum\(labels)} 40"
      ])
  }

  @Test func `a tenant's exchanges are told apart by each label, in any order`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    var others = Array(repeating: FinishedExchange.of("a"), count: 9)
    others[1].route = "/v1/completions"
    others[2].model = "n"
    others[3].modelRoute = "m-v2"
    others[4].trafficClass = "batch"
    others[5].status = 500
    others[6].stream = false
    others[7].origin = .route
    others[8].tenant = "b"
    for exchange in others + others.reversed() + others { loop.finished(exchange) }
    let lines = registry.lines("ai_gateway_requests_total")
    // The model is no label of these.
    #expect(lines.count == 8)
    #expect(lines.filter { $0.hasSuffix("} 3") }.count == 7)
    #expect(lines.filter { $0.hasSuffix("} 6") }.count == 1)
    #expect(registry.routes.reduce(0) { $0 + $1.requests } == 27)
  }

  @Test func `a tenant's exchanges are told apart by what the conventions ask for too`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    var others = Array(repeating: FinishedExchange.of("a"), count: 5)
    for index in others.indices { others[index].operation = .chat }
    others[1].operation = .embeddings
    others[2].provider = "p"
    others[3].fault = .cut
    others[4].operation = nil
    for exchange in others + others.reversed() + others { loop.finished(exchange) }
    let counts = registry.lines("gen_ai_server_request_duration_seconds_count")
    #expect(counts.count == 4)
    #expect(counts.filter { $0.hasSuffix("} 3") }.count == 4)
  }

  @Test func `what is unknown is none, and never a number`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    loop.finished(
      FinishedExchange(tenant: "a", route: "/x", durationMs: nil, promptTokens: nil))
    #expect(
      registry.lines("ai_gateway_requests_total") == [
        #"ai_gateway_requests_total{tenant="a",route="/x",model_route="none",status="none","#
          + #"stream="none",class="none",origin="none"} 1"#
      ])
    #expect(registry.sum("ai_gateway_request_duration_ms_count") == 0)
    #expect(registry.routes.isEmpty)
  }

  @Test func `a refusal is a request of the gateway's and a denial`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    loop.refused(.of("a", model: "m"))
    loop.refused(.of(nil, reason: "invalid_api_key", status: 401))
    #expect(registry.sum("ai_gateway_requests_total") == 2)
    #expect(
      registry.lines("ai_gateway_requests_total").allSatisfy {
        $0.contains(#"origin="gateway""#) && $0.contains(#"model_route="none""#)
      })
    #expect(
      registry.lines("ai_gateway_denials_total") == [
        #"ai_gateway_denials_total{tenant="a",reason="rate_limit_exceeded"} 1"#,
        #"ai_gateway_denials_total{tenant="none",reason="invalid_api_key"} 1"#,
      ])
    // A refused request has no duration and no tokens.
    #expect(registry.lines("ai_gateway_tokens_total").isEmpty)
    #expect(registry.sum("ai_gateway_request_duration_ms_count") == 0)
    #expect(registry.traffic(ofTenants: ["a", nil, "b"]).map(\.denials) == [1, 1, 0])
  }

  @Test func `a refusal of what was let through before is a denial and no other request`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    loop.finished(.of("a"))
    loop.refused(.of("a"), wasCounted: true)
    #expect(registry.sum("ai_gateway_requests_total") == 1)
    #expect(registry.sum("ai_gateway_denials_total") == 1)
    let totals = registry.totals
    #expect(totals.requests == 1 && totals.denials == 1)
    #expect(registry.refusals.count == 1)
  }

  @Test func `calls are summed over loops`() {
    let registry = MetricsRegistry()
    for loop in [registry.makeLoop(), registry.makeLoop()] {
      loop.called(.check, .ok)
      loop.called(.process, .unauthenticated)
      loop.called(.other, .unimplemented)
    }
    #expect(
      registry.lines("ai_gateway_grpc_calls_total").filter { !$0.hasSuffix(" 0") } == [
        #"ai_gateway_grpc_calls_total{method="Process",code="UNAUTHENTICATED"} 2"#,
        #"ai_gateway_grpc_calls_total{method="Check",code="OK"} 2"#,
        #"ai_gateway_grpc_calls_total{method="other",code="UNIMPLEMENTED"} 2"#,
      ])
    #expect(registry.totals.requests == 0)
    // Neither has changed a cell of the other, or the overflow.
    #expect(registry.sum("ai_gateway_metrics_overflow_total") == 0)
    #expect(registry.sum("ai_gateway_grpc_calls_total") == 6)
  }

  @Test func `loops are summed, and routes and tenants with them`() {
    let registry = MetricsRegistry()
    let loops = [registry.makeLoop(), registry.makeLoop(), registry.makeLoop()]
    for (index, loop) in loops.enumerated() {
      // Each meets its series in another order.
      for tenant in ["a", "b", "c"][index...] + ["a", "b", "c"][..<index] {
        loop.finished(
          .of(
            tenant, modelRoute: "m-v\(index)", status: index == 0 ? 502 : 200,
            costNanodollars: 3))
      }
    }
    #expect(registry.sum("ai_gateway_requests_total") == 9)
    #expect(
      registry.totals
        == {
          var totals = TrafficTotals()
          (totals.requests, totals.promptTokens, totals.completionTokens) = (9, 63, 45)
          totals.costNanodollars = 27
          return totals
        }())
    #expect(registry.traffic(ofTenants: ["c", "a"]).map(\.requests) == [3, 3])
    #expect(registry.routes.map(\.modelRoute) == ["m-v0", "m-v1", "m-v2"])
    #expect(registry.routes.map(\.requests) == [3, 3, 3])
    #expect(registry.routes.map(\.errors) == [3, 0, 0])
    #expect(registry.routes.map(\.model) == ["m", "m", "m"])
    #expect(registry.routes.map(\.duration.count) == [3, 3, 3])
  }

  @Test func `an admission that was undone is not in flight and not a request`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    loop.began()
    loop.withdrawn()
    #expect(registry.inflight == 0)
    #expect(registry.totals.requests == 0)
  }

  @Test func `negative numbers of a clock that went back count as nothing`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    loop.finished(.of("a", durationMs: -5, prompt: -1, completion: -1, costNanodollars: -1))
    loop.worked(-1, .check)
    #expect(registry.totals.promptTokens == 0)
    #expect(registry.sum("ai_gateway_request_duration_ms_sum") == 0)
    #expect(registry.processing(.check).count == 1)
  }

  @Test(
    arguments: [
      (200, "200"), (429, "429"), (599, "other"), (0, "other"), (-1, "other"), (1_000, "other"),
      (299, "other"), (529, "529"), (418, "other"), (99_999_999_999, "other"),
    ] as [(Int64, String)])
  func `a status is a label only where it is a registered one`(_ status: Int64, _ text: String) {
    #expect(StatusLabel(status).text == text)
  }

  @Test func `every status that a backend makes up is one series`() {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    for status: Int64 in 0..<1_000 { loop.finished(.of("a", status: status)) }
    #expect(registry.lines("ai_gateway_requests_total").count < 75)
    #expect(registry.sum("ai_gateway_requests_total") == 1_000)
  }
}
