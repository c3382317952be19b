import Testing

@testable import Policy

@Suite struct TopProblemTests {
  @Test func `the sketch has no fault`() {
    expectProblems(Sketch().text, [])
  }

  @Test(arguments: [
    ("§[]", "error: must be an object { … }, not a list"),
    ("§7", "error: must be an object { … }, not a number"),
    ("{ version: §2 }", "error: version: must be 1, the only version of the format there is"),
    ("{ version: §\"1\" }", "error: version: must be the number 1, not text"),
    ("{ version: §Infinity }", "error: version: must be the number 1, not Infinity or NaN"),
    ("§{}", "error: `version` is missing; add `version: 1`"),
    (
      "{ version: 1, §tenant: {} }",
      "error: unknown field `tenant`; did you mean `tenants`?"
    ),
    (
      "{ version: 1, §quux: {} }",
      "error: unknown field `quux`; known here: `version`, `timezone`, `shared_hostnames`, "
        + "`max_body_bytes`, `max_headers_count`, `max_headers_kb`, `enforce_at`, `response_ids`, "
        + "`max_subjects`, `log_level`, `auth`, `classes`, `models`, `path_aliases`, "
        + "`plans`, `groups`, `tenants`, `limits`"
    ),
    (
      "{ version: 1, timezone: §\"Europe/Berlim\" }",
      "error: timezone: `Europe/Berlim` is no time zone; write \"UTC\" or an IANA name such as "
        + "\"Europe/Berlin\"; did you mean `Europe/Berlin`?"
    ),
    (
      "{ version: 1, timezone: §\"\" }", "error: timezone: must not be empty"
    ),
    (
      "{ version: 1, max_body_bytes: §1.5 }", "error: max_body_bytes: must be a whole number"
    ),
    (
      "{ version: 1, max_body_bytes: §1023 }",
      "error: max_body_bytes: must be from 1024 to 62914560"
    ),
    (
      "{ version: 1, max_body_bytes: §62914561 }",
      "error: max_body_bytes: must be from 1024 to 62914560"
    ),
    (
      "{ version: 1, max_body_bytes: §NaN }",
      "error: max_body_bytes: must be a whole number, not Infinity or NaN"
    ),
    (
      "{ version: 1, max_body_bytes: §1e99 }",
      "error: max_body_bytes: must be from 1024 to 62914560"
    ),
    ("{ version: 1, max_subjects: §0 }", "error: max_subjects: must be from 1 to 10000000"),
    ("{ version: 1, max_subjects: §10000001 }", "error: max_subjects: must be from 1 to 10000000"),
    (
      "{ version: 1, enforce_at: §\"ext_auth\" }",
      "error: enforce_at: must be \"ext_proc\" or \"ext_authz\"; did you mean `ext_authz`?"
    ),
    (
      "{ version: 1, log_level: §\"warn\" }",
      "error: log_level: must be \"debug\", \"info\", \"warning\" or \"error\""
    ),
    (
      "{ version: 1, log_level: §\"eror\" }",
      "error: log_level: must be \"debug\", \"info\", \"warning\" or \"error\"; did you mean `error`?"
    ),
    (
      "{ version: 1, log_level: §\"Debug\" }",
      "error: log_level: must be \"debug\", \"info\", \"warning\" or \"error\"; did you mean `debug`?"
    ),
    ("{ version: 1, log_level: §2 }", "error: log_level: must be text in quotes, not a number"),
    (
      "{ version: 1, response_ids: §\"stric\" }",
      "error: response_ids: must be \"strict\", \"known\" or \"any\"; did you mean `strict`?"
    ),
    ("{ version: 1, enforce_at: §3 }", "error: enforce_at: must be text in quotes, not a number"),
    (
      "{ version: 1, tenants: §[] }",
      "error: tenants: must be an object of names { name: … }, not a list"
    ),
    ("{ version: 1, limits: §{} }", "error: limits: must be a list [ … ], not an object"),
    (
      "{ version: 1, classes: { §\"a b\": {} } }",
      "error: classes[\"a b\"]: `a b` is no name: letters, digits and . _ : / @ + -, beginning with a letter or digit"
    ),
    ("{ version: 1, classes: { §\"\": {} } }", "error: classes[\"\"]: must not be empty"),
    (
      "{ version: 1, shared_hostnames: [§\"a,b\"] }",
      "error: shared_hostnames[0]: `a,b` is no hostname (an IPv6 address stands in brackets)"
    ),
    (
      "{ version: 1, shared_hostnames: [§\"a:80\"] }",
      "error: shared_hostnames[0]: `a:80` must be the bare name, without port or trailing dot"
    ),
    (
      "{ version: 1, shared_hostnames: [§\"a.\"] }",
      "error: shared_hostnames[0]: `a.` must be the bare name, without port or trailing dot"
    ),
    (
      "{ version: 1, shared_hostnames: [§\"[::1]:80\"] }",
      "error: shared_hostnames[0]: `[::1]:80` must be the bare name, without port or trailing dot"
    ),
    (
      "{ version: 1, shared_hostnames: [§\"*.a\"] }",
      "error: shared_hostnames[0]: a hostname may not have a *; list each one"
    ),
    (
      "{ version: 1, shared_hostnames: [§true] }",
      "error: shared_hostnames[0]: must be text in quotes, not true or false"
    ),
  ])
  func `a fault at the top is told with its place`(text: String, expected: String) {
    expectProblems(text, [expected])
  }

  @Test(arguments: [
    (
      "api_key_headers: [§\"a b\"]",
      "api_key_headers[0]: `a b` is no header name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~"
    ),
    (
      "api_key_headers: [§\"X-AI-Tenant\"]",
      "api_key_headers[0]: `x-ai-tenant` is written by Tollgate or by HTTP itself; take another header"
    ),
    (
      "api_key_headers: [§\"Host\"]",
      "api_key_headers[0]: `host` is written by Tollgate or by HTTP itself; take another header"
    ),
    ("api_key_headers: §\"authorization\"", "api_key_headers: must be a list [ … ], not text"),
    ("client_certificates: §1", "client_certificates: must be true or false, not a number"),
    (
      "jwt: [§{ metadata_key: \"jwt\", tenant_claim: \"t\" }]",
      "jwt[0]: `issuer` is missing; add the `iss` of its tokens"
    ),
    (
      "jwt: [§{ issuer: \"i\", tenant_claim: \"t\" }]",
      "jwt[0]: `metadata_key` is missing; add the `payload_in_metadata` of Envoy's jwt_authn"
    ),
    (
      "jwt: [§{ issuer: \"i\", metadata_key: \"t\" }]",
      "jwt[0]: `tenant_claim` is missing; add the claim that names the tenant"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\", subject_claim: §\" \" }]",
      "jwt[0].subject_claim: must not begin or end with a space"
    ),
    ("§jwts: []", ": unknown field `jwts`; did you mean `jwt`?"),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: §1 }]",
      "jwt[0].tenant_claim: must be a claim's key in quotes, or a list of the keys that lead to it, "
        + "not a number"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: §[] }]",
      "jwt[0].tenant_claim: must name at least one key"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: [\"a\", §[\"b\"]] }]",
      "jwt[0].tenant_claim[1]: must be text in quotes, not a list"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\", subject_claim: [§\"\"] }]",
      "jwt[0].subject_claim[0]: must not be empty"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\", tenants: { g: §\"tt\" } }]",
      "jwt[0].tenants.g: there is no tenant `tt`; did you mean `t`?"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\", tenants: { g: §7 } }]",
      "jwt[0].tenants.g: must be text in quotes, not a number"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\", tenants: §{} }]",
      "jwt[0].tenants: must have an entry: without one no caller of this issuer has a tenant"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\", tenants: §\"t\" }]",
      "jwt[0].tenants: must be an object of names { name: … }, not text"
    ),
    (
      "jwt: [{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\", §tenant: {} }]",
      "jwt[0]: unknown field `tenant`; did you mean `tenants`?"
    ),
  ])
  func `a fault in auth is told with its place`(auth: String, expected: String) {
    let path = expected.hasPrefix(":") ? "auth" : "auth."
    expectProblems(Sketch(auth: auth).text, ["error: \(path)\(expected)"])
  }

  @Test func `what is given twice in auth names both places`() {
    expectProblems(
      Sketch(auth: "api_key_headers: [§\"a\", §\"A\"]").text,
      ["", "error: auth.api_key_headers[1]: the header `a` is given twice; the first is at <0>"])
    let issuer = "{ issuer: \"i\", metadata_key: \"m\", tenant_claim: \"t\" }"
    expectProblems(
      Sketch(auth: "jwt: [§\(issuer), §\(issuer)]").text,
      ["", "error: auth.jwt[1]: issuer `i` is given twice; the first is at <0>"])
  }

  @Test(arguments: [
    ("§\"a\": \"/v1/embeddings\"", "a: `a` must begin with /"),
    (
      "§\"/a?b\": \"/v1/embeddings\"",
      "[\"/a?b\"]: `/a?b` can never match: no ?, #, ;, \\, //, . or .. segments and no percent-encoded letters, digits, dots or slashes in a path"
    ),
    (
      "§\"/a/../b\": \"/v1/embeddings\"",
      "[\"/a/../b\"]: `/a/../b` can never match: no ?, #, ;, \\, //, . or .. segments and no percent-encoded letters, digits, dots or slashes in a path"
    ),
    (
      "§\"/v1/chat/completions\": \"/v1/embeddings\"",
      "[\"/v1/chat/completions\"]: is a known path itself and cannot be an alias; remove it"
    ),
    (
      "§\"/v1/models/x\": \"/v1/embeddings\"",
      "[\"/v1/models/x\"]: is a known path itself and cannot be an alias; remove it"
    ),
    (
      "§\"/openai/deployments/x/embeddings\": \"/v1/embeddings\"",
      "[\"/openai/deployments/x/embeddings\"]: is a known path itself and cannot be an alias; remove it"
    ),
    (
      "\"/a\": §\"/v1/embedings\"",
      "[\"/a\"]: `/v1/embedings` is no known endpoint; did you mean `/v1/embeddings`?"
    ),
    ("\"/a\": §1", "[\"/a\"]: must be text in quotes, not a number"),
  ])
  func `a fault in path_aliases is told with its place`(aliases: String, expected: String) {
    let path = expected.hasPrefix("[") ? "path_aliases" : "path_aliases."
    expectProblems(
      Sketch(top: ", path_aliases: { \(aliases) }").text, ["error: \(path)\(expected)"])
  }

  @Test func `no file at all is a fault, and so is an empty one`() {
    expectProblems(
      "§", ["error: the file is empty; it must hold an object: { … }"])
    expectProblems(
      "// nothing\n§", ["error: the file is empty; it must hold an object: { … }"])
    #expect(
      load([]).problems == [
        "policy:1:1: error: there is no policy file; name a .json or .json5 file, "
          + "or a directory of them"
      ])
  }

  @Test func `a policy without tenants is allowed and warned of`() {
    expectProblems(
      "§{ version: 1 }", ["warning: there are no tenants: every request will be refused"])
  }

  @Test func `many faults come in one run, in the order of the text`() {
    expectProblems(
      """
      { version: §2, §tenats: {},
        timezone: §"Nowhere",
        models: { m: §{ routes: [{ name: §"r r", §wait: 1 }] } },
        limits: [{ name: "a", requests: §0, per: §"minit" }],
      }
      """,
      [
        "error: version: must be 1, the only version of the format there is",
        "error: unknown field `tenats`; did you mean `tenants`?",
        "error: timezone: `Nowhere` is no time zone; write \"UTC\" or an IANA name such as "
          + "\"Europe/Berlin\"",
        "error: models.m: `class` is missing; add the name of one of `classes`",
        "error: models.m.routes[0].name: `r r` is no name: letters, digits and . _ : / @ + -, "
          + "beginning with a letter or digit",
        "error: models.m.routes[0]: unknown field `wait`; known here: `name`, `weight`, "
          + "`upstream_model`",
        "error: limits[0].requests: must be from 1 to 1000000000000",
        "error: limits[0].per: must be \"second\", \"minute\", \"hour\", \"day\", \"week\" or "
          + "\"month\"; did you mean `minute`?",
      ])
  }
}
