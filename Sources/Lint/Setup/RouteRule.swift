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

  var sendsToBackend: Bool { !backends.isEmpty }

  /// The model routes that some match names exactly.
  var modelRoutes: [String] {
    matches.compactMap { $0.exactHeader(HeaderNames.modelRoute) }
  }

  /// How long an exchange may last; nil where nothing bounds it.
  var longest: Duration? {
    guard let timeout else { return RouteRule.unsetTimeout }
    return timeout.value == .zero ? streamBound : timeout.value
  }

  /// Envoy's timeout of a route that states none.
  static let unsetTimeout = Duration.seconds(15)
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
