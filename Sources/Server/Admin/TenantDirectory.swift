import Policy
import Terms

/// A policy's tenants by name, to be searched. Kept while the policy is in force.
struct TenantDirectory {
  private var policy: PolicySnapshot?
  /// Sorted.
  private var names: [String] = []
  /// The same in lower case.
  private var folded: [String] = []

  /// Has the tenants of `policy` from now on.
  mutating func follow(_ policy: PolicySnapshot?) {
    guard policy !== self.policy else { return }
    self.policy = policy
    names = (policy?.tenants ?? []).map(\.name.string)
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    folded = names.map { $0.lowercased() }
  }

  /// How many names there are that contain what is searched, and those that are asked for.
  func names(_ query: TenantQuery) -> (total: Int, names: [String]) {
    let search = query.search.lowercased()
    if search.isEmpty {
      return (names.count, Array(names.dropFirst(query.offset).prefix(query.limit)))
    }
    let found = zip(names, folded).filter { $0.1.contains(search) }
    return (found.count, found.dropFirst(query.offset).prefix(query.limit).map(\.0))
  }
}
