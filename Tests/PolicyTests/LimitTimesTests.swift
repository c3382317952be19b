import Terms
import Testing

@testable import Policy

/// `mode`, `warn_at` and `raises` of limits.
@Suite struct LimitTimesTests {
  private func limit(_ text: String) throws -> Limit {
    let (policy, problems) = load(Sketch(limits: text).text)
    #expect(problems == [])
    return try #require(policy?.tenant("t")?.limits.first)
  }

  @Test func `they are read as they are written`() throws {
    let limit = try limit(
      """
      { name: "monthly", usd: 500, per: "month", mode: "shadow", warn_at: [1, 0.8, 0.955],
        raises: [{ add: 200.5, from: "2026-12-10T00:00:00Z", until: "2026-12-24T00:00:00.001Z" }] }
      """)
    #expect(limit.isShadow)
    #expect(limit.warnAt.map(\.description) == ["0.8", "0.955", "1"])
    #expect(
      limit.raises == [
        Raise(add: 200_500_000_000, fromMs: 1_796_860_800_000, untilMs: 1_798_070_400_001)
      ])
    #expect(try !self.limit(#"{ name: "l", requests: 1, per: "day", mode: "enforce" }"#).isShadow)
  }

  @Test(arguments: [
    (
      #"requests: 1, per: "day", mode: §"shade""#,
      ".mode: must be \"enforce\" or \"shadow\"; did you mean `shadow`?"
    ),
    (
      #"requests: 1, per: "minute", warn_at: §[0.5]"#,
      ".warn_at: goes only with per day, week or month: a window's use is told of; remove it"
    ),
    (
      #"requests: 1, per: "day", scope: "subject", warn_at: §[0.5]"#,
      ".warn_at: goes only with one counter for the whole tenant or group, not for each key or "
        + "subject; remove it"
    ),
    (
      #"requests: 1, per: "day", warn_at: [0.5, §0.50]"#,
      ".warn_at[1]: the share 0.5 is given twice; keep one"
    ),
    (
      #"requests: 1, per: "day", warn_at: [§80]"#,
      ".warn_at[0]: must be a share from 0.001 to 1 with at most three decimals, such as 0.8"
    ),
    (
      #"requests: 1, per: "day", warn_at: [§0]"#,
      ".warn_at[0]: must be a share from 0.001 to 1 with at most three decimals, such as 0.8"
    ),
    (
      #"requests: 1, per: "day", warn_at: [§0.8005]"#,
      ".warn_at[0]: must be a share from 0.001 to 1 with at most three decimals, such as 0.8"
    ),
    (
      #"requests: 1, per: "day", warn_at: [§"0.8"]"#,
      ".warn_at[0]: must be a share of the amount such as 0.8, not text"
    ),
    (
      #"concurrent: 1, raises: §[]"#,
      ".raises: goes only with per day, week or month: a raise adds to a window's amount; remove it"
    ),
    (
      #"requests: 1, per: "hour", raises: §[]"#,
      ".raises: goes only with per day, week or month: a raise adds to a window's amount; remove it"
    ),
    (
      #"requests: 1, per: "day", raises: [{ add: §0, from: "2027-01-01T00:00:00Z", until: "2027-01-02T00:00:00Z" }]"#,
      ".raises[0].add: must be from 1 to 1000000000000"
    ),
    (
      #"requests: 1, per: "day", raises: [{ add: 1, from: §"tomorrow", until: "2027-01-02T00:00:00Z" }]"#,
      ".raises[0].from: must be an RFC 3339 time such as \"2026-12-10T00:00:00Z\""
    ),
    (
      #"requests: 1, per: "day", raises: [§{ add: 1, from: "2027-01-01T00:00:00Z" }]"#,
      ".raises[0]: `until` is missing; add a time such as \"2026-12-10T00:00:00Z\""
    ),
    (
      #"requests: 1, per: "day", raises: [§{ add: 1, from: "2027-01-02T00:00:00Z", until: "2027-01-02T00:00:00Z" }]"#,
      ".raises[0]: ends before it begins: `until` must be later than `from`"
    ),
    (
      #"requests: 999999999999, per: "day", raises: §[{ add: 2, from: "2027-01-01T00:00:00Z", until: "2027-01-02T00:00:00Z" }]"#,
      ".raises: the limit with all of its raises is more than a limit may be "
        + "(1000000000000, amountMax); raise it by less"
    ),
  ])
  func `a fault is told with place and remedy`(fields: String, expected: String) {
    expectProblems(
      Sketch(limits: "{ name: \"l\", \(fields) }").text, ["error: tenants.t.limits[0]\(expected)"])
  }

  @Test func `a key's limit has no warning, a group's and a global one have`() {
    expectProblems(
      Sketch(
        keys: """
          { id: "k", sha256: "\(digestABC)",
            limits: [{ name: "l", requests: 1, per: "day", warn_at: §[0.5] }] }
          """
      ).text,
      [
        "error: tenants.t.keys[0].limits[0].warn_at: goes only with one counter for the whole tenant "
          + "or group, not for each key or subject; remove it"
      ])
    let both = """
      , limits: [{ name: "all", requests: 1, per: "day", warn_at: [0.5] }],
      groups: { g: { tenants: ["t"], limits: [{ name: "l", requests: 1, per: "day", warn_at: [0.5] }] } }
      """
    #expect(load(Sketch(top: both).text).problems == [])
  }

  @Test(arguments: [
    ("UTC", "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z", nil),
    ("UTC", "2027-01-01T00:00:00Z", "2027-01-02T00:00:00.001Z", "2027-01-02T00:00:00.000Z"),
    ("UTC", "2027-01-01T23:59:59.999Z", "2027-01-02T12:00:00Z", "2027-01-02T00:00:00.000Z"),
    ("Europe/Berlin", "2027-01-01T23:00:00Z", "2027-01-02T23:00:00Z", nil),
    ("Europe/Berlin", "2027-01-01T22:00:00Z", "2027-01-02T22:00:00Z", "2027-01-01T23:00:00.000Z"),
  ])
  func `a raise that touches more than one window is warned of`(
    zone: String, from: String, until: String, end: String?
  ) {
    let mark = end == nil ? "" : "§"
    expectProblems(
      Sketch(
        limits: """
          { name: "l", requests: 1, per: "day",
            raises: [\(mark){ add: 1, from: "\(from)", until: "\(until)" }] }
          """, top: ", timezone: \"\(zone)\""
      ).text,
      end.map {
        [
          "warning: tenants.t.limits[0].raises[0]: touches more than one day and adds to each of them; "
            + "the first ends at \($0): end it there if it is meant once"
        ]
      } ?? [])
  }

  @Test func `a raise that has ended is warned of`() {
    expectProblems(
      Sketch(
        limits: """
          { name: "l", requests: 1, per: "month",
            raises: [§{ add: 1, from: "2026-10-02T00:00:00Z", until: "2026-10-03T00:00:00Z" }] }
          """
      ).text,
      [
        "warning: tenants.t.limits[0].raises[0]: this raise has ended and has no effect; remove it"
      ])
  }

  @Test func `raises and warnings have a largest number`() {
    var bounds = PolicyBounds.standard
    (bounds.raisesMax, bounds.warningsMax) = (1, 1)
    let raise = #"{ add: 1, from: "2027-01-01T00:00:00Z", until: "2027-01-02T00:00:00Z" }"#
    let problems = load(
      Sketch(
        limits: """
          { name: "l", requests: 1, per: "day", warn_at: [0.5, 0.6], raises: [\(raise), \(raise)] }
          """
      ).text, bounds: bounds
    ).problems
    #expect(problems.contains { $0.contains("raisesMax") })
    #expect(problems.contains { $0.contains("warningsMax") })
  }
}
