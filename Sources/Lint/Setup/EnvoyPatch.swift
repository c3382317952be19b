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
    let target = Self.place(operation["jsonPath"].text) + Self.place(operation["path"].text)
    // A move also removes the value from its old place.
    let source = action == "move" ? [Self.place(operation["from"].text)] : []
    let inserts = ["add", "copy"].contains(action)
    part =
      switch (action, resource) {
      case ("test", _): nil
      case (_, "Listener"):
        Self.touchesFilters(target, inserts: inserts)
          || source.contains { Self.touchesFilters($0, inserts: false) } ? .filters : .other
      case (_, "RouteConfiguration"):
        ([target] + source).contains(where: Self.touchesRoutes) ? .routes : .other
      default: .other
      }
  }

  /// The names and indices in a JSON pointer or JSONPath, each after a `/`. Expressions are not evaluated.
  private static func place(_ text: String?) -> String {
    (text ?? "").split { "/.[]$'\"".contains($0) }.map { "/\($0)" }.joined()
  }

  private static func touchesFilters(_ place: String, inserts: Bool) -> Bool {
    if place.contains(/\/(http_filters|httpFilters)(\/|$)/) {
      // One at an index leaves the others as they are; one at the end (`-`) comes after the router.
      return !(inserts && place.contains(/\/(http_filters|httpFilters)\/\d+$/))
    }
    return place.contains(/\/(route_config|rds|scoped_routes)(\/|$)/)
      // The whole listener, or what the filters are in.
      || place.contains(
        /(^|\/(filter_chains|default_filter_chain|filters|typed_config)(\/\d+|\/-)?)$/)
  }

  private static func touchesRoutes(_ place: String) -> Bool {
    place.contains(/\/(typed_per_filter_config|match|domains)(\/|$)/)
      || place.contains(/(^|\/(routes|virtual_hosts)(\/\d+|\/-)?)$/)
  }
}
