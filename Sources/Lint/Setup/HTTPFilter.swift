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
    name =
      switch settings.typeName {
      case "ExtAuthz": .extAuthz
      case "JwtAuthentication": .jwtAuthn
      case "ExternalProcessor": .extProc
      case "Router": .router
      default: nil
      }
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

extension FilterName {
  /// Whether it asks a service about requests.
  var asks: Bool { self == .extProc || self == .extAuthz }
}

extension ListenerSettings {
  /// Those of a connection manager's listener and filter chain.
  init(_ manager: Field, _ listener: Field, _ chain: Field) {
    field = manager
    buffer = NamedField(
      field: listener["per_connection_buffer_limit_bytes"],
      name: "the listener's per_connection_buffer_limit_bytes")
    unsetBufferBytes = 1_048_576
    early = NamedField(
      field: manager["early_header_mutation_extensions"], name: "early_header_mutation_extensions")
    earlyRemovals = TextMatcher.known(
      early.field.all("[].typed_config.mutations[]").map { mutation in
        mutation["remove"].text.map(TextMatcher.exact)
          ?? TextMatcher(envoy: mutation.at("remove_on_match.key_matcher"))
      })
    certificateFaults = Self.certificateFaults(chain.at("transport_socket.typed_config"))
  }

  private static func certificateFaults(_ context: Field) -> [CertificateFault] {
    let common = context["common_tls_context"]
    let combined = common.at("combined_validation_context.default_validation_context")
    let validation = combined.exists ? combined : common["validation_context"]
    let secret = "validation_context_sds_secret_config"
    let fromSecret =
      common[secret].exists || common["combined_validation_context"][secret].exists
    let trust = validation["trust_chain_verification"]
    let isUntrusted = trust.text == "ACCEPT_UNTRUSTED"
    let required = context["require_client_certificate"]
    let isRequired = required.bool == true
    let lacksAuthority =
      !fromSecret && (isRequired || validation.exists) && !validation["trusted_ca"].exists
    let expired = validation["allow_expired_certificate"]
    let isOptional = !isRequired && (validation.exists || fromSecret)
    let unnamed = lacksAuthority && !isUntrusted ? validation["trusted_ca"] : nil
    return CertificateFault.all([
      (.untrusted, isUntrusted ? trust : nil, "write VERIFY_TRUST_CHAIN, with a trusted_ca"),
      (.unnamed, unnamed, "write trusted_ca into the validation context"),
      (.optional, isOptional ? required : nil, "write require_client_certificate: true"),
      (.expired, expired.bool == true ? expired : nil, "remove this setting"),
    ])
  }
}
