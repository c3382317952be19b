/// Which routes a Gateway's listener accepts (Gateway API: Listener `allowedRoutes` and `hostname`).
enum ListenerAdmission {
  /// Whether `allowedRoutes` accepts a route. `namespace` is the route's Namespace; where it is not in the
  /// set its labels are not known, and a selector is taken to select it.
  static func admits(
    _ listener: Field, _ route: Resource, of gateway: Resource, namespace: Resource?
  ) -> Bool {
    let allowed = listener["allowedRoutes"]
    let kinds = allowed["kinds"].items.compactMap { $0["kind"].text }
    if !kinds.isEmpty, !kinds.contains(route.kind) { return false }
    switch allowed["namespaces"]["from"].text ?? "Same" {
    case "Same": return route.namespace == gateway.namespace
    case "None": return false
    case "Selector":
      guard let namespace else { return true }
      var labels = Labels.all(namespace.root.at("metadata.labels"))
      labels["kubernetes.io/metadata.name"] = namespace.name
      return Labels.select(allowed.at("namespaces.selector"), labels)
    default: return true
    }
  }

  /// Whether one of a route's hosts is within the listener's `hostname`.
  static func serves(_ listener: Field, _ hosts: [String]) -> Bool {
    guard let own = listener["hostname"].text?.lowercased() else { return true }
    return hosts.contains { overlap(own, $0.lowercased()) }
  }

  private static func overlap(_ left: String, _ right: String) -> Bool {
    switch (left.hasPrefix("*."), right.hasPrefix("*.")) {
    case (false, false): left == right
    case (true, false): right.hasSuffix(left.dropFirst())
    case (false, true): left.hasSuffix(right.dropFirst())
    case (true, true):
      left.hasSuffix(right.dropFirst()) || right.hasSuffix(left.dropFirst())
    }
  }
}
