import Testing

@testable import Policy

/// What tenants have in common (`plans`), and what they spend together (`groups`).
@Suite struct PlanTests {
  private static let plans = """
    , plans: {
      gold: { allow: [{ paths: ["/v1/chat/completions"], models: ["m"] }],
        limits: [{ name: "rpm", requests: 600, per: "minute" },
                 { name: "each", requests: 9, per: "minute", scope: "subject" }] } }
    """

  @Test func `a tenant has what its plan allows, and its own entries on top`() throws {
    let sketch = Sketch(
      moreModels: #", e: { class: "c", routes: [{ name: "r" }] }"#,
      allow: #"{ paths: ["/v1/embeddings"], models: ["e"] }"#,
      limits: #"{ name: "own", tokens: 5, per: "day" }"#, moreTenant: #", plan: "gold""#,
      moreTenants: #", u: { plan: "gold", keys: [{ id: "k", sha256: "\#(digestB)" }] }"#,
      top: Self.plans)
    let (policy, problems) = load(sketch.text)
    #expect(problems == [])
    let tenant = try #require(policy?.tenant("t"))
    #expect(tenant.plan == "gold")
    #expect(tenant.limits.map(\.name) == ["rpm", "each", "own"])
    #expect(tenant.limits.map(\.plan) == ["gold", "gold", nil])
    #expect(policy?.names(tenant.models(at: .chatCompletions)) == ["m"])
    #expect(policy?.names(tenant.models(at: .embeddings)) == ["e"])
    let other = try #require(policy?.tenant("u"))
    #expect(other.limits.map(\.name) == ["rpm", "each"])
    #expect(policy?.names(other.models(at: .chatCompletions)) == ["m"])
    #expect(other.models(at: .embeddings) == nil)
  }

  @Test func `a tenant's limit of the same name replaces its plan's, for that tenant alone`() throws
  {
    let sketch = Sketch(
      limits: #"{ name: "rpm", requests: 5, per: "minute" }"#, moreTenant: #", plan: "gold""#,
      moreTenants: #", u: { plan: "gold", keys: [{ id: "k", sha256: "\#(digestB)" }] }"#,
      top: Self.plans)
    let policy = try #require(load(sketch.text).policy)
    #expect(policy.tenant("t")?.limits.map(\.amount) == [9, 5])
    #expect(policy.tenant("t")?.limits.map(\.plan) == ["gold", nil])
    #expect(policy.tenant("u")?.limits.map(\.amount) == [600, 9])
  }

  @Test func `max_admissions_per_second replaces a plan's limit of that name`() throws {
    let plan = """
      , plans: { gold: { limits: [{ name: "max_admissions_per_second", requests: 7, per: "day" }] } }
      """
    let policy = try #require(
      load(Sketch(moreTenant: #", plan: "gold", max_admissions_per_second: 3"#, top: plan).text)
        .policy)
    #expect(policy.tenant("t")?.limits.map(\.amount) == [3])
  }

  @Test func `a plan's limit on money needs prices, unless its tenants replace it`() {
    let plan = #", plans: { p: { limits: [§{ name: "usd", usd: 1, per: "day" }] } }"#
    let free = Sketch(
      model: #"class: "c", routes: [{ name: "r" }]"#, moreTenant: #", plan: "p""#, top: plan)
    expectProblems(
      free.text,
      [
        "error: plans.p.limits[0]: limits money, but `m` has no price; add a price such as "
          + "`price_usd_per_million`, or narrow the limit's `models`"
      ])
    var replaced = free
    replaced.limits = #"{ name: "usd", requests: 1, per: "day" }"#
    replaced.top = plan.replacing("§", with: "")
    #expect(load(replaced.text).problems == [])
  }

  @Test func `faults of plans are told once, with place and remedy`() {
    expectProblems(
      Sketch(moreTenant: #", plan: §"golt""#, top: Self.plans.replacing(" gold:", with: " §gold:"))
        .text,
      ["error: tenants.t.plan: there is no plan `golt`; did you mean `gold`?", ""])
    expectProblems(
      Sketch(top: ", plans: { §gold: {} }").text,
      ["warning: plans.gold: no tenant has this plan; give it to one or remove it"])
    let twice = """
      , plans: { p: { allow: [{ paths: [§"/x"], route: "r" }, { paths: [§"/x"], route: "r" }],
        limits: [{ name: "l", requests: 1, per: "day", models: [§"zz"] }] } }
      """
    expectProblems(
      Sketch(
        moreTenant: #", plan: "p""#,
        moreTenants: #", u: { plan: "p", keys: [{ id: "k", sha256: "\#(digestB)" }] }"#, top: twice
      ).text,
      [
        "", "error: plans.p.allow[1].paths[0]: `/x` has a route already, at <0>",
        "error: plans.p.limits[0].models[0]: `zz` matches no model",
      ])
    expectProblems(
      Sketch(
        allow: #"{ paths: [§"/x"], route: "mine" }"#, moreTenant: #", plan: "p""#,
        top: #", plans: { p: { allow: [{ paths: [§"/x"], route: "r" }] } }"#
      ).text,
      ["error: tenants.t.allow[0].paths[0]: `/x` has a route already, at <1>"])
  }

  @Test func `a group's limits count all of its tenants together`() throws {
    let sketch = Sketch(
      moreTenants: ", u: { keys: [] }",
      top: """
        , groups: { research: { tenants: ["t", "u"],
          limits: [{ name: "department", usd: 20000, per: "month" }] } }
        """)
    let policy = try #require(load(sketch.text).policy)
    #expect(policy.groups.map(\.name) == ["research"])
    #expect(policy.groups[0].limits.map(\.name) == ["department"])
    #expect(policy.tenant("u")?.group?.name == "research")
    #expect(policy.tenant("t")?.group?.index == 0)
    #expect(policy.tenant("t")?.limits.isEmpty == true)
    #expect(policy.summary.limits == 1)
  }

  @Test(arguments: [
    (
      #"g: { tenants: ["t", §"uu"] }"#,
      "groups.g.tenants[1]: there is no tenant `uu`; did you mean `u`?"
    ),
    (
      #"g: { tenants: [§"t", §"t"] }"#,
      "groups.g.tenants[1]: the tenant `t` is given twice; the first is at <0>"
    ),
    (
      #"g: { tenants: [§"t"] }, h: { tenants: [§"t"] }"#,
      "groups.h.tenants[0]: the tenant `t` is in the group `g` already, at <0>; "
        + "a tenant is in one group at most"
    ),
    (
      #"g: §{ }"#,
      "groups.g: `tenants` is missing; add `tenants: [\"tenant-a\"]`, the tenants of the group"
    ),
    (
      #"g: { tenants: ["t"], limits: [{ name: "l", requests: 1, per: "day", scope: §"key" }] }"#,
      "groups.g.limits[0].scope: has no place in a group's limit, which counts its tenants together; "
        + "remove it"
    ),
    (
      #"g: { tenants: ["t"], limits: [{ name: §"l", requests: 1, per: "day" }, "#
        + #"{ name: §"l", tokens: 1, per: "day" }] }"#,
      "groups.g.limits[1].name: the limit `l` is given twice; the first is at <0>"
    ),
    (
      #"g: { tenants: ["t"], limits: [§{ name: "l", usd: 1, per: "day" }] }"#,
      "groups.g.limits[0]: limits money, but `m` has no price; add a price such as "
        + "`price_usd_per_million`, or narrow the limit's `models`"
    ),
  ])
  func `faults of groups are told with place and remedy`(groups: String, expected: String) {
    let sketch = Sketch(
      model: #"class: "c", routes: [{ name: "r" }]"#, moreTenants: ", u: { keys: [] }",
      top: ", groups: { \(groups) }")
    let isSecond = groups.count { $0 == "§" } == 2
    expectProblems(sketch.text, (isSecond ? [""] : []) + ["error: \(expected)"])
  }

  @Test func `a group without tenants is warned of`() {
    expectProblems(
      Sketch(top: ", groups: { §g: { tenants: [] } }").text,
      [
        "warning: groups.g: no tenant is in this group; name one in its `tenants` or remove it"
      ])
  }

  @Test func `plans and groups have a largest number`() {
    var bounds = PolicyBounds.standard
    (bounds.plansMax, bounds.groupsMax) = (1, 1)
    #expect(load(Sketch(top: ", plans: { a: {}, b: {} }").text, bounds: bounds).problems.count == 1)
    #expect(
      load(
        Sketch(top: ", groups: { a: { tenants: [] }, b: { tenants: [] } }").text, bounds: bounds
      ).problems.contains { $0.contains("groupsMax") })
  }

  @Test func `a reload's difference names the tenants whose plan has changed`() throws {
    func policy(_ plans: String, _ t: String, _ u: String) throws -> PolicySnapshot {
      let text = Sketch(
        moreTenant: t, moreTenants: ", u: { keys: []\(u) }", top: ", plans: { \(plans) }"
      ).text
      let (policy, problems) = load(text)
      return try #require(policy, "\(problems)")
    }
    let before = try policy(
      #"a: { limits: [{ name: "l", requests: 1, per: "day" }] }, b: {}"#, #", plan: "a""#, "")
    let raised = try policy(
      #"a: { limits: [{ name: "l", requests: 2, per: "day" }] }, b: {}"#, #", plan: "a""#, "")
    let moved = try policy(
      #"a: { limits: [{ name: "l", requests: 1, per: "day" }] }, b: {}"#, #", plan: "b""#,
      #", plan: "a""#)
    let changed = PolicyDifference(from: before, to: raised)
    #expect(changed.plans.changed == ["a"] && changed.limits.changed == ["t/l"])
    #expect(changed.planChanges == [.init(tenant: "t", before: "a", after: "a")])
    let other = PolicyDifference(from: before, to: moved)
    #expect(other.plans.changed == [])
    #expect(
      other.planChanges == [
        .init(tenant: "t", before: "a", after: "b"), .init(tenant: "u", before: nil, after: "a"),
      ])
    #expect(PolicyDifference(from: before, to: before).isEmpty)
  }

  @Test func `a group's limits and tenants are part of a reload's difference`() throws {
    func policy(_ groups: String) throws -> PolicySnapshot {
      try #require(
        load(Sketch(moreTenants: ", u: { keys: [] }", top: ", groups: { \(groups) }").text).policy)
    }
    let one = try policy(
      #"g: { tenants: ["t"], limits: [{ name: "l", requests: 1, per: "day" }] }"#)
    let two = try policy(
      #"g: { tenants: ["t", "u"], limits: [{ name: "l", requests: 2, per: "day" }] }"#)
    let difference = PolicyDifference(from: one, to: two)
    #expect(difference.groups.changed == ["g"])
    #expect(difference.limits.changed == ["group:g/l"])
  }
}
