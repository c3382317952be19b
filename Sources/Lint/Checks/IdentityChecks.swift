import Policy

extension Checks {
  /// What Envoy must have verified before Tollgate may believe it.
  static let identityChecks = [
    Check(
      "untrusted-client-ca", .error,
      "The policy takes client certificates as identity, and the listener lets in such as no trusted authority signed.",
      remedy: "require certificates of an authority of your own"
    ) { context, check in
      guard context.policies.contains(where: \.clientCertificates) else { return [] }
      // Beside keys or JWTs a certificate is one way among others.
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
      "The policy reads JWT claims, and nothing verifies JWTs: those callers are all refused.",
      remedy:
        "add a SecurityPolicy with jwt (or the jwt_authn filter), with an issuer of the policy's"
    ) { context, check in
      guard context.policies.contains(where: { !$0.jwt.isEmpty }) else { return [] }
      return context.setups.filter { $0.isWhole && $0.asksTollgate && !verifiesJWT($0, context) }
        .map { check.finding($0.field, "no filter here verifies JWTs") }
    },
    Check(
      "jwt-shuts-keys-out", .error,
      "The JWT filter lets nobody pass without a JWT, and the policy has API keys: their callers get 401 before Tollgate is asked.",
      remedy:
        "let others pass, Tollgate judges them (SecurityPolicy jwt.failOpen, or jwt.optional for keys outside authorization; Envoy: allow_missing_or_failed)"
    ) { context, check in
      guard hasKeys(context) else { return [] }
      return context.setups.filter(\.asksTollgate).flatMap { setup in
        setup.verifiers.filter { !$0.letsOthersPass }.map {
          check.finding($0.field, "whoever has an API key and no JWT is refused here")
        }
      }
    },
    Check(
      "jwt-issuer", .error,
      "The policy reads the claims of an issuer that no JWT filter verifies: its callers are all refused.",
      remedy: "write the same issuer in both, character for character"
    ) { context, check in
      context.setups.filter { $0.isWhole && !$0.verifiers.isEmpty }.flatMap { setup in
        let known = setup.verifiers.flatMap(\.issuers)
        // A provider without an issuer verifies any.
        guard !known.isEmpty, known.allSatisfy({ $0.issuer != nil }) else { return [Finding]() }
        return Set(context.policies.flatMap { $0.jwt.map(\.issuer) }).sorted().filter { issuer in
          !known.contains { $0.issuer == issuer }
        }.map { issuer in
          check.finding(
            known[0].field,
            "the policy's issuer is \(issuer), and verified is "
              + known.compactMap(\.issuer).joined(separator: ", "))
        }
      }
    },
    Check(
      "withheld-credentials", .error,
      "ext_authz is not shown a header that the policy takes API keys from: whoever sends the key there gets 401.",
      remedy:
        "list it (headersToExtAuth, allowed_headers), or take it out of the policy's auth.api_key_headers"
    ) { context, check in
      guard hasKeys(context) else { return [] }
      let wanted = Set(context.policies.flatMap(\.apiKeyHeaders)).sorted()
      return context.setups.flatMap { setup in
        setup.authorizers.compactMap { authorizer in
          let withheld = wanted.filter { !authorizer.shows($0) }
          return withheld.isEmpty
            ? nil
            : check.finding(
              authorizer.headersField,
              "Tollgate's check does not see \(withheld.joined(separator: ", "))")
        }
      }
    },
  ]

  private static func hasKeys(_ context: LintContext) -> Bool {
    context.policies.contains { $0.tenants.contains { !$0.keys.isEmpty } }
  }

  private static func verifiesJWT(_ setup: GatewaySetup, _ context: LintContext) -> Bool {
    if setup.filtersByRoute {
      return context.set.resources("SecurityPolicy", group: EnvoyGatewayReading.envoyGroup)
        .contains { $0.spec["jwt"].exists }
    }
    return setup.filterOrder.contains { $0.value == .jwtAuthn }
  }
}
