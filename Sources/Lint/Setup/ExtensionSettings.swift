/// An ext_proc filter that asks Tollgate.
struct ProcessorSettings: Sendable {
  enum BodyMode: Equatable, Sendable {
    case none, buffered, bufferedPartial, streamed, fullDuplexStreamed
  }

  let field: Field
  /// The settings by which it fails open, or does not wait for a reply.
  let failOpen: [Field]
  let statusOnError: Field
  let messageTimeout: Field
  let requestBody: BodyMode
  let requestBodyField: Field
  let responseBody: BodyMode
  let responseBodyField: Field
  /// Processing modes that are wrong: headers that are not sent, or trailers that must be.
  let modeFaults: [(field: Field, message: String, remedy: String)]
  let requestAttributes: Field
  let responseAttributes: Field
  let readableNamespaces: Field
  let writableNamespaces: Field
  /// The setting by which Envoy keeps its route although Tollgate clears the route cache.
  let keepsRoute: Field?
  let breakers: BreakerSettings
}

/// An ext_authz filter that asks Tollgate.
struct AuthorizerSettings: Sendable {
  let field: Field
  /// The settings by which it fails open.
  let failOpen: [Field]
  let statusOnError: Field
  let timeout: Field
  /// The timeout where none is written.
  let unsetTimeout: Duration
  /// The most bytes of the body that are sent.
  let bodyBytes: Field
  /// Whether the body is sent.
  let sendsBody: Bool
  /// The setting by which the first part of a larger body is sent.
  let partialBody: Field?
  /// Whether Envoy chooses the route again after the check.
  let choosesRouteAgain: Bool
  let choosesRouteAgainField: Field
  /// The headers of the request that are sent; nil for all.
  let allowedHeaders: [NameMatcher]?
  /// The headers that are not sent.
  let withheldHeaders: [NameMatcher]
  let headersField: Field
  /// Whether the body is sent as bytes and not as text, and where that is written.
  let bodyAsBytes: Placed<Bool>
  /// Settings of plain Envoy that are wrong.
  let faults: [(field: Field, message: String, remedy: String)]
  let breakers: BreakerSettings

  /// Whether a header of the client is sent.
  func shows(_ header: String) -> Bool {
    (allowedHeaders?.contains { $0.matches(header) } ?? true)
      && !withheldHeaders.contains { $0.matches(header) }
  }
}

/// A filter that verifies JWTs.
struct JWTSettings: Sendable {
  let field: Field
  /// Whether it lets requests pass that have no JWT, or none that it could verify.
  let letsOthersPass: Bool
  /// The issuers of its providers; nil for a provider that accepts any issuer.
  let issuers: [(issuer: String?, field: Field)]
}

/// The circuit breakers of the backend through which Envoy asks Tollgate.
struct BreakerSettings: Sendable {
  /// The three limits that count calls; nil for the default.
  let bounds: [(name: String, value: Int64?)]
  let field: Field
  /// The name of the setting, for messages: `backendSettings.circuitBreaker`.
  let setting: String
}
