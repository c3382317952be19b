import Bytes

/// An entry of `plans`: what tenants that have the plan have in common. Their own entries come on top.
package struct Plan: Sendable {
  package let name: String
  /// The plan's limits. A tenant's own limit of the same name replaces one of them for that tenant.
  package let limits: [Limit]
  /// A digest of its `allow`, to tell whether it has changed.
  let accessDigest: SHA256Digest

  func isSame(as other: Plan) -> Bool {
    limits == other.limits && accessDigest == other.accessDigest
  }
}

/// An entry of `groups`: tenants that have limits together.
package struct TenantGroup: Sendable, Equatable {
  package let name: String
  /// The names of its tenants, in the policy's order.
  package let tenants: [String]
  /// What all of its tenants spend together.
  package let limits: [Limit]
}
