/// One match of a rule: a path, and headers that must all match.
struct RouteMatch: Sendable {
  enum Path: Equatable, Sendable {
    case exact(String)
    case prefix(String)
    case regex(String)
    /// A kind of match that lint does not know: taken to match.
    case other
  }

  enum Value: Equatable, Sendable {
    case exact(String)
    case regex(String)
    /// The header's presence, a prefix, a range: taken to match.
    case other

    /// The value for a regular expression; `.exact` where that matches a single text only.
    init(pattern: String) {
      if let words = Pattern.words(of: pattern), words.count == 1 {
        self = .exact(words[0])
      } else {
        self = .regex(pattern)
      }
    }
  }

  let path: Path
  let headers: [(name: String, value: Value)]
  /// Whether it has other conditions too: a method, query parameters.
  let isNarrower: Bool

  /// The value that it asks for in a header, if that is an exact one.
  func exactHeader(_ name: String) -> String? {
    for header in headers where header.name == name {
      if case .exact(let value) = header.value { return value }
    }
    return nil
  }

  /// Whether it matches on a header by a pattern, a prefix or its presence, so that values match that
  /// the match does not name.
  func leavesOpen(_ name: String) -> Bool {
    guard asksFor(name), exactHeader(name) == nil else { return false }
    return !headers.contains { header in
      if header.name == name, case .regex(let pattern) = header.value {
        return Pattern.words(of: pattern) != nil
      }
      return false
    }
  }

  /// Whether it matches on a header in any way.
  func asksFor(_ name: String) -> Bool { headers.contains { $0.name == name } }

  /// Whether it matches every request of its host.
  var takesAll: Bool { path == .prefix("/") && headers.isEmpty && !isNarrower }

  /// Whether requests with this path match, as far as the path decides.
  func covers(path wanted: String) -> Bool {
    switch path {
    case .exact(let text): text == wanted
    case .prefix("/"), .other: true
    case .prefix(let text): wanted == text || wanted.hasPrefix(text)
    case .regex(let pattern): Pattern.matches(pattern, wanted) ?? true
    }
  }

  /// Whether requests with this value of a header match, as far as that header decides.
  func covers(header name: String, _ wanted: String) -> Bool {
    headers.allSatisfy { header in
      guard header.name == name else { return true }
      switch header.value {
      case .exact(let value): return value == wanted
      case .regex(let pattern): return Pattern.matches(pattern, wanted) ?? true
      case .other: return true
      }
    }
  }
}

extension RouteMatch {
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
      && headers.allSatisfy { header in
        other.headers.contains { $0.name == header.name && $0.value == header.value }
          && header.value != .other
      }
  }
}
