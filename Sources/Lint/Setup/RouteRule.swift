/// One rule of an HTTPRoute or GRPCRoute, or one route of an Envoy config: what they have in common.
struct RouteRule: Sendable {
  /// Where it is written.
  let field: Field
  /// The hosts that it serves, in lower case: the listener's where the route names none; `*` for any.
  let hosts: [String]
  /// One of these must match.
  let matches: [RouteMatch]
  /// Where it sends requests; empty for a direct response or a redirect.
  let backends: [Field]
  /// Where it sends copies of requests.
  let mirrors: [Field]
  /// The timeout of the whole exchange; `.zero` is none. Nil where nothing is written.
  let timeout: Field?
  /// Whether such a rule can have timeouts at all (a GRPCRoute's cannot).
  let takesTimeouts: Bool
  /// The timeouts of one attempt.
  let attemptTimeouts: [Field]
  /// The setting that asks for retries; nil where none are made.
  let retries: Field?
  /// The maximum duration of a stream, which applies where `timeout` is zero; nil for none.
  let streamBound: Duration?
  /// The idle timeout of a stream; `.zero` is none. Nil where nothing is written.
  let idleTimeout: Field?

  var sendsToBackend: Bool { !backends.isEmpty }

  /// What findings call the rule.
  var name: String { modelRoutes.first ?? field["name"].text ?? "\(field.object) \(field.path)" }

  /// The model routes that its matches name exactly.
  var modelRoutes: [String] { matches.compactMap { $0.exactHeader(HeaderNames.modelRoute) } }

  /// Whether it takes requests that want no stream: no byte comes until the model has finished.
  var servesWholeAnswers: Bool { matches.contains { $0.exactHeader(HeaderNames.stream) != "true" } }

  /// How long an exchange may last; nil for no limit.
  var longest: Duration? {
    guard let timeout = timeout?.duration else { return RouteRule.unsetTimeout }
    return timeout == .zero ? streamBound : timeout
  }

  /// What has a request sent again although a backend may have worked on it; empty where nothing has.
  var repeatingTriggers: [String] {
    guard let retries else { return [] }
    let envoys = retries["retry_on"].text?.filter { $0 != " " }.split(separator: ",")
    let gateways = retries.at("retryOn.triggers")
    // Envoy Gateway's default has 503 and more, and a Gateway API route retries by status codes.
    if envoys == nil, !gateways.exists { return ["by default"] }
    return (envoys?.map(String.init) ?? gateways.texts)
      .filter { !Self.triggersBeforeWork.contains($0) }
  }

  /// Reasons to try again that come before a backend has the request.
  private static let triggersBeforeWork: Set<String> = [
    "connect-failure", "refused-stream", "reset-before-request", "http3-post-connect-failure",
  ]

  /// Envoy's default of a route's timeout.
  static let unsetTimeout = Duration.seconds(15)
  /// Envoy's default of the stream idle timeout.
  static let unsetIdleTimeout = Duration.seconds(300)
}
