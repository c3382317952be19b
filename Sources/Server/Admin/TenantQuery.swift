/// Which tenants are asked for.
struct TenantQuery {
  /// Tenants of one answer.
  static let limitMax = 200
  static let limitDefault = 50
  /// More tenants than any policy can hold.
  static let offsetMax = 100_000_000
  static let searchBytesMax = 400

  let offset: Int
  let limit: Int
  /// Part of a name; its letters' case does not matter.
  let search: String

  init(_ query: AdminQuery) throws(AdminQuery.Problem) {
    offset = try query.number("offset", default: 0, in: 0...Self.offsetMax)
    limit = try query.number("limit", default: Self.limitDefault, in: 1...Self.limitMax)
    search = try query.text("search", bytesMax: Self.searchBytesMax)
  }
}
