/// The limits of one policy, compiled once and outside every lock.
package final class LimitCatalog: Sendable {
  package let timeZone: String
  package let rules: [LimitRule]
  /// Each rule's name without the caller's part.
  let names: [String]
  let indices: [String: Int]

  /// No two rules have the same owner and name: the policy has seen to that.
  package init(rules: [LimitRule], timeZone: String = "UTC") {
    self.rules = rules
    self.timeZone = timeZone
    names = rules.map { CounterName.limit($0.owner, $0.name) }
    indices = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
  }

  /// The limits that one kind of request must pass: indices into `rules`, each once. To be made once
  /// for each tenant, key and model.
  package func set(_ indices: [Int]) -> LimitSet {
    precondition(indices.allSatisfy(rules.indices.contains), "rules of this catalog")
    precondition(Set(indices).count == indices.count, "each limit once")
    return LimitSet(catalog: self, indices: indices)
  }
}

/// The limits that a request must pass.
package struct LimitSet: Sendable {
  let catalog: LimitCatalog
  let indices: [Int]

  package var rules: [LimitRule] { indices.map { catalog.rules[$0] } }
}
