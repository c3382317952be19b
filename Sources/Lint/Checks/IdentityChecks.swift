import Policy

extension Checks {
  /// Identities that Envoy must verify before Tollgate can trust them.
  static let identityChecks = [
    Check(
      "untrusted-client-ca", .error, each: \.listeners,
      "The policy trusts client certificates as identity, but the listener does not require one that a trusted authority signed.",
      remedy:
        "require valid certificates of your own authority (mode RequireAndVerify with caCertificateRefs; Envoy: require_client_certificate, VERIFY_TRUST_CHAIN with a trusted_ca)"
    ) { listener, context, report in
      guard context.policies.contains(where: \.clientCertificates) else { return }
      // With API keys or JWTs a certificate is one of several ways, and may be optional.
      let hasOthers = context.readsJWT || context.policies.contains(where: \.hasKeys)
      for trust in listener.certificates {
        report(trust.untrusted, "certificates of any authority are accepted as identity")
        report(trust.unnamed, "it does not say which authority must have signed certificates")
        report(trust.expired, "expired certificates are accepted as identity")
        if !hasOthers {
          report(
            trust.optional, "callers without a certificate are let in, and there is no other way",
            severity: .warning)
        }
      }
    },
    Check(
      "jwt-not-verified", .error, each: \.whole,
      "The policy reads JWT claims, but no filter verifies JWTs: all callers with a JWT are refused.",
      remedy: "add a SecurityPolicy with jwt (or the jwt_authn filter) for the policy's issuer"
    ) { context, _, report in
      guard context.readsJWT else { return }
      let isVerified = context.set.resources("SecurityPolicy").contains { $0.spec["jwt"].exists }
      for chain in context.asking
      where chain.origin == .envoy ? chain.verifiers.isEmpty : !isVerified {
        report(chain.field, "no filter here verifies JWTs")
      }
    },
    Check(
      "jwt-shuts-keys-out", .error, each: \.chains,
      "The JWT filter refuses requests without a JWT, but the policy has API keys: their callers get 401 before Tollgate is asked.",
      remedy:
        "let requests without a valid JWT pass, Tollgate decides on them (SecurityPolicy jwt.failOpen, or jwt.optional where keys are not in authorization; Envoy: allow_missing_or_failed)"
    ) { chain, context, report in
      guard chain.asksTollgate, context.policies.contains(where: \.hasKeys) else { return }
      for filter in chain.verifiers where !filter.letsOthersPass {
        report(filter.field, "a caller with an API key and no JWT is refused here")
      }
    },
    Check(
      "jwt-issuer", .error, each: \.chains,
      "The policy reads the claims of an issuer whose tokens no JWT filter verifies: all callers with such a token are refused.",
      remedy: "write exactly the same issuer in the policy and in the JWT filter"
    ) { chain, context, report in
      let wanted = Set(context.policies.flatMap { $0.jwt.map(\.issuer) }).sorted()
      let issuers = chain.verifiers.flatMap(\.issuers)
      let known = issuers.compactMap(\.text)
      // A provider without an issuer accepts any.
      guard let first = issuers.first, known.count == issuers.count else { return }
      for issuer in wanted where !known.contains(issuer) {
        report(first, all: known) { "tokens of \($0) are verified, but not of \(issuer)" }
      }
    },
    Check(
      "withheld-credentials", .error, each: \.chains,
      "Envoy does not send Tollgate a header that it decides by: the caller's API key, the path or the content type.",
      remedy: "list it (headersToExtAuth, allowed_headers), or take it out of auth.api_key_headers"
    ) { chain, context, report in
      for filter in chain.authorizers + chain.processors {
        let isProcessor = filter.kind == .extProc
        // Where ext_authz is sent the key, ext_proc is told whose it is.
        let needsKey = !isProcessor || chain.authorizers.isEmpty
        let keys = needsKey ? keyHeaders(context, at: isProcessor ? .extProc : .extAuthz) : []
        let headers = filter.headers
        let missing = ((isProcessor ? decidingHeaders : []) + keys).filter { !headers.shows($0) }
        report(headers.field, all: missing) { "Tollgate is not sent \($0)" }
      }
    },
  ]

  /// What ext_proc is sent as headers and ext_authz in fields of its own.
  private static let decidingHeaders = [":method", ":path", ":authority", "content-type"]

  /// The headers in which callers may send a key to a filter; without a policy the most usual one.
  private static func keyHeaders(_ context: LintContext, at point: EnforcementPoint) -> [String] {
    if context.policies.isEmpty { return ["authorization"] }
    // A policy that decides at ext_authz needs no keys at ext_proc.
    let own = context.policies.filter {
      $0.hasKeys && (point == .extAuthz || $0.enforceAt == point)
    }
    return Set(own.flatMap(\.apiKeyHeaders)).sorted()
  }
}

extension PolicySnapshot {
  /// Whether callers may have API keys.
  fileprivate var hasKeys: Bool { tenants.contains { !$0.keys.isEmpty } }
}
