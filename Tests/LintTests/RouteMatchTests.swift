import Testing

@testable import Lint

struct RouteMatchTests {
  private func match(
    _ path: TextMatcher, _ headers: [(String, TextMatcher)] = []
  ) -> RouteMatch {
    RouteMatch(path: path, headers: headers.map(RouteMatch.Header.init), isNarrower: false)
  }

  @Test(arguments: [
    (TextMatcher.exact("/a"), "/a", true), (.exact("/a"), "/a/b", false),
    (.prefix("/"), "/a", true), (.prefix("/a"), "/a/b", true), (.prefix("/b"), "/a", false),
    (.regex("/v[0-9]/.*"), "/v1/x", true), (.regex("/v1"), "/v1/x", false),
    (.regex("(unclosed"), "/v1/x", true), (.other, "/a", true),
  ])
  func `a match covers the paths it takes`(
    _ path: TextMatcher, _ wanted: String, _ covers: Bool
  ) {
    #expect(match(path).covers(path: wanted) == covers)
  }

  @Test func `a match covers a header's value unless it asks for another`() {
    let exact = match(.prefix("/"), [("x", .exact("a"))])
    #expect(exact.covers(header: "x", "a"))
    #expect(!exact.covers(header: "x", "b"))
    #expect(exact.covers(header: "y", "b"))
    #expect(match(.prefix("/"), [("x", .regex("a|b"))]).covers(header: "x", "b"))
    #expect(!match(.prefix("/"), [("x", .regex("a|b"))]).covers(header: "x", "ab"))
  }

  @Test func `a wider match includes a narrower one and not the other way`() {
    let all = match(.prefix("/"))
    let model = match(.prefix("/"), [("m", .exact("1"))])
    let stream = match(.prefix("/"), [("m", .exact("1")), ("s", .exact("true"))])
    #expect(all.includes(model) && model.includes(stream))
    #expect(!stream.includes(model) && !model.includes(all))
    #expect(match(.prefix("/v1")).includes(match(.exact("/v1/chat"))))
    #expect(!match(.prefix("/v1")).includes(match(.prefix("/v2"))))
    // A match of an unknown kind is taken to include no other.
    #expect(!match(.prefix("/"), [("m", .other)]).includes(match(.prefix("/"), [("m", .other)])))
  }

  @Test(arguments: [
    (TextMatcher.exact("X-AI-Tenant"), true), (.prefix("x-ai-"), true), (.prefix("x-ai-t"), true),
    (.suffix("-tenant"), true), (.regex("x[-_]ai[-_].*"), true), (.regex("x-ai"), false),
    (.exact("x-ai"), false), (.regex("(unclosed"), true),
  ])
  func `removals match names`(_ matcher: TextMatcher, _ matches: Bool) {
    #expect(matcher.matches("x-ai-tenant", isName: true) == matches)
  }

  @Test func `a regular expression that is too long is not tried`() {
    let text = String(repeating: "a", count: Pattern.bytesMax)
    #expect(Pattern.matches(text, text) == true)
    #expect(Pattern.matches(text + "a", text + "a") == nil)
  }

  /// A route with an exact path on the host `h`, for one model route.
  private func rule(_ name: String, _ path: TextMatcher, route: String) throws -> RouteRule {
    let document = Document(source: "", hasLines: true, root: try node("{}"))
    return RouteRule(
      field: Field(document: document, object: name), hosts: ["h"],
      matches: [match(path, [("x-ai-model-route", .exact(route))])], backends: [], mirrors: [],
      timeout: nil, takesTimeouts: true, attemptTimeouts: [], retries: nil, streamBound: nil,
      idleTimeout: nil)
  }

  @Test func `the work of finding shadowed routes grows with the routes, not with their pairs`()
    throws
  {
    let count = 3000
    var rules = try (0..<count).map {
      try rule("r\($0)", .exact("/v1/chat/completions"), route: "m\($0)")
    }
    let open = Checks.shadowed(rules)
    #expect(open.pairs.isEmpty)
    #expect(open.comparisons <= count)
    rules += try (0..<count).map { try rule("s\($0)", .prefix("/v1/chat"), route: "m\($0)") }
    rules += try (0..<count).map { try rule("t\($0)", .exact("/v1/chat/x"), route: "m\($0)") }
    let shadowed = Checks.shadowed(rules)
    #expect(shadowed.pairs.count == count)
    #expect(shadowed.pairs.first?.rule.field.object == "t0")
    #expect(shadowed.pairs.first?.earlier.field.object == "s0")
    #expect(shadowed.comparisons <= 6 * count)
  }
}
