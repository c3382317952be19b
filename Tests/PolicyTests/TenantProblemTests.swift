import Testing

@testable import Policy

@Suite struct TenantProblemTests {
  private static let never =
    "can never match: no ?, #, ;, \\, //, . or .. segments and no percent-encoded letters, "
    + "digits, dots or slashes in a path"

  @Test(arguments: [
    (
      "§{ sha256: \"\(digestABC)\" }",
      ": `id` is missing; add a name for the key, which may be shown"
    ),
    ("§{ id: \"k\" }", ": `sha256` is missing; add the SHA-256 of the whole key in hex"),
    (
      "{ id: \"k\", sha256: §\"sk-secret\" }",
      ".sha256: must be 64 hex digits: the SHA-256 of the whole key, never the key itself"
    ),
    (
      "{ id: \"k\", sha256: §\"<64 hex>\" }",
      ".sha256: must be 64 hex digits: the SHA-256 of the whole key, never the key itself"
    ),
    ("{ id: \"k\", sha256: §12 }", ".sha256: must be text in quotes, not a number"),
    (
      "{ id: \"k\", sha256: §\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" }",
      ".sha256: is the SHA-256 of nothing: the key was empty when it was hashed"
    ),
    (
      "{ id: §\"k k\", sha256: \"\(digestABC)\" }",
      ".id: `k k` is no name: letters, digits and . _ : / @ + -, beginning with a letter or digit"
    ),
    ("{ id: \"k\", sha256: \"\(digestABC)\", subject: §\"\" }", ".subject: must not be empty"),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", subject: §\"é\" }",
      ".subject: may only have printable ASCII characters"
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", disabled: §\"no\" }",
      ".disabled: must be true or false, not text"
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", expires: §\"2027-01-01\" }",
      ".expires: must be an RFC 3339 time such as \"2027-01-01T00:00:00Z\""
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", expires: §2027 }",
      ".expires: must be a time such as \"2027-01-01T00:00:00Z\", not a number"
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", §expire: 1 }",
      ": unknown field `expire`; did you mean `expires`?"
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", models: §[] }",
      ".models: must list at least one model; [\"*\"] is all of them"
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", models: [§\"x-*\"] }",
      ".models[0]: `x-*` matches no model"
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", limits: [{ name: \"l\", requests: 1, per: \"day\", scope: §\"key\" }] }",
      ".limits[0].scope: has no place in a key's own limit, which counts that key; remove it"
    ),
    (
      "{ id: \"k\", sha256: \"\(digestABC)\", limits: [{ name: \"l\", requests: 1, per: \"day\", max_subjects: §1 }] }",
      ".limits[0].max_subjects: goes only with scope \"key\" or \"subject\"; remove it"
    ),
  ])
  func `a fault in a key is told with its place, never with its value`(
    key: String, expected: String
  ) {
    expectProblems(Sketch(keys: key).text, ["error: tenants.t.keys[0]\(expected)"])
  }

  @Test func `keys given twice name both places`() {
    expectProblems(
      Sketch(
        keys: "{ id: §\"k\", sha256: §\"\(digestABC)\" }, { id: §\"k\", sha256: \"\(digestA)\" }",
        moreTenants: """
          , u: { keys: [{ id: "k", sha256: §"\(digestABC.uppercased())" }],
                 allow: [{ paths: ["/v1/embeddings"], models: ["m"] }] }
          """
      ).text,
      [
        "", "", "error: tenants.t.keys[1].id: the key id `k` is given twice; the first is at <0>",
        "error: tenants.u.keys[0].sha256: the same key is given twice; the first is at <1>",
      ])
  }

  @Test func `an expired key is warned of, at the second it expires and not before`() {
    func key(_ expires: String) -> String {
      "{ id: \"k\", sha256: \"\(digestABC)\", expires: §\"\(expires)\" }"
    }
    expectProblems(
      Sketch(keys: key("2026-11-01T00:00:00Z")).text,
      ["warning: tenants.t.keys[0].expires: this key has expired; remove it or renew it"])
    expectProblems(
      Sketch(keys: key("2026-11-01T00:00:01Z")).text,
      [
        "warning: tenants.t.keys[0].expires: the key `k` of the tenant `t` expires at "
          + "2026-11-01T00:00:01Z, within 30 days; add a new key and give it to the caller before then"
      ])
  }

  @Test func `a key that expires within 30 days is warned of, and not a second before them`() {
    #expect(PolicyReading.expirySoonSeconds == 30 * 24 * 60 * 60)
    func key(_ expires: String, _ more: String = "") -> String {
      "{ id: \"agents\", sha256: \"\(digestABC)\", expires: §\"\(expires)\"\(more) }"
    }
    expectProblems(
      Sketch(keys: key("2026-12-01T00:00:00Z")).text,
      [
        "warning: tenants.t.keys[0].expires: the key `agents` of the tenant `t` expires at "
          + "2026-12-01T00:00:00Z, within 30 days; add a new key and give it to the caller before then"
      ])
    expectProblems(Sketch(keys: key("2026-12-01T00:00:01Z")).text, [""])
    // A key that is disabled already needs no successor.
    expectProblems(Sketch(keys: key("2026-11-02T00:00:00Z", ", disabled: true")).text, [""])
  }

  @Test(arguments: [
    ("§{}", ": `uri` is missing; add `uri: \"spiffe://…\"`"),
    ("{ uri: §\"tenant-a\" }", ".uri: `tenant-a` is no URI; write \"spiffe://trust-domain/…\""),
    ("{ uri: §\"://x\" }", ".uri: `://x` is no URI; write \"spiffe://trust-domain/…\""),
    (
      "{ uri: §\"spiffe:///x\" }",
      ".uri: `spiffe:///x` needs its trust domain in full: no * before the path"
    ),
    (
      "{ uri: §\"spiffe://*/x\" }",
      ".uri: `spiffe://*/x` needs its trust domain in full: no * before the path"
    ),
    (
      "{ uri: §\"spiffe://D/x\" }",
      ".uri: `spiffe://D/x` has a trust domain that may have only a-z, 0-9, . - and _"
    ),
    ("{ uri: §\"spiffe://d//x\" }", ".uri: `spiffe://d//x` has an empty path segment"),
    ("{ uri: §\"spiffe://d/x/\" }", ".uri: `spiffe://d/x/` has an empty path segment"),
    ("{ uri: §\"spiffe://d/../x\" }", ".uri: `spiffe://d/../x` has a segment .."),
    (
      "{ uri: §\"spiffe://d/x?y\" }",
      ".uri: `spiffe://d/x?y` has a path that may have only letters, digits, . - _ and *"
    ),
    ("{ uri: §\"http://d/a b\" }", ".uri: `http://d/a b` may not have spaces"),
    ("§\"spiffe://d/x\"", ": must be an object { … }, not text"),
  ])
  func `a fault in a principal is told with its place`(principal: String, expected: String) {
    expectProblems(
      Sketch(moreTenant: ", principals: [\(principal)]", auth: "client_certificates: true").text,
      ["error: tenants.t.principals[0]\(expected)"])
  }

  @Test func `principals of two tenants that overlap name both places`() {
    func tenant(_ name: String, _ uris: String...) -> String {
      """
      , \(name): { principals: [\(uris.map { "{ uri: \($0) }" }.joined(separator: ", "))],
        allow: [{ paths: ["/v1/embeddings"], models: ["m"] }] }
      """
    }
    expectProblems(
      Sketch(
        moreTenants: tenant("a", "§\"spiffe://d/ns/*/sa/x\"", "\"spiffe://d/ns/*/sa/y\"")
          + tenant("b", "§\"spiffe://d/ns/b/sa/x*\"", "\"spiffe://d/ns/b/sa/z/*\"")
          + tenant("c", "§\"spiffe://d/ns/c/sa/x\"", "\"spiffe://e/ns/c/sa/x\"")
          + tenant("d", "\"spiffe://d/ns/c/sb/x\"", "\"spiffe://d/ns/c/sa/xx\""),
        auth: "client_certificates: true"
      ).text,
      [
        "",
        "error: tenants.b.principals[0].uri: overlaps `spiffe://d/ns/*/sa/x` of tenant `a`, at <0>: one certificate could be both",
        "error: tenants.c.principals[0].uri: overlaps `spiffe://d/ns/*/sa/x` of tenant `a`, at <0>: one certificate could be both",
      ])
  }

  @Test(arguments: [
    ("§{ models: [\"m\"] }", ": `paths` is missing; add `paths: [\"/v1/chat/completions\"]`"),
    (
      "§{ paths: [\"/v1/embeddings\"] }",
      ": `models` is missing; add `models: [\"*\"]` for all of them"
    ),
    ("{ paths: §[], models: [\"m\"] }", ".paths: must list at least one path"),
    (
      "{ paths: [\"/v1/embeddings\"], models: §[] }",
      ".models: must list at least one model; [\"*\"] is all of them"
    ),
    ("{ paths: [§\"v1\"], models: [\"m\"] }", ".paths[0]: `v1` must begin with /"),
    ("{ paths: [§\"/a//b\"], route: \"r\" }", ".paths[0]: `/a//b` \(never)"),
    ("{ paths: [§\"/a%2fb\"], route: \"r\" }", ".paths[0]: `/a%2fb` \(never)"),
    ("{ paths: [§\"/é\"], route: \"r\" }", ".paths[0]: may only have printable ASCII characters"),
    (
      "{ paths: [§\"/x\"], models: [\"m\"] }",
      ".paths[0]: `/x` is no known endpoint; give the entry a `route`, or map the path in `path_aliases`"
    ),
    (
      "{ paths: [§\"/v1/embedding\"], models: [\"m\"] }",
      ".paths[0]: `/v1/embedding` is no known endpoint; give the entry a `route`, or map the path in `path_aliases`; did you mean `/v1/embeddings`?"
    ),
    (
      "{ paths: [§\"/v1/embeddings\"], route: \"r\" }",
      ".paths[0]: `/v1/embeddings` is a known endpoint, whose route its model chooses; remove `route`, or the path"
    ),
    (
      "{ paths: [§\"/openai/deployments/{model}/embeddings\"], route: \"r\" }",
      ".paths[0]: `/openai/deployments/{model}/embeddings` is a known endpoint, whose route its model chooses; remove `route`, or the path"
    ),
    (
      "{ paths: [§\"/openai/deployments/x/embeddings\"], route: \"r\" }",
      ".paths[0]: `/openai/deployments/x/embeddings` is below /openai/deployments/, where only Azure's known endpoints are; write it with {model} in place of the deployment"
    ),
    (
      "{ paths: [§\"/v1/models\"], models: [\"m\"] }",
      ".paths[0]: `/v1/models` is always allowed and needs no entry; remove it"
    ),
    (
      "{ paths: [§\"/v1/models/x\"], route: \"r\" }",
      ".paths[0]: `/v1/models/x` is always allowed and needs no entry; remove it"
    ),
    (
      "{ paths: [\"/x\"], route: \"r\", models: §[\"m\"] }",
      ".models: has no place beside `route`: that path's body is not looked at; remove one"
    ),
    (
      "{ paths: [\"/x\"], route: §\"a b\" }",
      ".route: `a b` is no name: letters, digits and . _ : / @ + -, beginning with a letter or digit"
    ),
    (
      "{ paths: [\"/v1/embeddings\"], models: [§\"M\"] }",
      ".models[0]: `M` matches no model; did you mean `m`?"
    ),
    ("{ paths: [\"/v1/embeddings\"], models: [§\"z*\"] }", ".models[0]: `z*` matches no model"),
    (
      "{ paths: [\"/v1/embeddings\"], models: [§\"al\"] }",
      ".models[0]: `al` is an alias; write the model's own name, `m`"
    ),
  ])
  func `a fault in an allow entry is told with its place`(entry: String, expected: String) {
    let allow = "{ paths: [\"/v1/chat/completions\"], models: [\"m\"] }, \(entry)"
    expectProblems(
      Sketch(moreModel: ", aliases: [\"al\"]", allow: allow).text,
      ["error: tenants.t.allow[1]\(expected)"])
  }

  @Test func `one path with two routes names both places`() {
    expectProblems(
      Sketch(
        allow: """
          { paths: ["/v1/chat/completions"], models: ["m"] }, { paths: [§"/x", "/y"], route: "r" },
          { paths: [§"/x"], route: "s" }
          """
      ).text, ["", "error: tenants.t.allow[2].paths[0]: `/x` has a route already, at <0>"])
  }

  @Test func `hosts that clash name both places`() {
    expectProblems(
      Sketch(
        moreTenant: ", hostnames: [§\"a.example\", §\"A.example\", §\"s.example\", §\"[::1]\"]",
        moreTenants: """
          , u: { hostnames: [§"a.EXAMPLE", §"[0:0::0:1]"], keys: [{ id: "k", sha256: "\(digestA)" }],
                 allow: [{ paths: ["/v1/embeddings"], models: ["m"] }] }
          """,
        top: ", shared_hostnames: [§\"s.example\", §\"s.example\"]"
      ).text,
      [
        "", "error: tenants.t.hostnames[1]: `a.example` is given twice; the first is at <0>",
        "error: tenants.t.hostnames[2]: `s.example` is in `shared_hostnames` too, at <6>; keep one",
        "",
        "error: tenants.u.hostnames[0]: `a.example` belongs to tenant `t` already, at <0>",
        "error: tenants.u.hostnames[1]: `[0:0:0:0:0:0:0:1]` belongs to tenant `t` already, at <3>",
        "", "error: shared_hostnames[1]: `s.example` is given twice; the first is at <6>",
      ])
  }

  @Test func `a tenant that can do nothing is warned of`() {
    let allow = "allow: [{ paths: [\"/v1/embeddings\"], models: [\"m\"] }]"
    let nobody =
      "nobody can be this tenant: it has no keys and no principals, and `auth.jwt` is not set"
    expectProblems(
      Sketch(moreTenants: ", §u: { \(allow) }").text, ["warning: tenants.u: \(nobody)"])
    expectProblems(
      Sketch(
        moreTenants: ", u: { \(allow) }",
        auth: "jwt: [{ issuer: \"i\", metadata_key: \"j\", tenant_claim: \"t\" }]"
      ).text, [])
    expectProblems(
      Sketch(moreTenants: ", §u: { principals: [{ uri: \"spiffe://d/x\" }], \(allow) }").text,
      [
        "warning: tenants.u: its principals are never looked at: set `auth.client_certificates: true`"
      ])
    expectProblems(
      Sketch(auth: "api_key_headers: []").text.replacing("t: { keys", with: "§t: { keys"),
      ["warning: tenants.t: its keys are never looked at: `auth.api_key_headers` is empty"])
    expectProblems(
      Sketch(moreTenants: ", §u: { keys: [{ id: \"k\", sha256: \"\(digestA)\" }] }").text,
      ["warning: tenants.u: it may use no endpoint and no model, because it has no `allow`"])
  }

  @Test func `a narrowing that leaves nothing is warned of`() {
    let other = ", n: { class: \"c\", routes: [{ name: \"r\" }], paths: [\"/v1/rerank\"] }"
    expectProblems(
      Sketch(
        moreModels: other,
        keys: "§{ id: \"k\", sha256: \"\(digestABC)\", models: [\"n\"] }",
        allow: "{ paths: [\"/v1/chat/completions\"], models: [\"m\"] }"
      ).text.replacing(", n: {", with: ", §n: {"),
      [
        "warning: models.n: no tenant is allowed this model; list it in an `allow` entry or remove it",
        "warning: tenants.t.keys[0]: this key may use no model: its tenant is allowed none of its `models`",
      ])
    expectProblems(
      Sketch(
        moreModels: other,
        allow: """
          { paths: ["/v1/chat/completions", "/v1/rerank"], models: ["m"] },
          { paths: [§"/v1/embeddings", "/v1/rerank"], models: ["n"] }
          """
      ).text,
      [
        "warning: tenants.t.allow[1].paths[0]: no model of this entry serves `/v1/embeddings`: see their `paths`"
      ])
  }
}
