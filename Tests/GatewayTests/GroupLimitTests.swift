import Books
import EnvoyAPI
import Ledger
import Policy
import Terms
import Testing

@testable import Gateway
@testable import Quota

private typealias Message = EnvoyMessage

private let policy = """
  {
    version: 1,
    auth: { api_key_headers: ["authorization"] },
    classes: { interactive: {} },
    models: {
      "llama": { class: "interactive", max_output_tokens: 10, stream_usage: "as_asked",
        routes: [{ name: "chat-v1" }] },
    },
    plans: {
      gold: { allow: [{ paths: ["/v1/chat/completions"], models: ["*"] }],
        limits: [{ name: "rpm", requests: 60, per: "minute" }] },
    },
    groups: {
      "hidden-name": { tenants: ["tenant-a", "tenant-b"],
        limits: [{ name: "department", requests: 3, per: "day" }] },
    },
    limits: [{ name: "all", requests: 1000, per: "day" }],
    tenants: {
      "tenant-a": { plan: "gold", hostnames: ["a.example.com"],
        keys: [{ id: "one", sha256: "\(keyDigest("key-one"))", subject: "svc:one",
          limits: [{ name: "own", requests: 9, per: "day" }] }],
        limits: [{ name: "tpd", tokens: 1000, per: "day" },
          { name: "next", tokens: 3, per: "day", mode: "shadow" }] },
      "tenant-b": { plan: "gold", hostnames: ["b.example.com"],
        keys: [{ id: "two", sha256: "\(keyDigest("key-two"))", subject: "svc:two" }] },
      "tenant-c": { plan: "gold", hostnames: ["c.example.com"],
        keys: [{ id: "three", sha256: "\(keyDigest("key-three"))", subject: "svc:three" }] },
    },
  }
  """

/// What tenants of a group spend together.
@Suite(.timeLimit(.minutes(2))) struct GroupLimitTests {
  /// The last reply to a request.
  private func ask(_ kept: KeptGateway, _ tenant: String, key: String) throws -> ProcAnswer {
    let stream = kept.process()
    stream.send(
      Message.requestHeaders(
        Message.headers([
          ("authorization", "Bearer " + key), (":path", "/v1/chat/completions"),
          (":authority", "\(tenant).example.com"),
        ])))
    return try #require(stream.send(Message.body(.requestBody, #"{"model":"llama"}"#)).last)
  }

  @Test func `tenants of a group spend its limit together, and read nothing of each other`()
    throws
  {
    let kept = try KeptGateway(policy)
    for (tenant, key) in [("a", "key-one"), ("b", "key-two"), ("a", "key-one")] {
      #expect(try ask(kept, tenant, key: key).immediateStatus == nil)
    }
    let body = try ask(kept, "b", key: "key-two").immediateBody
    #expect(
      body.contains("Your organisation's limit department (3 requests a day) is reached."),
      "\(body)")
    #expect(!body.contains("tenant-a") && !body.contains("hidden-name"))
    // A tenant that is in no group spends nothing of it.
    #expect(try ask(kept, "c", key: "key-three").immediateStatus == nil)
    let groups = kept.books.groupLimitStates(ofTenants: ["tenant-c", "tenant-b", "tenant-a"])
    #expect(groups.map(\.group.name) == ["hidden-name"])
    #expect(groups[0].limits.map(\.owner) == [.group("hidden-name")])
    #expect(groups[0].limits.map(\.remaining) == [0])
    let plans = kept.books.limitStates(ofTenants: ["tenant-a"])[0].map(\.plan)
    #expect(plans == ["gold", nil, nil, nil])
    let records = try kept.close()
    #expect(records.admissions.map(\.group) == Array(repeating: "hidden-name", count: 3) + [nil])
    #expect(records.denials.map(\.group) == ["hidden-name"])
    #expect(records.denials.map(\.limit) == ["department"])
    #expect(records.admissions[0].reserved.map(\.counter).contains("group/hidden-name/department"))
  }

  @Test func `explain names every limit with where it comes from`() throws {
    let found = try TestGateway.load(policy).explain(
      host: "a.example.com", method: "POST", path: "/v1/chat/completions",
      headers: [("authorization", "Bearer key-one")], body: Array(#"{"model":"llama"}"#.utf8),
      nowSeconds: testNowSeconds)
    #expect(
      found.steps.first { $0.step == "limits" }?.outcome
        == "all (global), department (group hidden-name), rpm (plan gold), tpd (tenant), "
        + "next (tenant, shadow), "
        + "own (key one)", "\(found)")
  }
}
