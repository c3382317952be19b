/// How a gateway asks Tollgate through ext_proc.
struct ProcessorSettings: Sendable {
  enum BodyMode: Equatable, Sendable {
    case none, buffered, bufferedPartial, streamed, fullDuplexStreamed
  }

  let field: Field
  /// Where it fails open, or does not wait for verdicts.
  let failOpen: [Field]
  let statusOnError: Field
  let messageTimeout: Field
  let requestBody: BodyMode
  let requestBodyField: Field
  let responseBody: BodyMode
  let responseBodyField: Field
  /// Headers that are not sent, and trailers that must be: with the remedy.
  let modeFaults: [(field: Field, message: String, remedy: String)]
  let requestAttributes: Field
  let responseAttributes: Field
  let readableNamespaces: Field
  let writableNamespaces: Field
  /// Where the route is not chosen again although Tollgate asks for it.
  let keepsRoute: Field?
  let breakers: BreakerSettings
}

/// How a gateway asks Tollgate through ext_authz.
struct AuthorizerSettings: Sendable {
  let field: Field
  let failOpen: [Field]
  let statusOnError: Field
  /// The time it has, and what it is where nothing is written.
  let timeout: Field
  let unsetTimeout: Duration
  /// What of the body is sent; absent where none is.
  let bodyBytes: Field
  let sendsBody: Bool
  let partialBody: Field?
  /// Whether a route is chosen again behind it.
  let choosesRouteAgain: Bool
  let choosesRouteAgainField: Field
  /// Which headers of the request it gets; nil for all.
  let allowedHeaders: [NameMatcher]?
  let withheldHeaders: [NameMatcher]
  let headersField: Field
  /// Whether the body comes byte for byte, and where that is written.
  let bodyAsBytes: Placed<Bool>
  /// What is not as plain Envoy should have it: with the remedy.
  let faults: [(field: Field, message: String, remedy: String)]
  let breakers: BreakerSettings

  /// Whether Tollgate sees this header of the client's.
  func shows(_ header: String) -> Bool {
    (allowedHeaders?.contains { $0.matches(header) } ?? true)
      && !withheldHeaders.contains { $0.matches(header) }
  }
}

/// A filter that verifies JWTs.
struct JWTSettings: Sendable {
  let field: Field
  /// Whether callers pass who have no JWT, or none that it could verify.
  let letsOthersPass: Bool
  /// The issuers of its providers; nil for a provider of any.
  let issuers: [(issuer: String?, field: Field)]
}

/// The circuit breakers of what Tollgate is reached by.
struct BreakerSettings: Sendable {
  /// What each of the three bounds is, nil for the default.
  let bounds: [(name: String, value: Int64?)]
  let field: Field
  /// `backendSettings.circuitBreaker`, `circuit_breakers`: for the remedy.
  let setting: String
}
