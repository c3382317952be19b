import Terms
import Testing

@testable import Policy

/// Each limit is tested at its value and at one more.
@Suite struct BoundsTests {
  private func items(_ count: Int, _ make: (Int) -> String) -> String {
    (0..<count).map(make).joined(separator: ", ")
  }

  private func digest(_ index: Int) -> String {
    let digits = String(index, radix: 16)
    return "f" + String(repeating: "0", count: 63 - digits.utf8.count) + digits
  }

  /// `make(max)` must be valid, and `make(max + 1)` must have `expected` as its only problem.
  private func expectBound(
    _ max: Int, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ make: (Int) -> String
  ) {
    let atIt = load(make(max)).problems.filter { $0.contains(" error: ") }
    #expect(atIt == [], sourceLocation: sourceLocation)
    let over = load(make(max + 1)).problems.filter { $0.contains(" error: ") }
    #expect(
      over.map { $0.split(separator: " error: ", maxSplits: 1).last.map(String.init) } == [
        expected
      ],
      sourceLocation: sourceLocation)
  }

  private func counted(_ path: String, _ max: Int, _ bound: String) -> String {
    "\(path): has \(max + 1) elements; at most \(max) are allowed (\(bound))"
  }

  @Test func `lists of a tenant have bounds`() {
    expectBound(1_000, counted("tenants.t.keys", 1_000, "keysMax")) { count in
      Sketch(keys: items(count) { "{ id: \"k\($0)\", sha256: \"\(digest($0))\" }" }).text
    }
    expectBound(256, counted("tenants.t.hostnames", 256, "hostnamesMax")) { count in
      Sketch(moreTenant: ", hostnames: [\(items(count) { "\"h\($0)\"" })]").text
    }
    expectBound(256, counted("tenants.t.principals", 256, "principalsMax")) { count in
      Sketch(moreTenant: ", principals: [\(items(count) { "{ uri: \"spiffe://d/\($0)\" }" })]").text
    }
    expectBound(256, counted("tenants.t.allow", 256, "allowMax")) { count in
      Sketch(allow: items(count) { "{ paths: [\"/p\($0)\"], route: \"r\" }" }).text
    }
    expectBound(64, counted("tenants.t.allow[0].paths", 64, "pathsMax")) { count in
      Sketch(allow: "{ paths: [\(items(count) { "\"/p\($0)\"" })], route: \"r\" }").text
    }
    expectBound(256, counted("tenants.t.allow[0].models", 256, "patternsMax")) { count in
      Sketch(allow: "{ paths: [\"/v1/embeddings\"], models: [\(items(count) { _ in "\"m\"" })] }")
        .text
    }
    expectBound(64, counted("tenants.t.limits", 64, "limitsMax")) { count in
      Sketch(limits: items(count) { "{ name: \"l\($0)\", requests: 1, per: \"day\" }" }).text
    }
  }

  @Test func `lists of a model and of auth have bounds`() {
    expectBound(64, counted("models.m.aliases", 64, "aliasesMax")) { count in
      Sketch(moreModel: ", aliases: [\(items(count) { "\"a\($0)\"" })]").text
    }
    expectBound(64, counted("models.m.routes", 64, "routesMax")) { count in
      Sketch(model: "class: \"c\", routes: [\(items(count) { "{ name: \"r\($0)\" }" })]").text
    }
    expectBound(16, counted("models.m.allow_fields", 16, "fieldsMax")) { count in
      let fields = GuardedField.allCases.map(\.rawValue) + ["route"]
      return Sketch(moreModel: ", allow_fields: [\(items(count) { "\"\(fields[$0])\"" })]").text
    }
    expectBound(8, counted("auth.api_key_headers", 8, "headersMax")) { count in
      Sketch(auth: "api_key_headers: [\(items(count) { "\"h\($0)\"" })]").text
    }
    expectBound(16, counted("auth.jwt", 16, "jwtMax")) { count in
      Sketch(
        auth:
          "jwt: [\(items(count) { "{ issuer: \"i\($0)\", metadata_key: \"m\", tenant_claim: \"t\" }" })]"
      ).text
    }
  }

  @Test func `a claim's keys and an issuer's tenants have bounds`() {
    func jwt(_ rest: String) -> String {
      Sketch(auth: "jwt: [{ issuer: \"i\", metadata_key: \"m\", \(rest) }]").text
    }
    expectBound(8, counted("auth.jwt[0].tenant_claim", 8, "claimKeysMax")) { count in
      jwt("tenant_claim: [\(items(count) { "\"k\($0)\"" })]")
    }
    expectBound(20_000, entries("auth.jwt[0].tenants", 20_000, "claimTenantsMax")) { count in
      jwt("tenant_claim: \"t\", tenants: { \(items(count) { "g\($0): \"t\"" }) }")
    }
  }

  private func entries(_ path: String, _ max: Int, _ bound: String) -> String {
    "\(path): has \(max + 1) entries; at most \(max) are allowed (\(bound))"
  }

  @Test func `tables of names have bounds`() {
    expectBound(256, entries("path_aliases", 256, "pathAliasesMax")) { count in
      Sketch(top: ", path_aliases: { \(items(count) { "\"/p\($0)\": \"/v1/embeddings\"" }) }").text
    }
    expectBound(64, entries("classes", 64, "classesMax")) { count in
      // Too many classes are not read, so the models must not refer to them.
      "{ version: 1, classes: { \(items(count) { "c\($0): {}" }) } }"
    }
    expectBound(20_000, entries("tenants", 20_000, "tenantsMax")) { count in
      "{ version: 1, tenants: { \(items(count) { "t\($0): {}" }) } }"
    }
  }

  @Test func `models have a bound, over all files`() {
    func models(_ range: Range<Int>) -> String {
      let models = range.map { "m\($0): { class: \"c\", routes: [{ name: \"r\" }] }" }
      return "models: { \(models.joined(separator: ", ")) }"
    }
    let top = "version: 1, classes: { c: {} }"
    #expect(
      load([("a", "{ \(top), \(models(0..<2_000)) }"), ("b", "{ \(models(2_000..<4_096)) }")])
        .policy?.models.count == 4_096)
    expectProblems(
      [
        ("a", "{ \(top), \(models(0..<2_000)) }"),
        ("b", "{ models: §\(models(2_000..<4_097).dropFirst(8)) }"),
      ],
      ["error: models: has 4097 entries; at most 4096 are allowed (modelsMax)"])
  }

  @Test func `global limits have a bound over all files`() {
    func limits(_ range: Range<Int>) -> String {
      range.map { "{ name: \"l\($0)\", requests: 1, per: \"day\" }" }.joined(separator: ", ")
    }
    #expect(
      load([
        ("a", "{ version: 1, limits: [\(limits(0..<40))] }"),
        ("b", "{ limits: [\(limits(40..<64))] }"),
      ]).policy != nil)
    expectProblems(
      [
        ("a", "{ version: 1, limits: [\(limits(0..<40))] }"),
        ("b", "{ limits: §[\(limits(40..<65))] }"),
      ],
      [
        "error: limits: all files together have 65 global limits; at most 64 are allowed (limitsMax)"
      ])
  }

  @Test func `custom paths have a bound`() {
    var bounds = PolicyBounds()
    bounds.customPathsMax = 3
    let allow = "{ paths: [\"/a\", \"/b\", \"/c\"], route: \"r\" }"
    #expect(load(Sketch(allow: allow).text, bounds: bounds).policy != nil)
    expectProblems(
      Sketch(allow: allow + ", { paths: [\"/a\", \"/d\"], route: \"r\" }").text
        .replacing("\"/a\", \"/d\"", with: "\"/d\"").replacing("t: {", with: "§t: {"),
      [
        "error: tenants.t: there are 4 different paths with a `route`; at most 3 are allowed (customPathsMax)"
      ], bounds: bounds)
  }

  private func long(_ path: String, _ max: Int, _ bound: String) -> String {
    "\(path): is \(max + 1) bytes long; at most \(max) are allowed (\(bound))"
  }

  @Test func `texts have bounds`() {
    func text(_ count: Int) -> String { String(repeating: "x", count: count) }
    expectBound(128, long("models.m.routes[0].name", 128, "nameBytesMax")) { count in
      Sketch(model: "class: \"c\", routes: [{ name: \"\(text(count))\" }]").text
    }
    expectBound(256, long("models.m.aliases[0]", 256, "modelNameBytesMax")) { count in
      Sketch(moreModel: ", aliases: [\"\(text(count))\"]").text
    }
    expectBound(512, long("tenants.t.keys[0].subject", 512, "textBytesMax")) { count in
      Sketch(keys: "{ id: \"k\", sha256: \"\(digestABC)\", subject: \"\(text(count))\" }").text
    }
    expectBound(1_023, long("tenants.t.allow[0].paths[0]", 1_024, "pathBytesMax")) { count in
      Sketch(allow: "{ paths: [\"/\(text(count))\"], route: \"r\" }").text
    }
    expectBound(2_037, long("tenants.t.principals[0].uri", 2_048, "principalBytesMax")) { count in
      Sketch(moreTenant: ", principals: [{ uri: \"spiffe://d/\(text(count))\" }]").text
    }
    expectBound(251, long("tenants.t.hostnames[0]", 253, "hostnameBytesMax")) { count in
      let labels = String(repeating: "a.", count: count / 2)
      return Sketch(moreTenant: ", hostnames: [\"\(labels)\(text(count % 2))bb\"]").text
    }
    // The names of tenants and models are keys of their objects.
    let name = text(129)
    #expect(
      load("{ version: 1, tenants: { \(name): {} } }").problems.map { $0.suffix(60) }
        == ["is 129 bytes long; at most 128 are allowed (nameBytesMax)".suffix(60)]
        .map { "p:1:26: error: tenants.\(name): \($0)".suffix(60) })
  }

  @Test func `numbers have bounds`() {
    #expect(load(Sketch().text).policy?.maxHeadersCount == 100)
    #expect(load(Sketch(top: ", max_headers_count: 32").text).policy?.maxHeadersCount == 32)
    #expect(load(Sketch(top: ", max_headers_count: 10000").text).policy?.maxHeadersCount == 10_000)
    for count in [31, 10_001] {
      expectProblems(
        Sketch(top: ", max_headers_count: §\(count)").text,
        ["error: max_headers_count: must be from 32 to 10000"])
    }
    #expect(load(Sketch().text).policy?.maxHeadersBytes == 61_440)
    for size in [1, 8_192] {
      #expect(
        load(Sketch(top: ", max_headers_kb: \(size)").text).policy?.maxHeadersBytes == size * 1_024)
    }
    for size in [0, 8_193] {
      expectProblems(
        Sketch(top: ", max_headers_kb: §\(size)").text,
        ["error: max_headers_kb: must be from 1 to 8192"])
    }
    #expect(load(Sketch(top: ", max_body_bytes: 1024").text).policy?.maxBodyBytes == 1_024)
    #expect(load(Sketch(top: ", max_body_bytes: 62914560").text).policy?.maxBodyBytes == 62_914_560)
    #expect(load(Sketch(top: ", max_subjects: 10000000").text).policy != nil)
    #expect(
      load(Sketch(moreModel: ", max_output_tokens: 2147483647").text).policy?.models[0]
        .maxOutputTokens == 2_147_483_647)
    #expect(
      load(Sketch(model: "class: \"c\", routes: [{ name: \"r\", weight: 1000000 }]").text).policy?
        .models[0].totalWeight == 1_000_000)
    for (limit, amount) in [
      ("requests: 1000000000000, per: \"day\"", 1_000_000_000_000),
      ("concurrent: 1000000", 1_000_000),
      ("usd: 1000000000, per: \"day\"", 1_000_000_000_000_000_000),
      ("usd: 0.000000001, per: \"day\"", 1),
      ("usd: 1000000000.00, per: \"day\"", 1_000_000_000_000_000_000),
    ] as [(String, Int64)] {
      let policy = load(Sketch(limits: "{ name: \"l\", \(limit) }").text).policy
      #expect(policy?.tenants[0].limits[0].amount == amount)
    }
  }

  /// The store counts in whole numbers below 2 to the power of 53, money in micro-dollars.
  @Test func `no amount that a policy may state is beyond what the store counts`() {
    let (bounds, storeMax) = (PolicyBounds.standard, Int64(1) << 53)
    #expect(bounds.amountMax < storeMax)
    #expect(bounds.usdMax < storeMax / 1_000_000)
    #expect(Int64(bounds.concurrent.upperBound) < storeMax)
    let problem = "error: tenants.t.limits[0]"
    for (limit, field) in [
      ("usd: §1000000000.000001, per: \"month\"", "usd"),
      ("usd: §9007199254.740993, per: \"day\"", "usd"),
      ("usd: 1, per: \"hour\", burst: §1e10", "burst"),
    ] {
      expectProblems(
        Sketch(limits: "{ name: \"l\", \(limit) }").text,
        ["\(problem).\(field): must be more than 0 and at most 1000000000 dollars (usdMax)"])
    }
  }

  @Test func `files have bounds in number, size and sum`() {
    var bounds = PolicyBounds()
    bounds.sourcesMax = 2
    bounds.sourceBytesMax = 20
    bounds.totalBytesMax = 30
    let one = "{ version: 1 }"
    func padded(_ count: Int) -> String { one + String(repeating: " ", count: count - 14) }
    func errors(_ files: [(String, String)]) -> [String] {
      load(files, bounds: bounds).problems.filter { $0.contains("error") }
    }
    #expect(errors([("a", padded(20))]) == [])
    #expect(
      errors([("a", padded(21))]) == [
        "a:1:1: error: the file has 21 bytes; at most 20 are allowed (sourceBytesMax)"
      ])
    #expect(errors([("a", padded(15)), ("b", padded(15))]) == [])
    #expect(
      errors([("a", padded(15)), ("b", padded(16))]) == [
        "a:1:1: error: all files together have 31 bytes; at most 30 are allowed (totalBytesMax)"
      ])
    #expect(
      errors([("a", "{}"), ("b", one), ("c", "{}")]) == [
        "a:1:1: error: there are 3 files; at most 2 are allowed (sourcesMax)"
      ])
    #expect(PolicyBounds.standard.sourcesMax == 1_000)
    #expect(PolicyBounds.standard.sourceBytesMax == 16_777_216)
    #expect(PolicyBounds.standard.totalBytesMax == 67_108_864)
  }

  @Test func `no more than 200 problems are told, and that there are more is`() {
    func unknown(_ count: Int) -> String { "{ version: 1, \(items(count) { "zzzzzzz\($0): 1" }) }" }
    let atIt = load(unknown(200)).problems
    #expect(atIt.count == 200)
    #expect(atIt.last?.contains("unknown field `zzzzzzz199`") == true)
    for count in [201, 202, 5_000] {
      let over = load(unknown(count)).problems
      #expect(over.count == 201)
      #expect(
        over.last?.hasSuffix(": error: more than 200 problems (problemsMax); the rest is left out")
          == true)
    }
    // With warnings only, the policy is valid.
    let tenants = items(300) { "t\($0): {}" }
    let warned = load("{ version: 1, tenants: { \(tenants) } }")
    #expect(warned.policy != nil)
    #expect(warned.problems.count == 201)
    #expect(
      warned.problems.last?.hasSuffix(
        ": warning: more than 200 problems (problemsMax); the rest is left out") == true)
  }
}
