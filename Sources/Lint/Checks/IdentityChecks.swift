internal import Policy

extension Checks {
  /// What Envoy must have verified before Tollgate may believe it.
  static let identityChecks = [
    Check(
      "untrusted-client-ca", .error,
      "The policy takes client certificates as identity, and the listener lets in such as no trusted authority signed.",
      remedy: "require certificates of an authority of your own"
    ) { context, check in
      guard context.policies.contains(where: \.clientCertificates) else { return [] }
      return context.setups.flatMap { setup in
        setup.listener.certificateFaults.map { fault in
          check.finding(
            fault.field, fault.message, remedy: fault.remedy, severity: fault.severity)
        }
      }
    },
    Check(
      "jwt-not-verified", .error,
      "The policy reads JWT claims, and nothing verifies JWTs: those callers are all refused.",
      remedy: "add a SecurityPolicy with jwt (or the jwt_authn filter), with an issuer of the policy's"
    ) { context, check in
      guard context.policies.contains(where: { !$0.jwt.isEmpty }) else { return [] }
      return context.setups.filter { $0.isWhole && $0.asksTollgate && !verifiesJWT($0, context) }
        .map { check.finding($0.field, "no filter here verifies JWTs") }
    },
    Check(
      "jwt-fail-open", .error, "Requests with an invalid JWT are let on as if they had none.",
      remedy: "take failOpen (allow_missing_or_failed) away; optional (allow_missing) is enough beside keys"
    ) { context, check in
      context.set.resources("SecurityPolicy", group: EnvoyGatewayReading.envoyGroup)
        .map { $0.spec["jwt"]["failOpen"] }.filter { $0.bool == true }
        .map { check.finding($0, "an invalid JWT is let on") }
    },
  ]

  private static func verifiesJWT(_ setup: GatewaySetup, _ context: LintContext) -> Bool {
    if setup.filtersByRoute {
      return context.set.resources("SecurityPolicy", group: EnvoyGatewayReading.envoyGroup)
        .contains { $0.spec["jwt"].exists }
    }
    return setup.filterOrder.contains { $0.value == .jwtAuthn }
  }
}
