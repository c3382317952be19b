/// The principals of a policy and their tenants. Exact ones take one look-up; patterns are found by
/// their literal prefix, with one look-up for each slash of the identity.
struct PrincipalTable: Sendable {
  private var exact = ByteTable()
  private var prefixes = ByteTable()
  private var buckets: [[(pattern: PrincipalPattern, tenant: Int)]] = []

  /// A longer identity matches nothing.
  static let uriBytesMax = PolicyBounds.standard.principalBytesMax

  mutating func insert(_ pattern: PrincipalPattern, tenant: Int) {
    if pattern.isExact {
      exact.insert(pattern.text, value: tenant)
      return
    }
    if let bucket = prefixes[pattern.literalPrefix.span] {
      buckets[bucket].append((pattern, tenant))
    } else {
      prefixes.insert(pattern.literalPrefix, value: buckets.count)
      buckets.append([(pattern, tenant)])
    }
  }

  /// The index of the tenant whose principals match; nil where none or more than one does.
  func tenant(of uri: Span<UInt8>) -> Int? {
    guard uri.count > 0, uri.count <= Self.uriBytesMax else { return nil }
    var found = exact[uri]
    guard prefixes.count > 0 else { return found }
    for at in 0..<uri.count where uri[at] == UInt8(ascii: "/") {
      guard let bucket = prefixes[uri.extracting(0...at)] else { continue }
      for (pattern, tenant) in buckets[bucket] where pattern.matches(uri) {
        if let found, found != tenant { return nil }
        found = tenant
      }
    }
    return found
  }
}
