import Terms
import Testing

@testable import Policy

@Suite struct LimitProblemTests {
  @Test(arguments: [
    (
      "§{ requests: 1, per: \"day\" }",
      ": `name` is missing; add the limit's name, which refusals and metrics show"
    ),
    (
      "§{ name: \"l\" }",
      ": limits nothing; add one of `requests`, `tokens`, `prompt_tokens`, `completion_tokens`, `usd` or `concurrent`"
    ),
    (
      "§{ name: \"l\", requests: 1, tokens: 1, per: \"day\" }",
      ": has `requests` and `tokens`; a limit has exactly one: make it 2 limits"
    ),
    (
      "§{ name: \"l\", requests: 1 }",
      ": `per` is missing; add second, minute, hour, day, week or month"
    ),
    (
      "{ name: \"l\", concurrent: 1, per: §\"day\" }",
      ".per: has no place beside `concurrent`, which counts what runs at once; remove it"
    ),
    (
      "{ name: \"l\", concurrent: 1, burst: §2 }",
      ".burst: has no place beside `concurrent`; remove it"
    ),
    ("{ name: \"l\", concurrent: §0 }", ".concurrent: must be from 1 to 1000000"),
    ("{ name: \"l\", concurrent: §1000001 }", ".concurrent: must be from 1 to 1000000"),
    ("{ name: \"l\", requests: §0, per: \"day\" }", ".requests: must be from 1 to 1000000000000"),
    ("{ name: \"l\", requests: §-1, per: \"day\" }", ".requests: must be from 1 to 1000000000000"),
    ("{ name: \"l\", requests: §0.5, per: \"day\" }", ".requests: must be a whole number"),
    (
      "{ name: \"l\", tokens: §1000000000001, per: \"day\" }",
      ".tokens: must be from 1 to 1000000000000"
    ),
    (
      "{ name: \"l\", prompt_tokens: §Infinity, per: \"day\" }",
      ".prompt_tokens: must be a whole number, not Infinity or NaN"
    ),
    (
      "{ name: \"l\", completion_tokens: §\"1\", per: \"day\" }",
      ".completion_tokens: must be a whole number, not text"
    ),
    (
      "{ name: \"l\", usd: §0, per: \"day\" }",
      ".usd: must be more than 0 and at most 1000000000 dollars (usdMax)"
    ),
    (
      "{ name: \"l\", usd: §-5, per: \"day\" }",
      ".usd: must be more than 0 and at most 1000000000 dollars (usdMax)"
    ),
    (
      "{ name: \"l\", usd: §1000000000.000000001, per: \"day\" }",
      ".usd: must be more than 0 and at most 1000000000 dollars (usdMax)"
    ),
    (
      "{ name: \"l\", usd: §0.0000000001, per: \"day\" }",
      ".usd: has too many decimals; write a multiple of 0.000000001 (one nano-dollar)"
    ),
    ("{ name: \"l\", usd: §null, per: \"day\" }", ".usd: must be an amount of dollars, not null"),
    (
      "{ name: \"l\", requests: 1, per: §\"fortnight\" }",
      ".per: must be \"second\", \"minute\", \"hour\", \"day\", \"week\" or \"month\""
    ),
    (
      "{ name: \"l\", requests: 1, per: \"day\", burst: §2 }",
      ".burst: goes only with per second, minute or hour; a calendar budget has none"
    ),
    (
      "{ name: \"l\", requests: 1, per: \"month\", burst: §2 }",
      ".burst: goes only with per second, minute or hour; a calendar budget has none"
    ),
    (
      "{ name: \"l\", requests: 1, per: \"hour\", burst: §0 }",
      ".burst: must be from 1 to 1000000000000"
    ),
    (
      "{ name: \"l\", requests: 1, per: \"day\", scope: §\"team\" }",
      ".scope: must be \"tenant\", \"key\" or \"subject\""
    ),
    (
      "{ name: \"l\", requests: 1, per: \"day\", on_store_loss: §\"denyy\" }",
      ".on_store_loss: must be \"lease\", \"deny\", \"local\" or \"allow\"; did you mean `deny`?"
    ),
    (
      "{ name: \"l\", requests: 1, per: \"day\", max_subjects: §1 }",
      ".max_subjects: goes only with scope \"key\" or \"subject\"; remove it"
    ),
    (
      "{ name: \"l\", requests: 1, per: \"day\", scope: \"key\", max_subjects: §0 }",
      ".max_subjects: must be from 1 to 10000000"
    ),
    (
      "{ name: \"l\", requests: 1, per: \"day\", models: §[] }",
      ".models: must list at least one model; [\"*\"] is all of them"
    ),
    (
      "{ name: \"l\", requests: 1, per: \"day\", models: [§\"mm*\"] }",
      ".models[0]: `mm*` matches no model"
    ),
    (
      "{ name: \"l\", §request: 1, requests: 1, per: \"day\" }",
      ": unknown field `request`; did you mean `requests`?"
    ),
  ])
  func `a fault in a limit is told with its place`(limit: String, expected: String) {
    expectProblems(Sketch(limits: limit).text, ["error: tenants.t.limits[0]\(expected)"])
  }

  @Test func `a limit's name is given once to an owner`() {
    expectProblems(
      Sketch(
        keys: """
          { id: "k", sha256: "\(digestABC)", limits: [
            { name: §"a", requests: 1, per: "day" }, { name: §"a", tokens: 1, per: "day" }] }
          """,
        limits: """
          { name: §"a", requests: 1, per: "day" }, { name: §"a", requests: 1, per: "hour" }
          """, top: ", limits: [{ name: \"a\", requests: 1, per: \"day\" }]"
      ).text,
      [
        "",
        "error: tenants.t.keys[0].limits[1].name: the limit `a` is given twice; the first is at <0>",
        "", "error: tenants.t.limits[1].name: the limit `a` is given twice; the first is at <2>",
      ])
  }

  @Test func `a global limit has no scope`() {
    expectProblems(
      Sketch(top: ", limits: [{ name: \"a\", requests: 1, per: \"day\", scope: §\"key\" }]").text,
      [
        "error: limits[0].scope: has no place in a global limit, which counts everybody together; remove it"
      ])
  }

  @Test func `a limit of money over a model without a price is refused, wherever it stands`() {
    let free = ", n: { class: \"c\", routes: [{ name: \"r\" }] }"
    let money = "{ name: \"usd\", usd: 1, per: \"day\" }"
    let words =
      "limits money, but `n` has no price; add a price such as `price_usd_per_million`, "
      + "or narrow the limit's `models`"
    let allow = "{ paths: [\"/v1/chat/completions\"], models: [\"*\"] }"
    expectProblems(
      Sketch(
        moreModels: free,
        keys: "{ id: \"k\", sha256: \"\(digestABC)\", limits: [§\(money)] }", allow: allow,
        limits: "§\(money)", top: ", limits: [§\(money)]"
      ).text,
      [
        "error: tenants.t.keys[0].limits[0]: \(words)", "error: tenants.t.limits[0]: \(words)",
        "error: limits[0]: \(words)",
      ])
    // A model that the limit does not count, or that the tenant may not use, needs no price.
    let narrow = "{ name: \"usd\", usd: 1, per: \"day\", models: [\"m\"] }"
    expectProblems(Sketch(moreModels: free, allow: allow, limits: narrow).text, [])
    expectProblems(
      Sketch(
        moreModels: free,
        keys: """
          { id: "k", sha256: "\(digestABC)", models: ["m"], limits: [\(money)] }
          """, allow: allow
      ).text, [])
    expectProblems(
      Sketch(
        moreModels: ", n: { class: \"c\", routes: [{ name: \"r\" }], price_usd_per_request: 0.01 }",
        allow: allow, limits: money
      ).text, [])
    expectProblems(
      Sketch(
        moreModels: free + ", o: { class: \"c\", routes: [{ name: \"r\" }] }", allow: allow,
        limits: "§\(money)"
      ).text,
      [
        "error: tenants.t.limits[0]: limits money, but `n` and `o` have no price; add "
          + "a price such as `price_usd_per_million`, or narrow the limit's `models`"
      ])
  }

  @Test func `every field of a limit arrives in the snapshot`() throws {
    let policy = try #require(
      load(
        Sketch(
          keys: """
            { id: "k", sha256: "\(digestABC)", limits: [{ name: "own", tokens: 5, per: "hour" }] }
            """,
          limits: """
            { name: "a", usd: 0.5, per: "second", burst: 1.5, scope: "key", models: ["m"],
              on_store_loss: "local", max_subjects: 7 },
            { name: "b", completion_tokens: 1, per: "week", scope: "subject", on_store_loss: "allow" }
            """, top: ", max_subjects: 9, limits: [{ name: \"g\", prompt_tokens: 3, per: \"day\" }]"
        ).text
      ).policy)
    #expect(
      policy.tenants[0].limits == [
        Limit(
          name: "a", kind: .usd, amount: 500_000_000, per: .second, burst: 1_500_000_000,
          scope: .key, models: ["m"], statedStoreLoss: .local, maxSubjects: 7),
        Limit(
          name: "b", kind: .completionTokens, amount: 1, per: .week, burst: nil, scope: .subject,
          models: nil, statedStoreLoss: .allow, maxSubjects: 9),
      ])
    #expect(
      policy.tenants[0].keys[0].limits == [
        Limit(
          name: "own", kind: .tokens, amount: 5, per: .hour, burst: nil, scope: .key, models: nil,
          statedStoreLoss: nil, maxSubjects: 9)
      ])
    #expect(policy.limits.map(\.kind) == [.promptTokens])
    #expect(policy.tenants[0].limits.map(\.onStoreLoss) == [.local, .allow])
    #expect(policy.limits.map(\.onStoreLoss) == [.lease])
    #expect(policy.summary.description == "1 tenant, 1 model, 1 key, 4 limits")
  }

  /// (where the limit on money stands, whether it covers what the tenant does)
  @Test(arguments: [
    ("limits: [L], ", "", "", true), ("", "limits: [L], ", "", true),
    ("", "", "limits: [L], ", true),
    ("", "", "", false),
    ("limits: [{ name: \"l\", usd: 1, per: \"day\", models: [\"m\"] }], ", "", "", false),
    ("limits: [{ name: \"l\", tokens: 1, per: \"day\" }], ", "", "", false),
  ]) func `a limit on money over a path that is not inspected is warned of, once`(
    tenant: String, plan: String, top: String, isWarned: Bool
  ) {
    let policy = """
      { version: 1, \(top)
        classes: { c: {} }, models: { m: { class: "c", routes: [{ name: "r" }], price_usd_per_million: { prompt: 1, completion: 1 } } },
        plans: { p: { \(plan)allow: [{ paths: ["/v1/batches"], route: "batches" }] } },
        tenants: { t: { \(tenant)plan: "p", keys: [{ id: "k", sha256: "\(digestABC)" }],
                        allow: [{ paths: ["/v1/chat/completions"], models: ["m"] }] },
                   u: { plan: "p", keys: [{ id: "k", sha256: "\(String(digestABC.reversed()))" }] } } }
      """.replacing("[L]", with: "[{ name: \"l\", usd: 1, per: \"day\" }]")
    let warned = load(policy).problems.filter { $0.contains("on money does not hold for it") }
    #expect(warned.count == (isWarned ? 1 : 0), "\(load(policy).problems)")
    #expect(warned.allSatisfy { $0.contains("plans.p.allow[0].paths[0]: what `/v1/batches` uses") })
  }
}
