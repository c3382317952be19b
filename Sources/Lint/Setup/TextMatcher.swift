/// A matcher of texts: of a path, of a header's value or its name.
enum TextMatcher: Hashable, Sendable {
  case exact(String)
  case prefix(String)
  case suffix(String)
  case containing(String)
  case regex(String)
  /// A range, the presence alone, a kind that lint does not know: taken to match.
  case other

  /// A regular expression; `.exact` where that matches a single text only.
  init(pattern: String) {
    if let words = Pattern.words(of: pattern), words.count == 1 {
      self = .exact(words[0])
    } else {
      self = .regex(pattern)
    }
  }

  /// By the name of its kind in the Gateway API or in Envoy.
  init(_ kind: String, _ text: String) {
    switch kind {
    case "Exact", "exact", "exact_match", "path": self = .exact(text)
    case "Prefix", "PathPrefix", "prefix", "path_separated_prefix": self = .prefix(text)
    case "Suffix", "suffix": self = .suffix(text)
    case "contains": self = .containing(text)
    case "RegularExpression", "safe_regex.regex", "safe_regex_match.regex":
      self.init(pattern: text)
    default: self = .other
    }
  }

  /// One of Envoy's: a StringMatcher, a header's matcher with its older fields, or a route's path.
  init(envoy matcher: Field) {
    let own = matcher["string_match"].exists ? matcher["string_match"] : matcher
    let found = Self.envoyKinds.lazy.compactMap { kind in
      own.at(kind).text.map { TextMatcher(kind, $0) }
    }.first
    self = matcher["invert_match"].bool == true ? .other : found ?? .other
  }

  private static let envoyKinds = [
    "exact", "exact_match", "path", "prefix", "path_separated_prefix", "suffix", "contains",
    "safe_regex.regex", "safe_regex_match.regex",
  ]

  /// Those of a kind that lint knows: of a list that removes or sends headers, others count for nothing.
  static func known(_ matchers: [TextMatcher]) -> [TextMatcher] { matchers.filter { $0 != .other } }

  /// Whether it matches certain texts only: one, or the words of an expression.
  var listsTexts: Bool {
    switch self {
    case .exact: true
    case .regex(let pattern): Pattern.words(of: pattern) != nil
    case .prefix, .suffix, .containing, .other: false
    }
  }

  /// `isName`: the text is a header's name in lower case, and the matcher's case does not count.
  func matches(_ text: String, isName: Bool = false) -> Bool {
    func cased(_ own: String) -> String { isName ? own.lowercased() : own }
    return switch self {
    case .exact(let own): text == cased(own)
    case .prefix(let own): text.hasPrefix(cased(own))
    case .suffix(let own): text.hasSuffix(cased(own))
    case .containing(let own): text.contains(cased(own))
    // An expression that Swift cannot read is taken to match.
    case .regex(let pattern): Pattern.matches(pattern, text) ?? true
    case .other: true
    }
  }
}
