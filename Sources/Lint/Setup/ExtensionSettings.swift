/// A setting that is wrong by itself.
struct SettingFault: Sendable {
  let field: Field
  let message: String
  let remedy: String

  init(_ field: Field, _ message: String, remedy: String) {
    self.field = field
    self.message = message
    self.remedy = remedy
  }
}

/// An ext_proc filter that asks Tollgate.
struct ProcessorSettings: Sendable {
  enum BodyMode: Equatable, Sendable {
    case none, buffered, bufferedPartial, streamed, fullDuplexStreamed

    /// `BUFFERED_PARTIAL` in Envoy's words, `BufferedPartial` in Envoy Gateway's.
    init(_ field: Field) {
      switch (field.text ?? "").filter({ $0 != "_" }).lowercased() {
      case "buffered": self = .buffered
      case "bufferedpartial": self = .bufferedPartial
      case "streamed": self = .streamed
      case "fullduplexstreamed": self = .fullDuplexStreamed
      default: self = .none
      }
    }
  }

  let field: Field
  /// The settings by which it fails open, or does not wait for a reply.
  let failOpen: [Field]
  let statusOnError: Field
  let messageTimeout: Field
  let requestBody: Placed<BodyMode>
  let responseBody: Placed<BodyMode>
  /// Processing modes that are wrong: headers that are not sent, or trailers that must be.
  let modeFaults: [SettingFault]
  let requestAttributes: Field
  let responseAttributes: Field
  let readableNamespaces: Field
  let writableNamespaces: Field
  /// The setting by which Envoy keeps its route although Tollgate clears the route cache.
  let keepsRoute: Field?
  /// The setting by which Envoy does not send Tollgate's refusals, where it is true.
  let ignoresRefusals: Field?
  let mutations: MutationRules?
  /// The headers of the request that are sent.
  let headers: HeaderSelection?
  /// What does not speak gRPC; nil where all does.
  let wrongProtocol: Field?
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
  /// The headers of the request that are sent.
  let headers: HeaderSelection
  /// Whether the body is sent as bytes and not as text, and where that is written.
  let bodyAsBytes: Placed<Bool>
  /// Settings of plain Envoy that are wrong.
  let faults: [SettingFault]
  let mutations: MutationRules?
  /// What does not speak gRPC; nil where all does.
  let wrongProtocol: Field?
  let breakers: BreakerSettings
}

/// Which headers of the client a filter sends: `allowed_headers`, all where there are none, without
/// `disallowed_headers`.
struct HeaderSelection: Sendable {
  let field: Field
  private let allowed: [NameMatcher]?
  private let withheld: [NameMatcher]

  /// The two lists of Envoy's filters.
  init(_ settings: Field) {
    func matchers(_ list: Field) -> [NameMatcher]? {
      list.exists ? list["patterns"].items.compactMap(NameMatcher.init) : nil
    }
    let (allowed, withheld) = (settings["allowed_headers"], settings["disallowed_headers"])
    self.allowed = matchers(allowed)
    self.withheld = matchers(withheld) ?? []
    field = allowed.exists ? allowed : withheld
  }

  /// A list of names, as Envoy Gateway has it.
  init(names: Field) {
    field = names
    allowed = names.exists ? names.texts.map(NameMatcher.exact) : nil
    withheld = []
  }

  func shows(_ header: String) -> Bool {
    (allowed?.contains { $0.matches(header) } ?? true) && !withheld.contains { $0.matches(header) }
  }
}

/// Envoy's HeaderMutationRules: which headers a service may change.
struct MutationRules: Sendable {
  let field: Field

  init(_ field: Field) { self.field = field }

  /// Nil for a header that may be changed, or else the rule against it.
  func rule(against header: String) -> Field? {
    // An expression that Swift cannot read is taken to be harmless.
    func matches(_ name: String, unread: Bool) -> Bool {
      field[name]["regex"].text.map { Pattern.matches($0, header) ?? unread } ?? false
    }
    if matches("disallow_expression", unread: false) { return field["disallow_expression"] }
    let all = field["disallow_all"]
    return all.bool == true && !matches("allow_expression", unread: true) ? all : nil
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
