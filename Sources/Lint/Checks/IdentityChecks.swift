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
  ]

  private static func verifiesJWT(_ setup: GatewaySetup, _ context: LintContext) -> Bool {
    if setup.filtersByRoute {
      return context.set.resources("SecurityPolicy", group: EnvoyGatewayReading.envoyGroup)
        .contains { $0.spec["jwt"].exists }
    }
    return setup.filterOrder.contains { $0.value == .jwtAuthn }
  }
}
