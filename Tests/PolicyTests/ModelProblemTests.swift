import Terms
import Testing

@testable import Policy

@Suite struct ModelProblemTests {
  @Test(arguments: [
    ("class: \"c\", routes: §[]", "routes: must list at least one route"),
    ("class: \"c\", routes: §{}", "routes: must be a list [ … ], not an object"),
    (
      "class: \"c\", routes: [§{ weight: 1 }]",
      "routes[0]: `name` is missing; add the route's name, which Envoy maps to a cluster"
    ),
    (
      "class: \"c\", routes: [{ name: \"r\", weight: §-1 }]",
      "routes[0].weight: must be from 0 to 1000000"
    ),
    (
      "class: \"c\", routes: [{ name: \"r\", weight: §1000001 }]",
      "routes[0].weight: must be from 0 to 1000000"
    ),
    (
      "class: \"c\", routes: [{ name: \"r\", weight: §0.5 }]",
      "routes[0].weight: must be a whole number"
    ),
    (
      "class: \"c\", routes: §[{ name: \"r\", weight: 0 }, { name: \"s\", weight: 0 }]",
      "routes: all weights are 0; give at least one route a weight"
    ),
    (
      "class: \"c\", routes: [{ name: \"r\", upstream_model: §\"a b\" }]",
      "routes[0].upstream_model: `a b` is no model name: no spaces, *, \" or \\ in it"
    ),
    ("class: §\"d\", routes: [{ name: \"r\" }]", "class: there is no class `d`; did you mean `c`?"),
    ("class: §7, routes: [{ name: \"r\" }]", "class: must be text in quotes, not a number"),
  ])
  func `a fault in a model is told with its place`(model: String, expected: String) {
    // With the model in an unknown class, the policy's only class is unused. Such warnings are left out.
    let problems = problemsOf(model)
    #expect(problems.place.map { "\($0): error: models.m.\(expected)" } == problems.errors.first)
    #expect(problems.errors.count == 1)
  }

  private func problemsOf(_ model: String) -> (place: String?, errors: [String]) {
    let marked = Sketch(model: model).text
    let lines = marked.split(separator: "\n", omittingEmptySubsequences: false)
    let line = lines.firstIndex { $0.contains("§") }
    let place = line.map { "p:\($0 + 1):\(lines[$0].prefix { $0 != "§" }.count + 1)" }
    let problems = load(marked.replacing("§", with: "")).problems
    return (place, problems.filter { $0.contains(": error: ") })
  }

  @Test(arguments: [
    (
      "sticky: §\"sometimes\"",
      "sticky: must be \"request\", \"subject\" or \"header:\" and a header's name"
    ),
    (
      "sticky: §\"subjekt\"",
      "sticky: must be \"request\", \"subject\" or \"header:\" and a header's name; did you mean `subject`?"
    ),
    (
      "sticky: §\"header:\"",
      "sticky: must be \"request\", \"subject\" or \"header:\" and a header's name"
    ),
    (
      "sticky: §\"header:a b\"",
      "sticky: must be \"request\", \"subject\" or \"header:\" and a header's name"
    ),
    ("paths: §[]", "paths: must list at least one path"),
    ("max_output_tokens: §0", "max_output_tokens: must be from 1 to 2147483647"),
    ("max_output_tokens: §2147483648", "max_output_tokens: must be from 1 to 2147483647"),
    ("max_output_tokens: §\"many\"", "max_output_tokens: must be a whole number, not text"),
    ("context_tokens: §0", "context_tokens: must be from 1 to 2147483647"),
    (
      "max_output_tokens: 9, bound: §\"injected\"",
      "bound: must be \"as_asked\" or \"inject\"; did you mean `inject`?"
    ),
    (
      "max_output_tokens: 9, bound_above: §\"clip\"",
      "bound_above: must be \"refuse\" or \"clamp\""
    ),
    (
      "bound: §\"inject\"",
      "bound: needs `max_output_tokens`, which is what it writes; add it"
    ),
    (
      "bound_above: §\"clamp\"",
      "bound_above: needs `max_output_tokens`, which is what it writes; add it"
    ),
    ("bound_fields: §[]", "bound_fields: must list at least one field"),
    (
      "bound_fields: [§\"min_tokens\"]",
      "bound_fields[0]: must be \"max_tokens\", \"max_completion_tokens\", \"max_output_tokens\", "
        + "\"n_predict\", \"max_new_tokens\" or \"max_length\"; did you mean `max_tokens`?"
    ),
    (
      "allow_fields: [\"route\", §\"route\"]",
      "allow_fields[1]: the field `route` is given twice; the first is at p:4:108"
    ),
    (
      "stream_usage: §\"injected\"",
      "stream_usage: must be \"inject\", \"as_asked\" or \"continuous\"; did you mean `inject`?"
    ),
    ("aliases: [§\"a*\"]", "aliases[0]: `a*` is no model name: no spaces, *, \" or \\ in it"),
    ("aliases: [§\"m\"]", "aliases[0]: is the model's own name; remove it"),
    ("price_usd_per_request: §-1", "price_usd_per_request: must not be negative"),
    (
      "price_usd_per_request: §0.0000000001",
      "price_usd_per_request: has too many decimals; write a multiple of 0.000000001 (one nano-dollar)"
    ),
    (
      "price_usd_per_request: §1000000.000000001",
      "price_usd_per_request: must be at most 1000000 dollars (priceUSDMax)"
    ),
    (
      "price_usd_per_request: §\"1\"",
      "price_usd_per_request: must be an amount of dollars, not text"
    ),
    (
      "price_usd_per_request: §Infinity",
      "price_usd_per_request: must be an amount of dollars, not Infinity or NaN"
    ),
  ])
  func `a fault in a model's further field is told with its place`(more: String, expected: String) {
    expectProblems(Sketch(moreModel: ", " + more).text, ["error: models.m.\(expected)"])
  }

  @Test(arguments: [
    ("{ prompt: §-0.5 }", ".prompt: must not be negative"),
    (
      "{ prompt: §0.0000005 }",
      ".prompt: has too many decimals; write a multiple of 0.000001 (one pico-dollar a token)"
    ),
    (
      "{ prompt: §0.20000000000000000001 }",
      ".prompt: has too many decimals; write a multiple of 0.000001 (one pico-dollar a token)"
    ),
    ("{ prompt: §1000000.000001 }", ".prompt: must be at most 1000000 dollars (priceUSDMax)"),
    ("{ prompt: §1e300 }", ".prompt: must be at most 1000000 dollars (priceUSDMax)"),
    ("{ prompt: 1, §completions: 1 }", ": unknown field `completions`; did you mean `completion`?"),
    ("§{ completion: 1 }", ": `prompt` is missing; add `prompt: 0` if it is free"),
    ("§0.2", ": must be an object { … }, not a number"),
  ])
  func `a fault in a price is told with its place`(prices: String, expected: String) {
    let model = "class: \"c\", routes: [{ name: \"r\" }], price_usd_per_million: \(prices)"
    expectProblems(
      Sketch(model: model).text, ["error: models.m.price_usd_per_million\(expected)"])
  }

  @Test(
    arguments: [
      ("0.000001", 1), ("0.0375", 37_500), ("0.001", 1_000), ("0.02", 20_000), ("0.20", 200_000),
      ("0.2", 200_000), (".5", 500_000), ("5.", 5_000_000), ("2e-1", 200_000), ("20E-2", 200_000),
      ("+3", 3_000_000), ("0x10", 16_000_000), ("0", 0), ("-0", 0), ("1000000", 1_000_000_000_000),
      ("15", 15_000_000), ("0.100000", 100_000), ("0.29", 290_000), ("1.001", 1_001_000),
    ] as [(String, Int64)])
  func `a price per million tokens is exact in pico-dollars per token`(text: String, picos: Int64) {
    let model =
      "class: \"c\", routes: [{ name: \"r\" }], price_usd_per_million: { prompt: \(text) }"
    let prices = load(Sketch(model: model).text).policy?.models[0].prices
    #expect(prices?.standard.tokens[.prompt] == picos)
    #expect(prices?.standard.tokens[.cachedPrompt] == picos)
    #expect(prices?.standard.tokens[.cacheWritePrompt] == picos)
    #expect(prices?.standard.tokens[.completion] == 0)
  }

  @Test func `a price per request is exact in nano-dollars, alone and beside the others`() {
    let alone = "class: \"c\", routes: [{ name: \"r\" }], price_usd_per_request: 0.000000001"
    let one = load(Sketch(model: alone).text).policy?.models[0].prices
    #expect(one?.others.perRequest == 1)
    #expect(one?.standard.tokens[.prompt] == 0)
    let both = load(Sketch(moreModel: ", price_usd_per_request: 1000000").text).policy?.models[0]
      .prices
    #expect(both?.others.perRequest == 1_000_000_000_000_000)
    #expect(both?.standard.tokens[.prompt] == 1_000_000)
  }

  @Test func `names that clash name both places`() {
    let second = ", §n: { class: \"c\", routes: [{ name: \"r\" }], aliases: [§\"x\", §\"m\"] }"
    expectProblems(
      Sketch(
        moreModel: ", aliases: [§\"x\", §\"x\"]", moreModels: second,
        allow: "{ paths: [\"/v1/chat/completions\"], models: [\"*\"] }"
      ).text.replacing("models: { m", with: "models: { §m"),
      [
        "", "", "error: models.m.aliases[1]: the alias `x` is given twice; the first is at <1>",
        "", "error: models.n.aliases[0]: the alias `x` is given twice; the first is at <1>",
        "error: models.n.aliases[1]: `m` is the name of a model already, at <0>",
      ])
    expectProblems(
      Sketch(model: "class: \"c\", routes: [{ name: §\"r\" }, { name: §\"r\" }]").text,
      ["", "error: models.m.routes[1].name: the route `r` is given twice; the first is at <0>"])
  }

  @Test func `a model's path that is no endpoint is refused`() {
    expectProblems(
      Sketch(moreModel: ", paths: [\"/v1/chat/completions\", §\"/v1/chat/completion\", §\"/x\"]")
        .text,
      [
        "error: models.m.paths[1]: `/v1/chat/completion` is not a known endpoint, and only known "
          + "endpoints have models; did you mean `/v1/chat/completions`?",
        "error: models.m.paths[2]: `/x` is not a known endpoint, and only known endpoints have models",
      ])
  }

  @Test func `a model's paths may be aliases and Azure's`() {
    let policy = load(
      Sketch(
        moreModel: ", paths: [\"/chat\", \"/openai/deployments/{model}/embeddings\"]",
        top: ", path_aliases: { \"/chat\": \"/v1/chat/completions\" }"
      ).text
    ).policy
    #expect(policy?.models[0].paths == [.chatCompletions, .embeddings])
  }

  @Test func `what nobody uses is warned of`() {
    expectProblems(
      Sketch(
        // A class that no model has yet is a platform's list of what there may be.
        classes: "c: {}, d: {}",
        moreModels: ", §n: { class: \"c\", routes: [{ name: \"r\" }] }"
      ).text,
      [
        "warning: models.n: no tenant is allowed this model; list it in an `allow` entry or remove it"
      ])
  }

  @Test func `a class's fields are checked`() {
    expectProblems(
      Sketch(classes: "c: { streaming: §\"yes\", max_concurrent: §0, §latency: true }").text,
      [
        "error: classes.c.streaming: must be true or false, not text",
        "error: classes.c.max_concurrent: must be from 1 to 1000000",
        "error: classes.c: unknown field `latency`; known here: `latency_sensitive`, `streaming`, "
          + "`retry_friendly`, `max_concurrent`, `on_store_loss`",
      ])
    expectProblems(
      Sketch(classes: "c: { on_store_loss: §\"deny\" }").text,
      [
        "error: classes.c.on_store_loss: goes only with `max_concurrent`; remove it"
      ])
    expectProblems(
      Sketch(classes: "c: { max_concurrent: 1, on_store_loss: §\"xyz\" }").text,
      [
        "error: classes.c.on_store_loss: must be \"lease\", \"deny\", \"local\" or \"allow\""
      ])
    for (text, loss) in [
      ("", StoreLoss.lease), (", on_store_loss: \"deny\"", .deny),
      (", on_store_loss: \"local\"", .local), (", on_store_loss: \"allow\"", .allow),
    ] {
      let classes = load(Sketch(classes: "c: { max_concurrent: 1\(text) }").text).policy?.classes
      #expect(classes?.first { $0.name.string == "c" }?.onStoreLoss == loss)
    }
    #expect(load(Sketch(classes: "c: { max_concurrent: 1000000 }").text).policy != nil)
  }

  @Test func `ext_authz refuses what needs a response or a rewrite`() {
    expectProblems(
      Sketch(
        classes: "c: { max_concurrent: §1 }",
        model: """
          class: "c", routes: [{ name: "r", upstream_model: §"u" }], aliases: [§"a"],
          stream_usage: §"inject", max_output_tokens: 9, bound: §"inject", bound_above: §"clamp"
          """,
        keys: """
          { id: "k", sha256: "\(digestABC)", limits: [§{ name: "l", concurrent: 1 }] }
          """,
        limits: "§{ name: \"l\", concurrent: 1 }",
        top: ", enforce_at: \"ext_authz\", limits: [§{ name: \"l\", concurrent: 1 }]"
      ).text,
      [
        "error: classes.c.max_concurrent: enforce_at \"ext_authz\" never sees a request end, so it cannot count what runs; remove it",
        "error: models.m.routes[0].upstream_model: enforce_at \"ext_authz\" rewrites no body, which this needs; remove it",
        "error: models.m.aliases[0]: enforce_at \"ext_authz\" rewrites no body, which an alias needs; remove it",
        "error: models.m.stream_usage: enforce_at \"ext_authz\" rewrites no body, which this needs; write \"as_asked\"",
        "error: models.m.bound: enforce_at \"ext_authz\" rewrites no body, which this needs; write \"as_asked\"",
        "error: models.m.bound_above: enforce_at \"ext_authz\" rewrites no body, which this needs; write \"refuse\"",
        "error: tenants.t.keys[0].limits[0]: enforce_at \"ext_authz\" never sees a request end, so it cannot count what runs; remove it",
        "error: tenants.t.limits[0]: enforce_at \"ext_authz\" never sees a request end, so it cannot count what runs; remove it",
        "error: limits[0]: enforce_at \"ext_authz\" never sees a request end, so it cannot count what runs; remove it",
      ])
    let plain = load(Sketch(top: ", enforce_at: \"ext_authz\"").text)
    #expect(plain.problems == [])
    #expect(plain.policy?.enforceAt == .extAuthz)
    #expect(plain.policy?.models[0].streamUsage == .asAsked)
    #expect(load(Sketch().text).policy?.models[0].streamUsage == .inject)
  }

  @Test func `ext_authz sees no answers, so it is said that every response id passes`() {
    let allow = "{ paths: [§\"/v1/responses\"], models: [\"m\"] }"
    let words =
      "enforce_at \"ext_authz\" sees no answers, so it cannot tell whose a response id is: every one "
      + "passes; write `response_ids: \"any\"`"
    let top = ", enforce_at: \"ext_authz\""
    expectProblems(
      Sketch(allow: allow, top: top).text, ["warning: tenants.t.allow[0].paths[0]: " + words])
    for rule in ["strict", "known"] {
      expectProblems(
        Sketch(
          allow: allow.replacing("§", with: ""), top: top + ", response_ids: §\"\(rule)\""
        ).text, ["warning: response_ids: " + words])
    }
    expectProblems(
      Sketch(allow: allow.replacing("§", with: ""), top: top + ", response_ids: \"any\"").text, [])
    // Nobody may continue anything.
    expectProblems(Sketch(top: top + ", response_ids: \"strict\"").text, [])
    for (rule, expected) in [
      ("strict", ResponseIDRule.strict), ("known", .known), ("any", .any),
    ] {
      #expect(load(Sketch(top: ", response_ids: \"\(rule)\"").text).policy?.responseIDs == expected)
    }
    #expect(load(Sketch().text).policy?.responseIDs == .strict)
  }

  @Test func `what a model says of bounds and fields arrives in the snapshot`() throws {
    func model(_ more: String) throws -> Model {
      try #require(load(Sketch(moreModel: more).text).policy?.models[0])
    }
    let plain = try model("")
    #expect(plain.requests == ModelRequests())
    #expect(plain.requests.contextTokens == 2_000_000 && !plain.mayRewriteBound)
    #expect(plain.boundFields(at: .chatCompletions) == [.maxTokens, .maxCompletionTokens])
    #expect(plain.boundFields(at: .responses) == [.maxOutputTokens])
    #expect(plain.boundFields(at: .embeddings) == [])
    let full = try model(
      """
      , max_output_tokens: 9, context_tokens: 8192, bound: "inject", bound_above: "clamp",
      bound_fields: ["max_new_tokens"], allow_fields: ["lora_path", "background"]
      """)
    #expect(
      full.requests
        == ModelRequests(
          maxOutputTokens: 9, contextTokens: 8192, bound: .inject, boundAbove: .clamp,
          boundFields: [.maxNewTokens], allowFields: [.loraPath, .background]))
    #expect(full.mayRewriteBound)
    #expect(full.boundFields(at: .chatCompletions) == [.maxNewTokens])
    #expect(full.boundFields(at: .imageGenerations) == [])
    for only in ["bound: \"inject\"", "bound_above: \"clamp\""] {
      #expect(try model(", max_output_tokens: 9, \(only)").mayRewriteBound)
    }
  }

  @Test func `what a model says arrives in the snapshot`() throws {
    let policy = try #require(
      load(
        Sketch(moreModel: ", sticky: \"header:X-Session-ID\", stream_usage: \"continuous\"").text
      ).policy)
    #expect(policy.models[0].sticky == .header("x-session-id"))
    #expect(policy.models[0].streamUsage == .continuous)
    #expect(
      load(Sketch(moreModel: ", sticky: \"subject\"").text).policy?.models[0].sticky == .subject)
  }
}
