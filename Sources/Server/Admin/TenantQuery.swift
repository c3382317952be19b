/// Which tenants a request to `/api/v1/tenants` asks for.
struct TenantQuery {
  /// The most tenants in one answer.
  static let limitMax = 200
  /// The tenants in one answer where the request does not say.
  static let limitDefault = 50
  /// The largest offset: more tenants than any policy can hold.
  static let offsetMax = 100_000_000
  /// The longest text to search for.
  static let searchBytesMax = 400

  /// How many of the tenants that are found are skipped.
  let offset: Int
  /// How many are returned at most.
  let limit: Int
  /// Part of a name, in upper or lower case; empty for all tenants.
  let search: String

  /// Reads it from a request's query.
  init(_ query: AdminQuery) throws(AdminQuery.Problem) {
    offset = try query.number("offset", default: 0, in: 0...Self.offsetMax)
    limit = try query.number("limit", default: Self.limitDefault, in: 1...Self.limitMax)
    search = try query.text("search", bytesMax: Self.searchBytesMax)
  }
}
