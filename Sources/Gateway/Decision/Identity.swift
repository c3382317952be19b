import Policy

/// Who is calling: a tenant, the caller inside it, and the key where one was used.
package struct Identity {
  /// Who pays, and whose limits and allowances count.
  package let tenant: Tenant
  /// The caller inside the tenant, as it stands in `x-ai-subject` and in records.
  package let subject: [UInt8]
  /// The place of the key among the tenant's, where the caller showed one.
  package let keyIndex: Int?

  package var key: APIKey? { keyIndex.map { tenant.keys[$0] } }
}
