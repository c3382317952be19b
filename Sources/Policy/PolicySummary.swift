/// How many tenants, models, keys and limits a policy has.
package struct PolicySummary: Sendable, Equatable, CustomStringConvertible {
  package let tenants: Int
  package let models: Int
  package let keys: Int
  package let limits: Int

  /// `2 tenants, 3 models, 1 key, 6 limits`
  package var description: String {
    [
      counted(tenants, "tenant"), counted(models, "model"), counted(keys, "key"),
      counted(limits, "limit"),
    ].joined(separator: ", ")
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
