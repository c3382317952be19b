import Policy
import Terms

/// The names of a policy's tenants, to be searched. Kept while the policy is in force, because
/// sorting many names takes a while.
///
/// On the admin server's thread.
struct TenantDirectory {
  private var policy: PolicySnapshot?
  /// Sorted.
  private var names: [String] = []
  /// The same names in lower case, in the same order.
  private var folded: [String] = []

  /// Takes the tenants of `policy`, where it is another one than before.
  mutating func follow(_ policy: PolicySnapshot?) {
    guard policy !== self.policy else { return }
    self.policy = policy
    names = (policy?.tenants ?? []).map(\.name.string)
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    folded = names.map { $0.lowercased() }
  }

  /// How many names contain the text that is searched for, and those of them that the query asks
  /// for.
  func names(_ query: TenantQuery) -> (total: Int, names: [String]) {
    let search = query.search.lowercased()
    if search.isEmpty {
      return (names.count, Array(names.dropFirst(query.offset).prefix(query.limit)))
    }
    let found = zip(names, folded).filter { $0.1.contains(search) }
    return (found.count, found.dropFirst(query.offset).prefix(query.limit).map(\.0))
  }
}
