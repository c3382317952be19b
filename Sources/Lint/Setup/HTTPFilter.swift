/// An HTTP filter of a connection manager.
struct HTTPFilter {
  let field: Field
  /// Its settings, also where it fetched them.
  let settings: Field
  /// Nil for a filter whose order does not matter.
  let name: FilterName?

  /// An item of `http_filters`.
  init(_ field: Field, of manager: Field, _ config: EnvoyConfig) {
    let fetched = field["config_discovery"].exists ? field["name"].text : nil
    let settings = fetched.flatMap { config.filters[$0] } ?? field["typed_config"]
    self.field = field
    self.settings = settings.named(manager.object)
    name = settings.typeName.flatMap { Self.names[$0] }
  }

  private static let names: [Substring: FilterName] = [
    "ExtAuthz": .extAuthz, "JwtAuthentication": .jwtAuthn, "ExternalProcessor": .extProc,
    "Router": .router,
  ]

  /// What findings call it.
  var title: String { field["name"].text ?? "?" }

  /// Why it must be reported as not checked; nil where it is read.
  var unread: Remark? {
    let discovery = field["config_discovery"]
    if !settings.exists, discovery.exists {
      return Remark(discovery, "the filter \(title), which Envoy fetches (config_discovery)")
    }
    guard name == nil, ForeignObjects.asks(settings) else { return nil }
    return Remark(field, "the filter \(title), which contains another one that asks")
  }

  /// What a jwt_authn filter verifies.
  var verifier: JWTFilter {
    let rules = settings["rules"].items.filter { rule in
      rule["requires"].exists || rule["requirement_name"].exists
    }
    let isLenient = rules.allSatisfy { rule in
      let named = rule["requirement_name"].text.map { settings["requirement_map"][$0] }
      return Self.letsOthersPass(named ?? rule["requires"])
    }
    return JWTFilter(
      field: rules.first ?? settings["rules"], letsOthersPass: isLenient,
      issuers: settings["providers"].members.map { $0.value["issuer"] })
  }

  /// Whether a JwtRequirement accepts requests without a valid JWT: itself, or one of its `requires_any`.
  private static func letsOthersPass(_ requirement: Field) -> Bool {
    requirement["allow_missing"].node != nil || requirement["allow_missing_or_failed"].node != nil
      || requirement.at("requires_any.requirements").items.contains(where: letsOthersPass)
  }
}

extension ListenerSettings {
  /// Those of a connection manager's listener and filter chain.
  init(_ manager: Field, _ listener: Field, _ chain: Field) {
    field = manager
    buffer = listener["per_connection_buffer_limit_bytes"]
    unsetBufferBytes = 1_048_576
    early = manager["early_header_mutation_extensions"]
    earlyRemovals = TextMatcher.known(
      early.all("[].typed_config.mutations[]").map { mutation in
        mutation["remove"].text.map(TextMatcher.exact)
          ?? TextMatcher(envoy: mutation.at("remove_on_match.key_matcher"))
      })
    certificates = [CertificateFaults(chain.at("transport_socket.typed_config"))]
  }
}

extension CertificateFaults {
  /// Those of a DownstreamTlsContext.
  fileprivate init(_ context: Field) {
    let common = context["common_tls_context"]
    let combined = common["combined_validation_context"]
    let standard = combined["default_validation_context"]
    let validation = standard.exists ? standard : common["validation_context"]
    let secret = "validation_context_sds_secret_config"
    let fromSecret = common[secret].exists || combined[secret].exists
    let trust = validation["trust_chain_verification"]
    let authority = validation["trusted_ca"]
    let required = context["require_client_certificate"]
    let isUntrusted = trust.text == "ACCEPT_UNTRUSTED"
    let isVerified = required.bool == true || validation.exists
    untrusted = isUntrusted ? trust : nil
    unnamed = isVerified && !fromSecret && !isUntrusted && !authority.exists ? authority : nil
    optional = validation.exists || fromSecret ? required.unlessTrue : nil
    expired = validation["allow_expired_certificate"].ifTrue
  }
}
