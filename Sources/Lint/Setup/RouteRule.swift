/// One rule of an HTTPRoute, or one route of an Envoy config: what both have in common.
struct RouteRule: Sendable {
  /// Where it is written.
  let field: Field
  /// The hosts it serves; a listener's where the route names none; `*` for any.
  let hosts: [String]
  /// One of these must match.
  let matches: [RouteMatch]
  /// Where it sends requests to; empty for a direct answer or a redirect.
  let backends: [Field]
  /// The bound on the whole exchange. `.zero` is none.
  let timeout: Placed<Duration>?
  /// Whether such a rule can have timeouts at all (a GRPCRoute's cannot).
  let takesTimeouts: Bool
  /// The bounds on one attempt.
  let attemptTimeouts: [Placed<Duration>]
  /// Where retries are asked for.
  let retries: Field?
  /// What bounds a stream where `timeout` does not.
  let streamBound: Duration?
  /// How long nothing may be heard either way, where that is written; `.zero` is for ever.
  let idleTimeout: Placed<Duration>?

  var sendsToBackend: Bool { !backends.isEmpty }

  /// The model routes that some match names exactly.
  var modelRoutes: [String] {
    matches.compactMap { $0.exactHeader(HeaderNames.modelRoute) }
  }

  /// Whether some request of this rule is answered as a whole, and so in silence until the model is
  /// done. What asks for no stream is.
  var servesWholeAnswers: Bool {
    matches.contains { $0.exactHeader(HeaderNames.stream) != "true" }
  }

  /// How long an exchange may last; nil where nothing bounds it.
  var longest: Duration? {
    guard let timeout else { return RouteRule.unsetTimeout }
    return timeout.value == .zero ? streamBound : timeout.value
  }

  /// Envoy's timeout of a route that states none.
  static let unsetTimeout = Duration.seconds(15)
  /// Envoy's bound on silence where nobody states one.
  static let unsetIdleTimeout = Duration.seconds(300)
}

/// A value with the place it is written at.
struct Placed<Value: Sendable>: Sendable {
  let value: Value
  let field: Field
}

extension Placed where Value == Duration {
  /// nil where nothing readable is written.
  init?(_ field: Field) {
    guard let value = field.duration else { return nil }
    self.init(value: value, field: field)
  }
}

/// One match of a rule: a path, and headers that must all match.
struct RouteMatch: Sendable {
  enum Path: Equatable, Sendable {
    case exact(String)
    case prefix(String)
    case regex(String)
    /// Not known to us: taken to match.
    case other
  }

  enum Value: Equatable, Sendable {
    case exact(String)
    case regex(String)
    /// Present, a prefix, a range: taken to match.
    case other

    /// What a regular expression asks for: where it is nothing but a text, that text.
    init(pattern: String) {
      if let words = Pattern.words(of: pattern), words.count == 1 {
        self = .exact(words[0])
      } else {
        self = .regex(pattern)
      }
    }
  }

  let path: Path
  let headers: [(name: String, value: Value)]
  /// Whether methods or query parameters are asked for, too.
  let isNarrower: Bool

  func exactHeader(_ name: String) -> String? {
    for header in headers where header.name == name {
      if case .exact(let value) = header.value { return value }
    }
    return nil
  }

  /// Whether it asks for a header by something that an unforeseen value fits, too: a pattern, a prefix,
  /// its presence.
  func leavesOpen(_ name: String) -> Bool {
    guard asksFor(name), exactHeader(name) == nil else { return false }
    return !headers.contains { header in
      if header.name == name, case .regex(let pattern) = header.value {
        return Pattern.words(of: pattern) != nil
      }
      return false
    }
  }

  func asksFor(_ name: String) -> Bool { headers.contains { $0.name == name } }

  /// Whether it takes every request of its host.
  var takesAll: Bool { path == .prefix("/") && headers.isEmpty && !isNarrower }

  /// Whether requests of this path match.
  func covers(path wanted: String) -> Bool {
    switch path {
    case .exact(let text): text == wanted
    case .prefix("/"), .other: true
    case .prefix(let text): wanted == text || wanted.hasPrefix(text)
    case .regex(let pattern): Pattern.matches(pattern, wanted) ?? true
    }
  }

  /// Whether a request with this value of a header matches.
  func covers(header name: String, _ wanted: String) -> Bool {
    headers.allSatisfy { header in
      guard header.name == name else { return true }
      switch header.value {
      case .exact(let value): return value == wanted
      case .regex(let pattern): return Pattern.matches(pattern, wanted) ?? true
      case .other: return true
      }
    }
  }
}

/// Regular expressions of manifests, which match as a whole.
enum Pattern {
  /// Longer ones are not tried.
  static let bytesMax = 1024

  /// The texts that an expression lists (`a`, `^a$`, `(a|b)`); nil where it has anything else in it.
  static func words(of pattern: String) -> [String]? {
    var rest = pattern[...]
    if rest.first == "^" { rest = rest.dropFirst() }
    if rest.last == "$", !rest.hasSuffix("\\$") { rest = rest.dropLast() }
    for opening in ["(?:", "("] where rest.hasPrefix(opening) && rest.last == ")" {
      rest = rest.dropFirst(opening.count).dropLast()
      break
    }
    var words = [""]
    var isEscaped = false
    for character in rest {
      let isPlain = character.isLetter || character.isNumber || "-_/:@ ".contains(character)
      if isEscaped {
        // `\.` is a dot; `\d` is a class.
        guard !character.isLetter, !character.isNumber else { return nil }
        words[words.count - 1].append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "|" {
        words.append("")
      } else if isPlain {
        words[words.count - 1].append(character)
      } else {
        return nil
      }
    }
    return isEscaped || words.contains("") ? nil : words
  }

  /// nil where the expression cannot be read here.
  static func matches(_ pattern: String, _ text: String) -> Bool? {
    guard pattern.utf8.count <= bytesMax, let regex = try? Regex(pattern) else { return nil }
    do {
      return try regex.wholeMatch(in: text) != nil
    } catch {
      return nil
    }
  }
}

/// The headers Tollgate sets on requests, and the endpoint picker's.
enum HeaderNames {
  static let modelRoute = "x-ai-model-route"
  static let stream = "x-ai-stream"
  static let trafficClass = "x-ai-traffic-class"
  static let endpoint = "x-gateway-destination-endpoint"
  static let own = [
    "x-ai-tenant", "x-ai-subject", "x-ai-model", "x-ai-model-route", "x-ai-traffic-class",
    "x-ai-stream", "x-ai-request-id", "x-gateway-model-name", "x-gateway-inference-fairness-id",
    "x-gateway-inference-objective",
  ]
}
