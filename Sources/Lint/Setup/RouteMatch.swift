/// One match of a rule: a path, and headers that must all match.
struct RouteMatch: Sendable {
  struct Header: Hashable, Sendable {
    /// In lower case.
    let name: String
    let value: TextMatcher
  }

  let path: TextMatcher
  let headers: [Header]
  /// Whether it has other conditions too: a method, query parameters.
  var isNarrower = false

  /// What a rule without matches takes.
  static let anything = RouteMatch(path: .prefix("/"), headers: [])

  /// The value that it asks for in a header, if that is an exact one.
  func exactHeader(_ name: String) -> String? {
    for header in headers where header.name == name {
      if case .exact(let value) = header.value { return value }
    }
    return nil
  }

  /// Whether it matches on a header, but values match too that it does not name.
  func leavesOpen(_ name: String) -> Bool {
    asksFor(name) && !headers.contains { $0.name == name && $0.value.listsTexts }
  }

  /// Whether it matches on a header in any way.
  func asksFor(_ name: String) -> Bool { headers.contains { $0.name == name } }

  /// Whether it matches every request of its host.
  var takesAll: Bool { path == .prefix("/") && headers.isEmpty && !isNarrower }

  /// Whether requests with this path match, as far as the path decides.
  func covers(path wanted: String) -> Bool { path.matches(wanted) }

  /// Whether requests with this value of a header match, as far as that header decides.
  func covers(header name: String, _ wanted: String) -> Bool {
    headers.allSatisfy { $0.name != name || $0.value.matches(wanted) }
  }

  /// Whether requests that Tollgate sent to a model route match, as far as that and the path decide.
  func takes(modelRoute: String, on path: String? = nil) -> Bool {
    asksFor(HeaderNames.modelRoute) && covers(header: HeaderNames.modelRoute, modelRoute)
      && path.map(covers(path:)) ?? true
  }

  /// Whether every request that matches `other` matches this too. False where that cannot be told.
  func includes(_ other: RouteMatch) -> Bool {
    guard !isNarrower else { return false }
    let isPathIncluded =
      switch (path, other.path) {
      case (.prefix("/"), _): true
      case (.prefix(let wide), .prefix(let narrow)), (.prefix(let wide), .exact(let narrow)):
        narrow.hasPrefix(wide)
      case (.exact(let wide), .exact(let narrow)): wide == narrow
      default: false
      }
    return isPathIncluded
      && headers.allSatisfy { $0.value != .other && other.headers.contains($0) }
  }
}
