/// One operation of an EnvoyPatchPolicy (a JSON patch, RFC 6902, that may begin at a JSONPath), and which
/// part of Envoy's config it changes. The patch is not applied, because the config is not at hand.
struct EnvoyPatch: Sendable {
  enum Part: Equatable, Sendable {
    /// The HTTP filters, or a part of a listener that contains them.
    case filters
    /// Whole routes, their matches, or a filter's settings for a route.
    case routes
    /// Anything else: whether it matters to Tollgate is not known.
    case other
  }

  let field: Field
  /// `remove /default_filter_chain/…`
  let name: String
  /// Nil where it changes nothing.
  let part: Part?

  /// An item of `spec.jsonPatches`.
  init(_ item: Field) {
    field = item
    let operation = item["operation"]
    let action = operation["op"].text ?? ""
    let places = ["jsonPath", "path", "from"].compactMap { operation[$0].text }
    name = ([action] + places).joined(separator: " ")
    let resource = item["type"].text?.split(separator: ".").last ?? ""
    let target = Self.steps(operation["jsonPath"].text) + Self.steps(operation["path"].text)
    let inserts = ["add", "copy"].contains(action)
    // A move also removes the value from its old place.
    let source = action == "move" ? Self.steps(operation["from"].text) : nil
    part =
      switch (action, resource) {
      case ("test", _): nil
      case (_, "Listener"):
        Self.touchesFilters(target, inserts: inserts)
          || source.map { Self.touchesFilters($0, inserts: false) } == true ? .filters : .other
      case (_, "RouteConfiguration"):
        [target, source].compactMap { $0 }.contains(where: Self.touchesRoutes) ? .routes : .other
      default: .other
      }
  }

  /// The names and indices in a JSON pointer or JSONPath. Expressions are not evaluated.
  private static func steps(_ text: String?) -> [Substring] {
    (text ?? "").split { "/.[]$'\"".contains($0) }
  }

  private static func touchesFilters(_ steps: [Substring], inserts: Bool) -> Bool {
    if let list = steps.lastIndex(where: { ["http_filters", "httpFilters"].contains($0) }) {
      // Adding one filter at an index leaves the others as they are. Adding one at the end (`-`) puts it
      // after the router, which must be the last.
      let isOneMore = inserts && steps.count == list + 2 && Int(steps[list + 1]) != nil
      return !isOneMore
    }
    return steps.contains { routeSources.contains($0) } || ends(steps, at: filterHolders)
  }

  private static func touchesRoutes(_ steps: [Substring]) -> Bool {
    steps.contains { routeSettings.contains($0) } || ends(steps, at: ["routes", "virtual_hosts"])
  }

  /// Whether the place is the whole resource, a field with one of these names, or an item of it.
  private static func ends(_ steps: [Substring], at names: Set<Substring>) -> Bool {
    guard let last = steps.last else { return true }
    return names.contains(last)
      || steps.dropLast().last.map(names.contains) == true
        && (Int(last) != nil || last == "-")
  }

  private static let filterHolders: Set<Substring> = [
    "filter_chains", "default_filter_chain", "filters", "typed_config",
  ]
  private static let routeSources: Set<Substring> = ["route_config", "rds", "scoped_routes"]
  private static let routeSettings: Set<Substring> = [
    "typed_per_filter_config", "match", "domains",
  ]
}
