/// The tenants that one issuer's claim values lead to, where its entry has `tenants`.
struct ClaimTenants: Sendable {
  /// Tenant indices by claim value.
  private var byValue = ByteTable()

  init(_ tenants: [String: String], indices: [String: Int]) {
    for (value, tenant) in tenants {
      if let index = indices[tenant] { byValue.insert(value, value: index) }
    }
  }

  /// The index of the tenant that the value leads to; nil for none.
  subscript(value: Span<UInt8>) -> Int? { byValue[value] }
}
