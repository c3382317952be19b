import Books
import EnvoyAPI
import Ledger
import Metrics
import Terms
import Testing

@testable import Gateway
@testable import Policy
@testable import Quota

private typealias Message = EnvoyMessage

private let policy = """
  {
    version: 1,
    auth: { api_key_headers: ["authorization"] },
    classes: {
      interactive: { streaming: true },
      batch: { max_concurrent: 3 },
    },
    models: {
      "llama": { class: "interactive", max_output_tokens: 10, stream_usage: "as_asked",
        routes: [{ name: "chat-v1" }] },
      "bge": { class: "batch", routes: [{ name: "embed-v1" }] },
      "mixtral": { class: "interactive", routes: [{ name: "mix-v1" }] },
    },
    limits: [{ name: "all", requests: 1000, per: "day" },
      { name: "all-batch", requests: 100, per: "day", models: ["b*"] }],
    tenants: {
      "tenant-a": {
        hostnames: ["a.example.com"],
        keys: [
          { id: "one", sha256: "\(keyDigest("key-one"))", subject: "svc:one" },
          { id: "two", sha256: "\(keyDigest("key-two"))", subject: "svc:two",
            limits: [{ name: "own", requests: 9, per: "day" }] },
        ],
        allow: [{ paths: ["/v1/chat/completions", "/v1/embeddings"], models: ["*"] }],
        limits: [
          { name: "rpm", requests: 60, per: "minute", burst: 90 },
          { name: "tpd", tokens: 1000, per: "day" },
          { name: "llama-tpd", tokens: 500, per: "day", models: ["llama"] },
          { name: "each", requests: 50, per: "hour", scope: "subject" },
          { name: "by-key", requests: 40, per: "hour", scope: "key" },
          { name: "parallel", concurrent: 4 },
        ],
      },
      "tenant-b": { hostnames: ["b.example.com"], keys: [],
        allow: [{ paths: ["/v1/chat/completions"], models: ["llama"] }] },
    },
  }
  """

@Suite(.timeLimit(.minutes(2))) struct LimitStateTests {
  private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}],"n":2}"#

  private func ask(_ kept: KeptGateway, key: String = "key-one", body: String? = nil) -> TestStream
  {
    let stream = kept.process()
    let path = body == nil ? "/v1/chat/completions" : "/v1/embeddings"
    stream.send(
      Message.requestHeaders(
        Message.headers([("authorization", "Bearer " + key), (":path", path)])))
    stream.send(Message.body(.requestBody, body ?? chat))
    return stream
  }

  private func states(_ kept: KeptGateway) -> [String: LimitState] {
    Dictionary(
      uniqueKeysWithValues: kept.books.limitStates(ofTenants: ["tenant-a"])[0].map {
        ($0.name, $0)
      })
  }

  @Test func `untouched limits have all that they give`() throws {
    let kept = try KeptGateway(policy)
    let states = kept.books.limitStates(ofTenants: ["tenant-a", "nobody", "tenant-b"])
    #expect(
      states[0].map(\.name)
        == ["rpm", "tpd", "llama-tpd", "each", "by-key", "parallel", "own"])
    #expect(states[1].isEmpty && states[2].isEmpty)
    #expect(states[0].allSatisfy { $0.used == 0 && $0.reserved == 0 })
    #expect(states[0].map(\.remaining) == [90, 1000, 500, 50, 40, 4, 9])
    #expect(states[0].map(\.amount) == [60, 1000, 500, 50, 40, 4, 9])
    #expect(states[0].map(\.counters) == [1, 1, 1, 0, 0, 1, 1])
    #expect(states[0].map(\.per) == ["minute", "day", "day", "hour", "hour", nil, "day"])
    #expect(
      states[0].map(\.scope) == [.tenant, .tenant, .tenant, .subject, .key, .tenant, .key])
    #expect(states[0].map(\.models) == [nil, nil, ["llama"], nil, nil, nil, nil])
    #expect(states[0].last?.owner == .key("two"))
    #expect(states[0].map(\.keyID) == [nil, nil, nil, nil, nil, nil, "two"])
    #expect(kept.books.globalLimitStates().map(\.name) == ["all", "all-batch"])
    _ = try kept.close()
  }

  @Test func `what is held is reserved, what is settled is used, and the rest is left`() throws {
    let kept = try KeptGateway(policy)
    let now = kept.clock.nowMs
    let stream = ask(kept)
    var found = states(kept)
    // The output's bound twice and the prompt's estimate.
    let reserved = 2 * 10 + SettlementCase.estimate
    #expect(found["tpd"]?.reserved == reserved)
    #expect(found["tpd"]?.used == 0)
    #expect(found["tpd"]?.remaining == 1000 - reserved)
    #expect(found["tpd"]?.resetsAtMs == now + 86_400_000)
    #expect(found["llama-tpd"]?.reserved == reserved)
    #expect(found["rpm"]?.reserved == 1)
    #expect(found["rpm"]?.used == 0)
    #expect(found["rpm"]?.remaining == 89)
    #expect(found["rpm"]?.resetsAtMs == now + 1_000)
    #expect(found["parallel"]?.used == 1)
    #expect(found["parallel"]?.remaining == 3)
    #expect(found["parallel"]?.resetsAtMs == nil)
    stream.send(
      Message.responseHeaders([(":status", "200"), ("content-type", "application/json")]))
    stream.send(Message.body(.responseBody, SettlementCase.usage, endOfStream: true))
    stream.halfClose()
    found = states(kept)
    #expect(found["tpd"]?.used == 15)
    #expect(found["tpd"]?.reserved == 0)
    #expect(found["tpd"]?.remaining == 985)
    #expect(found["rpm"]?.used == 1)
    #expect(found["rpm"]?.reserved == 0)
    #expect(found["parallel"]?.used == 0)
    // A second brings back one of sixty a minute.
    kept.clock.advance(ms: 1_000)
    #expect(states(kept)["rpm"]?.remaining == 90)
    #expect(kept.books.globalLimitStates().map(\.used) == [1, 0])
    _ = try kept.close()
  }

  @Test func `of many callers the tightest is named, and how many there are`() throws {
    let kept = try KeptGateway(policy)
    var open = [ask(kept), ask(kept, key: "key-two"), ask(kept, key: "key-two")]
    let found = states(kept)
    #expect(found["each"]?.counters == 2)
    #expect(found["each"]?.subject == "svc:two")
    #expect(found["each"]?.keyID == nil)
    #expect(found["each"]?.remaining == 48)
    #expect(found["by-key"]?.keyID == "two")
    #expect(found["own"]?.remaining == 7)
    #expect(found["max_concurrent"] == nil)
    // A class's slots are there once the tenant has taken one.
    open.append(ask(kept, body: #"{"model":"bge","input":"x"}"#))
    #expect(states(kept)["max_concurrent"]?.owner == .trafficClass("batch"))
    #expect(states(kept)["max_concurrent"]?.remaining == 2)
    #expect(kept.books.globalLimitStates().map(\.reserved) == [4, 1])
    for stream in open { stream.reset() }
    _ = try kept.close()
  }

  @Test func `metrics say the same, in the limits' units`() throws {
    let kept = try KeptGateway(keptPolicy())
    let stream = ask(kept)
    var page = MetricsPage(registry: kept.metrics, books: kept.books)
    let lines = String(decoding: page.render(.init(version: "t")), as: UTF8.self)
      .split(separator: "\n").filter { $0.hasPrefix("ai_gateway_limit_") }
    #expect(
      lines.contains(
        #"ai_gateway_limit_amount{tenant="tenant-a",limit="rpd",kind="requests",per="day"} 1000"#))
    #expect(
      lines.contains(
        #"ai_gateway_limit_remaining{tenant="tenant-a",limit="rpd",kind="requests",per="day"} 999"#)
    )
    #expect(
      lines.contains(
        #"ai_gateway_limit_amount{tenant="tenant-a",limit="usd",kind="usd",per="month"} 500"#))
    #expect(
      lines.contains(
        #"ai_gateway_limit_remaining{tenant="tenant-a",limit="parallel",kind="concurrent"} 999"#))
    // Dollars, exactly: 500 less 200 tokens at 2 millionths, the prompt's and the request's.
    #expect(2 * 100 * 2_000 + SettlementCase.estimateNanos == 411_000)
    #expect(
      lines.contains(
        #"ai_gateway_limit_remaining{tenant="tenant-a",limit="usd",kind="usd",per="month"} 499.999589"#
      ))
    stream.reset()
    _ = try kept.close()
  }

  @Test func `another policy's limits are labelled anew`() throws {
    let kept = try KeptGateway(policy)
    var page = MetricsPage(registry: kept.metrics, books: kept.books)
    func limits() -> Set<Substring> {
      let text = String(decoding: page.render(.init(version: "t")), as: UTF8.self)
      return Set(
        text.split(separator: "\n").filter { $0.hasPrefix("ai_gateway_limit_amount{") }
          .map { $0.prefix { $0 != "," } })
    }
    #expect(limits().count == 2)
    try kept.reload(keptPolicy().replacing("tenant-a", with: "tenant-z"))
    #expect(limits() == [#"ai_gateway_limit_amount{tenant="tenant-z""#])
    _ = try kept.close()
  }

  @Test func `a request's limits are looked up as they would be picked out`() throws {
    let snapshot = try TestGateway.load(policy)
    let limits = PolicyLimits(snapshot)
    func names(_ key: Int?, _ model: String?) throws -> [String] {
      let found = try model.map { name in
        try #require(snapshot.models.first { $0.name.string == name })
      }
      return limits.set(tenant: snapshot.tenants[0], keyIndex: key, model: found).rules.map(\.name)
    }
    #expect(
      try Set(names(0, "llama"))
        == ["all", "rpm", "tpd", "llama-tpd", "each", "by-key", "parallel"])
    #expect(
      try Set(names(1, "llama"))
        == ["all", "rpm", "tpd", "llama-tpd", "each", "by-key", "parallel", "own"])
    #expect(try Set(names(nil, "mixtral")) == ["all", "rpm", "tpd", "each", "by-key", "parallel"])
    #expect(
      try Set(names(0, "bge"))
        == ["all", "all-batch", "max_concurrent", "rpm", "tpd", "each", "by-key", "parallel"])
    #expect(try Set(names(1, nil)) == ["all", "rpm", "each", "by-key", "parallel", "own"])
    let other = limits.set(
      tenant: snapshot.tenants[1], keyIndex: nil, model: snapshot.models[0])
    #expect(other.rules.map(\.name) == ["all"])
  }
}
