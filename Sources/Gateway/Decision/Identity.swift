import Policy
import Terms

/// Who is calling: a tenant, the caller inside it, and the key where one was used.
package struct Identity {
  package let tenant: Tenant
  package let subject: [UInt8]
  /// The place of the key among the tenant's, where the caller showed one.
  package let keyIndex: Int?

  package var key: APIKey? { keyIndex.map { tenant.keys[$0] } }
}
