import Testing

@testable import Lint

/// Routes of an Envoy config that an earlier one makes unreachable, also among thousands.
struct ManyRoutesTests {
  private func rules(_ matches: [RouteMatch], hosts: [String] = ["*"]) throws -> [RouteRule] {
    let field = Field(
      document: Document(source: "", hasLines: true, root: try node("{}")), object: "r")
    return matches.map { match in
      RouteRule(
        field: field, hosts: hosts, matches: [match], backends: [field], mirrors: [], timeout: nil,
        takesTimeouts: true, attemptTimeouts: [], retries: nil, streamBound: nil, idleTimeout: nil)
    }
  }

  private func match(_ path: TextMatcher, _ headers: (String, TextMatcher)...) -> RouteMatch {
    RouteMatch(path: path, headers: headers.map { RouteMatch.Header(name: $0.0, value: $0.1) })
  }

  /// What comparing each pair finds.
  private func pairwise(_ matches: [RouteMatch]) -> [Int?] {
    matches.indices.map { later in
      matches[..<later].firstIndex { $0.includes(matches[later]) }
    }
  }

  private func indexed(_ matches: [RouteMatch]) -> (found: [Int?], comparisons: Int) {
    var index = RouteMatchIndex(for: matches)
    let found = matches.enumerated().map { position, match in
      let first = index.first(including: match)
      index.add(match, at: position)
      return first
    }
    return (found, index.comparisons)
  }

  @Test func `the index finds what comparing each pair finds`() {
    let paths: [TextMatcher] = [
      .prefix("/"), .prefix("/v1"), .prefix("/v1/chat"), .exact("/v1"), .exact("/v1/chat"),
      .exact("/v2"), .regex("/v[12]"), .other,
    ]
    let headers: [[(String, TextMatcher)]] = [
      [], [("m", .exact("1"))], [("m", .exact("2"))], [("s", .exact("true"))], [("m", .other)],
      [("m", .exact("1")), ("s", .exact("true"))], [("s", .exact("true")), ("m", .exact("1"))],
    ]
    var matches = paths.flatMap { path in
      headers.map { headers in
        RouteMatch(
          path: path, headers: headers.map { RouteMatch.Header(name: $0.0, value: $0.1) },
          isNarrower: path == .exact("/v2"))
      }
    }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20 {
      matches.shuffle(using: &random)
      #expect(indexed(matches).found == pairwise(matches))
    }
  }

  @Test(arguments: [
    "one path for each model's header", "one path for each route", "one header for each pair",
    "one path below the other", "the same match",
  ])
  func `three thousand routes are compared about once each`(_ shape: String) throws {
    let matches = (0..<3000).map { number -> RouteMatch in
      switch shape {
      case "one path for each model's header":
        match(.prefix("/"), ("x-ai-stream", .exact("true")), ("m", .exact("\(number)")))
      case "one path for each route": match(.exact("/v1/\(number)"), ("m", .exact("m")))
      case "one header for each pair":
        match(.prefix("/v1"), ("a", .exact("\(number / 2)")), ("b", .exact("\(number % 2)")))
      case "one path below the other":
        match(.prefix("/" + String(repeating: "a", count: number % 50)), ("m", .exact("\(number)")))
      default: match(.exact("/v1"), ("m", .exact("m")))
      }
    }
    let (pairs, comparisons) = Checks.shadowed(try rules(matches))
    #expect(comparisons <= 2 * matches.count)
    #expect(pairs.count == (shape == "the same match" ? 2999 : 0))
  }

  @Test func `routes of other hosts are not compared`() throws {
    let same = match(.prefix("/"))
    let own = try (0..<3000).flatMap { try rules([same], hosts: ["h\($0)"]) }
    let (pairs, comparisons) = Checks.shadowed(own)
    #expect(pairs.isEmpty && comparisons == 0)
  }
}
