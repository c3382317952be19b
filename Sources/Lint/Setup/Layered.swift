/// The settings of an HTTP filter on one route, the most specific first, and at last the filter's own.
struct Layered: Sendable {
  let layers: [Field]

  /// The filter's own settings.
  var own: Field { layers[layers.count - 1] }

  /// The setting of the first layer that has it; the filter's own where none has.
  subscript(_ path: String) -> Field {
    layers.lazy.map { $0.at(path) }.first(where: \.exists) ?? own.at(path)
  }
}

/// What becomes of an HTTP filter on one route.
enum FilterEffect: Sendable {
  /// It does nothing there: the setting that says so.
  case off(Field)
  case runs(Layered)

  /// - Parameters:
  ///   - filter: the item of `http_filters`.
  ///   - settings: its own settings.
  ///   - scopes: the route and what is around it, the most specific first.
  init(of filter: Field, _ settings: Field, on scopes: [Field]) {
    let layers = scopes.map { $0["typed_per_filter_config"][filter["name"].text ?? ""] }
      .filter(\.exists)
    // A filter that is disabled is enabled by settings for a route, unless they say `disabled` too.
    let wrapped = layers.first.map(Self.isWrapped) ?? false
    let isOff = wrapped ? layers[0]["disabled"] : filter["disabled"]
    let configs = layers.map(Self.unwrapped).filter(\.exists)
    if isOff.bool == true, wrapped || layers.isEmpty {
      self = .off(isOff)
    } else if let off = configs.first?["disabled"], off.bool == true {
      self = .off(off)
    } else {
      let overrides = configs.flatMap { [$0["overrides"], $0["check_settings"]] }
      self = .runs(Layered(layers: overrides.filter(\.exists) + [settings]))
    }
  }

  /// The settings in an item of `typed_per_filter_config`, which a FilterConfig may be around.
  static func unwrapped(_ layer: Field) -> Field { isWrapped(layer) ? layer["config"] : layer }

  private static func isWrapped(_ layer: Field) -> Bool { layer.typeName == "FilterConfig" }
}
