import Terms
import Testing

@testable import Policy

@Suite struct MergeTests {
  private let platform = """
    { version: 1, timezone: "UTC", classes: { c: {} },
      models: { m: { class: "c", routes: [{ name: "r" }] } },
      limits: [{ name: "all", requests: 9, per: "second" }] }
    """
  private func team(_ name: String, _ digest: String) -> String {
    """
    { version: 1, tenants: { \(name): {
        keys: [{ id: "k", sha256: "\(digest)" }],
        allow: [{ paths: ["/v1/chat/completions"], models: ["m"] }] } } }
    """
  }

  @Test func `a directory's files make one policy, in whatever order they come`() throws {
    let files = [
      ("a.json5", team("a", digestA)), ("b.json", team("b", digestB)), ("z.json5", platform),
    ]
    let (policy, problems) = load(files)
    #expect(problems == [])
    #expect(policy?.tenants.map(\.name.string) == ["a", "b"])
    #expect(policy?.summary.description == "2 tenants, 1 model, 2 keys, 1 limit")
    let reversed = load(files.reversed()).policy
    #expect(reversed?.tenants.map(\.name.string) == ["a", "b"])
    #expect(reversed?.revision == policy?.revision)
  }

  @Test func `a name defined in two files names both places`() {
    expectProblems(
      [
        (
          "a",
          """
          { version: 1, tenants: { §t: { principals: [{ uri: "spiffe://d/x" }],
            allow: [{ paths: ["/x"], route: "r" }] } }, auth: { client_certificates: true } }
          """
        ), ("b", "{ tenants: { §t: {} } }"),
      ], ["", "error: tenants.t: this tenant is defined twice; the other is at <0>"])
    for (field, noun, body) in [
      ("classes", "class", "{}"),
      ("models", "model", "{ class: \"c\", routes: [{ name: \"r\" }] }"),
    ] {
      let problems = load([
        ("a", "{ version: 1, \(field): { x: \(body) } }"), ("b", "{ \(field): { x: \(body) } }"),
      ]).problems
      #expect(
        problems.contains(
          "b:1:\(field.count + 7): error: \(field).x: this \(noun) is defined twice; "
            + "the other is at a:1:\(field.count + 19)"), "\(problems)")
    }
    let alias = "path_aliases: { \"/x\": \"/v1/embeddings\" }"
    #expect(
      load([("a", "{ version: 1, \(alias) }"), ("b", "{ \(alias) }")]).problems.contains(
        "b:1:19: error: path_aliases[\"/x\"]: this path alias is defined twice; "
          + "the other is at a:1:31"))
  }

  @Test func `a setting in two files names both places`() {
    for setting in [
      "timezone: ~\"UTC\"", "max_body_bytes: ~2048", "enforce_at: ~\"ext_proc\"",
      "max_subjects: ~5", "shared_hostnames: ~[]",
    ] {
      let marked = setting.replacing("~", with: "§")
      let field = setting.prefix { $0 != ":" }
      expectProblems(
        [("a", "{ version: 1, \(marked), tenants: {} }"), ("b", "{ \(marked) }")],
        ["", "error: \(field): is set in two files; keep one: the other is at <0>"])
    }
    expectProblems(
      [
        ("a", "{ version: 1, auth: { client_certificates: §true, jwt: §[] } }"),
        ("b", "{ auth: { jwt: §[], client_certificates: §false, api_key_headers: [] } }"),
      ],
      [
        "", "", "error: auth.jwt: is set in two files; keep one: the other is at <1>",
        "error: auth.client_certificates: is set in two files; keep one: the other is at <0>",
      ])
  }

  @Test func `version may stand in each file and must stand in one`() {
    expectProblems(
      [("a", "§{ tenants: {} }"), ("b", "{}")], ["error: `version` is missing; add `version: 1`"])
    expectProblems(
      [("a", "{ version: 1 }"), ("b", "{ version: §3 }")],
      ["error: version: must be 1, the only version of the format there is"])
  }

  @Test func `a global limit's name is given once over all files`() {
    let limit = "{ name: §\"x\", requests: 1, per: \"day\" }"
    expectProblems(
      [("a", "{ version: 1, limits: [\(limit)] }"), ("b", "{ limits: [\(limit)] }")],
      ["", "error: limits[0].name: the limit `x` is given twice; the first is at <0>"])
  }

  @Test func `faults of syntax in several files come together`() {
    expectProblems(
      [("a", "{ version: §}"), ("b", "{ tenants §{} }")],
      ["error: expected a value, found }", "error: expected a : after the key, found {"])
  }
}
