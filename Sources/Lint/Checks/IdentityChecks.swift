import Policy

extension Checks {
  /// Identities that Envoy must verify before Tollgate can trust them.
  static let identityChecks = [
    Check(
      "untrusted-client-ca", .error, each: \.listeners,
      "The policy trusts client certificates as identity, but the listener does not require one that a trusted authority signed.",
      remedy: "require client certificates of your own authority"
    ) { listener, context, report in
      guard context.policies.contains(where: \.clientCertificates) else { return }
      // With API keys or JWTs a certificate is one of several ways, and may be optional.
      let hasOthers = context.policies.contains { !$0.jwt.isEmpty || $0.hasKeys }
      for fault in listener.certificateFaults where fault.kind != .optional || !hasOthers {
        report(
          fault.field, fault.kind.rawValue, remedy: fault.remedy,
          severity: fault.kind == .optional ? .warning : .error)
      }
    },
    Check(
      "jwt-not-verified", .error,
      "The policy reads JWT claims, but no filter verifies JWTs: all callers with a JWT are refused.",
      remedy:
        "add a SecurityPolicy with jwt (or the jwt_authn filter) for the policy's issuer"
    ) { context, report in
      guard context.policies.contains(where: { !$0.jwt.isEmpty }) else { return }
      let isVerified = context.set.resources("SecurityPolicy").contains { $0.spec["jwt"].exists }
      for chain in context.asking
      where chain.origin == .envoy ? chain.verifiers.isEmpty : !isVerified {
        report(chain.field, "no filter here verifies JWTs")
      }
    },
    Check(
      "jwt-shuts-keys-out", .error,
      "The JWT filter refuses requests without a JWT, but the policy has API keys: their callers get 401 before Tollgate is asked.",
      remedy:
        "let requests without a valid JWT pass, Tollgate decides on them (SecurityPolicy jwt.failOpen, or jwt.optional where keys are not in authorization; Envoy: allow_missing_or_failed)"
    ) { context, report in
      guard context.policies.contains(where: \.hasKeys) else { return }
      for filter in context.chains.filter(\.asksTollgate).flatMap(\.verifiers)
      where !filter.letsOthersPass {
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
        report(first, all: known) {
          "the policy's issuer is \(issuer), but verified are only tokens of \($0)"
        }
      }
    },
    Check(
      "withheld-credentials", .error, each: \.chains,
      "Envoy does not send Tollgate a header that it decides by: the caller's API key, the path or the content type.",
      remedy:
        "list it (headersToExtAuth, allowed_headers), or remove it from the policy's auth.api_key_headers"
    ) { chain, context, report in
      for filter in chain.authorizers + chain.processors {
        let wanted =
          filter.kind == .extAuthz
          ? keyHeaders(context, at: .extAuthz)
          // Where ext_authz is sent the key, ext_proc is told whose it is.
          : decidingHeaders
            + (chain.authorizers.isEmpty ? keyHeaders(context, at: .extProc) : [])
        report(filter.headers.field, all: wanted.filter { !filter.headers.shows($0) }) {
          "Tollgate is not sent \($0)"
        }
      }
    },
  ]

  /// What ext_proc is sent as headers and ext_authz in fields of its own.
  private static let decidingHeaders = [":method", ":path", ":authority", "content-type"]

  /// The headers in which callers may send a key to a filter; without a policy the most usual one.
  private static func keyHeaders(
    _ context: LintContext, at point: EnforcementPoint
  ) -> [String] {
    guard !context.policies.isEmpty else { return ["authorization"] }
    // A policy that decides at ext_authz needs no keys at ext_proc.
    let own = context.policies.filter { policy in
      policy.hasKeys && (point == .extAuthz || policy.enforceAt == point)
    }
    return Set(own.flatMap(\.apiKeyHeaders)).sorted()
  }
}

extension PolicySnapshot {
  /// Whether callers may have API keys.
  fileprivate var hasKeys: Bool { tenants.contains { !$0.keys.isEmpty } }
}
