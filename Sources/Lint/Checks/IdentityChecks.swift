import Policy

extension Checks {
  /// Identities that Envoy must verify before Tollgate can trust them.
  static let identityChecks = [
    Check(
      "untrusted-client-ca", .error,
      "The policy trusts client certificates as identity, but the listener does not require one that a trusted authority signed.",
      remedy: "require client certificates of your own authority"
    ) { context, check in
      guard context.policies.contains(where: \.clientCertificates) else { return [] }
      // With API keys or JWTs a certificate is one of several ways, and may be optional.
      let hasOthers = context.policies.contains { policy in
        !policy.jwt.isEmpty || policy.tenants.contains { !$0.keys.isEmpty }
      }
      return context.setups.flatMap { setup in
        setup.listener.certificateFaults.filter { !($0.isOptional && hasOthers) }.map { fault in
          check.finding(
            fault.field, fault.message, remedy: fault.remedy, severity: fault.severity)
        }
      }
    },
    Check(
      "jwt-not-verified", .error,
      "The policy reads JWT claims, but no filter verifies JWTs: all callers with a JWT are refused.",
      remedy:
        "add a SecurityPolicy with jwt (or the jwt_authn filter) for the policy's issuer"
    ) { context, check in
      guard context.policies.contains(where: { !$0.jwt.isEmpty }) else { return [] }
      return context.setups.filter { $0.isWhole && $0.asksTollgate && !verifiesJWT($0, context) }
        .map { check.finding($0.field, "no filter here verifies JWTs") }
    },
    Check(
      "jwt-shuts-keys-out", .error,
      "The JWT filter refuses requests without a JWT, but the policy has API keys: their callers get 401 before Tollgate is asked.",
      remedy:
        "let requests without a valid JWT pass, Tollgate decides on them (SecurityPolicy jwt.failOpen, or jwt.optional where keys are not in authorization; Envoy: allow_missing_or_failed)"
    ) { context, check in
      guard hasKeys(context) else { return [] }
      return context.setups.filter(\.asksTollgate).flatMap { setup in
        setup.verifiers.filter { !$0.letsOthersPass }.map {
          check.finding($0.field, "a caller with an API key and no JWT is refused here")
        }
      }
    },
    Check(
      "jwt-issuer", .error,
      "The policy reads the claims of an issuer whose tokens no JWT filter verifies: all callers with such a token are refused.",
      remedy: "write exactly the same issuer in the policy and in the JWT filter"
    ) { context, check in
      context.setups.filter { $0.isWhole && !$0.verifiers.isEmpty }.flatMap { setup in
        let known = setup.verifiers.flatMap(\.issuers)
        // A provider without an issuer accepts any.
        guard !known.isEmpty, known.allSatisfy({ $0.issuer != nil }) else { return [Finding]() }
        return Set(context.policies.flatMap { $0.jwt.map(\.issuer) }).sorted().filter { issuer in
          !known.contains { $0.issuer == issuer }
        }.map { issuer in
          check.finding(
            known[0].field,
            "the policy's issuer is \(issuer), but verified are only tokens of "
              + known.compactMap(\.issuer).joined(separator: ", "))
        }
      }
    },
    Check(
      "withheld-credentials", .error,
      "Envoy does not send Tollgate a header that it decides by: the caller's API key, the path or the content type.",
      remedy:
        "list it (headersToExtAuth, allowed_headers), or remove it from the policy's auth.api_key_headers"
    ) { context, check in
      context.setups.flatMap { setup in
        let selections =
          setup.authorizers.map { ($0.headers, keyHeaders(context, at: .extAuthz)) }
          + setup.processors.compactMap { processor in
            // Where ext_authz is sent the key, ext_proc is told whose it is.
            processor.headers.map {
              (
                $0,
                decidingHeaders
                  + (setup.authorizers.isEmpty ? keyHeaders(context, at: .extProc) : [])
              )
            }
          }
        return selections.compactMap { headers, wanted in
          let withheld = wanted.filter { !headers.shows($0) }
          return withheld.isEmpty
            ? nil
            : check.finding(
              headers.field, "Tollgate is not sent \(withheld.joined(separator: ", "))")
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
      policy.tenants.contains { !$0.keys.isEmpty }
        && (point == .extAuthz || policy.enforceAt == point)
    }
    return Set(own.flatMap(\.apiKeyHeaders)).sorted()
  }

  private static func hasKeys(_ context: LintContext) -> Bool {
    context.policies.contains { $0.tenants.contains { !$0.keys.isEmpty } }
  }

  private static func verifiesJWT(_ setup: GatewaySetup, _ context: LintContext) -> Bool {
    if setup.origin == .gatewayAPI {
      return context.set.resources("SecurityPolicy", group: EnvoyGatewayReading.envoyGroup)
        .contains { $0.spec["jwt"].exists }
    }
    return setup.filterOrder.contains { $0.value == .jwtAuthn }
  }
}
