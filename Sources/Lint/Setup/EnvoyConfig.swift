/// What an Envoy runs with: out of its bootstrap config, out of what it answers at `/config_dump` (also as
/// istioctl and egctl print it), or out of a file of xDS resources.
struct EnvoyConfig: Sendable {
  let root: Field
  let listeners: [Field]
  let clusters: [Field]
  private let clustersByName: [String: Field]
  /// Route configurations that listeners fetch, by name.
  let routes: [String: Field]
  /// The settings of HTTP filters that listeners fetch, by the filter's name.
  let filters: [String: Field]

  /// The configs in a document; none where it is something else. egctl's output has one for each pod.
  static func all(in document: Document) -> [EnvoyConfig] {
    let root = Field(document: document, object: "Envoy")
    return root["kind"].exists ? [] : all(at: root, depth: 0)
  }

  /// The maps around a config: `{ namespace: { pod: … } }`.
  private static let nestingMax = 2

  private static func all(at field: Field, depth: Int) -> [EnvoyConfig] {
    if let config = EnvoyConfig(field) { return [config] }
    return depth < nestingMax ? field.members.flatMap { all(at: $0.value, depth: depth + 1) } : []
  }

  private init?(_ root: Field) {
    let resources = root["resources"].items.filter {
      $0["@type"].text?.contains("envoy.config.") == true
    }
    let dumps = root["configs"].items
    let isDump = dumps.contains { $0["@type"].text?.contains("envoy.admin.") == true }
    guard
      root["static_resources"].exists || root["dynamic_resources"].exists || isDump
        || !resources.isEmpty
    else { return nil }
    self.root = root
    func parts(_ list: String, _ path: String) -> [Field] {
      dumps.flatMap { $0[list].items + [$0] }.map { $0.at(path) }.filter(\.exists)
    }
    func typed(_ type: String) -> [Field] { resources.filter { $0.typeName == Substring(type) } }
    let statics = (dumps.map { $0["bootstrap"] } + [root]).map { $0["static_resources"] }
    func fixed(_ list: String) -> [Field] { statics.flatMap { $0[list].items } }
    let listening =
      parts("static_listeners", "listener") + parts("dynamic_listeners", "active_state.listener")
    let known = parts("static_clusters", "cluster") + parts("dynamic_active_clusters", "cluster")
    listeners = (listening.isEmpty ? fixed("listeners") : listening) + typed("Listener")
    clusters = (known.isEmpty ? fixed("clusters") : known) + typed("Cluster")
    clustersByName = Self.byName(clusters)
    let routing =
      parts("static_route_configs", "route_config")
      + parts("dynamic_route_configs", "route_config") + typed("RouteConfiguration")
    routes = Self.byName(routing)
    filters = Self.byName(parts("ecds_filters", "ecds_filter")).mapValues { $0["typed_config"] }
  }

  private static func byName(_ fields: [Field]) -> [String: Field] {
    Dictionary(fields.map { ($0["name"].text ?? "", $0) }) { first, _ in first }
  }

  /// A cluster by its name; nil where it is not in the config.
  func cluster(_ name: String) -> Field? { clustersByName[name]?.named("Envoy cluster \(name)") }

  /// The addresses of a cluster's endpoints.
  static func addresses(_ cluster: Field) -> [Field] {
    cluster.all("load_assignment.endpoints[].lb_endpoints[].endpoint.address")
  }
}
