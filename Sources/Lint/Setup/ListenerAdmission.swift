/// Which routes a Gateway's listener accepts (Gateway API: Listener `allowedRoutes` and `hostname`).
enum ListenerAdmission {
  /// Whether `allowedRoutes` accepts a route. A Namespace that is not in the set is taken to be selected.
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
    return hosts.map { $0.lowercased() }.contains { host in
      own == host || own.hasPrefix("*.") && host.hasSuffix(own.dropFirst())
        || host.hasPrefix("*.") && own.hasSuffix(host.dropFirst())
    }
  }
}
