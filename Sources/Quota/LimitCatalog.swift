/// All limits of one policy. Made once for each policy, outside of every lock.
package final class LimitCatalog: Sendable {
  /// The IANA name of the time zone of calendar windows.
  package let timeZone: String
  /// Every limit. Other types name a limit by its index here.
  package let rules: [LimitRule]
  /// The name of each rule, as `CounterName.limit` writes it.
  let names: [String]
  /// The index of each name.
  let indices: [String: Int]

  /// No two rules may have the same owner and name; the policy loader checks that.
  package init(rules: [LimitRule], timeZone: String = "UTC") {
    self.rules = rules
    self.timeZone = timeZone
    names = rules.map { CounterName.limit($0.owner, $0.name) }
    indices = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
  }

  /// The limits that one kind of request must pass: indices into `rules`, each once. Make a set
  /// once for each tenant, key and model, not for each request.
  package func set(_ indices: [Int]) -> LimitSet {
    precondition(indices.allSatisfy(rules.indices.contains), "rules of this catalog")
    precondition(Set(indices).count == indices.count, "each limit once")
    return LimitSet(catalog: self, indices: indices)
  }
}

/// The limits that a request must pass, as indices into a catalog.
package struct LimitSet: Sendable {
  let catalog: LimitCatalog
  package let indices: [Int]

  /// The limits themselves.
  var rules: [LimitRule] { indices.map { catalog.rules[$0] } }
}
