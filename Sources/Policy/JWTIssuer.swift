/// An entry of `auth.jwt`: where Envoy's dynamic metadata has the verified claims of a JWT issuer's tokens.
package struct JWTIssuer: Sendable, Equatable {
  /// The keys that lead to a claim, from the outside in. Each is taken whole, whatever is in it.
  package struct Claim: Sendable, Equatable, CustomStringConvertible {
    package let keys: [String]

    /// As logs name it.
    package var description: String { keys.joined(separator: " > ") }
  }

  /// The `iss` of its tokens.
  package let issuer: String
  /// `payload_in_metadata` of Envoy's jwt_authn filter: the key of the claims in its namespace.
  package let metadataKey: String
  /// The claim that leads to the tenant.
  package let tenantClaim: Claim
  /// The claim that names the subject.
  package let subjectClaim: Claim
  /// Tenants by the claim's values, and no other value counts; nil where the values are the
  /// tenants' names.
  package let tenants: [String: String]?
}
