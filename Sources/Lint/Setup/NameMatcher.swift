/// A matcher of header names, in any case.
enum NameMatcher: Sendable {
  case exact(String)
  case prefix(String)
  case suffix(String)
  case containing(String)
  case regex(String)

  /// Envoy's StringMatcher; nil for a kind that lint does not know.
  init?(_ matcher: Field) {
    let kinds: [(Field, (String) -> NameMatcher)] = [
      (matcher["exact"], NameMatcher.exact), (matcher["prefix"], NameMatcher.prefix),
      (matcher["suffix"], NameMatcher.suffix), (matcher["contains"], NameMatcher.containing),
      (matcher["safe_regex"]["regex"], NameMatcher.regex),
    ]
    guard let (field, make) = kinds.first(where: { $0.0.exists }), let text = field.text else {
      return nil
    }
    self = make(text)
  }

  func matches(_ name: String) -> Bool {
    switch self {
    case .exact(let text): text.lowercased() == name
    case .prefix(let text): name.hasPrefix(text.lowercased())
    case .suffix(let text): name.hasSuffix(text.lowercased())
    case .containing(let text): name.contains(text.lowercased())
    // An expression that Swift cannot read is taken to match.
    case .regex(let pattern): Pattern.matches(pattern, name) ?? true
    }
  }
}
