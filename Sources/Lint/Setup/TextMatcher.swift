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

  /// One of the Gateway API's, by its `type`.
  init(_ type: String, _ text: String) {
    switch type {
    case "Exact": self = .exact(text)
    case "Prefix", "PathPrefix": self = .prefix(text)
    case "Suffix": self = .suffix(text)
    case "RegularExpression": self.init(pattern: text)
    default: self = .other
    }
  }

  /// One of Envoy's: a StringMatcher, a header's matcher with its older fields, or a route's path.
  init(envoy matcher: Field) {
    let own = matcher["string_match"].exists ? matcher["string_match"] : matcher
    let found = Self.envoyKinds.lazy.compactMap { path, make in own.at(path).text.map(make) }.first
    self = matcher["invert_match"].bool == true ? .other : found ?? .other
  }

  private static let envoyKinds: [(path: String, make: @Sendable (String) -> TextMatcher)] = [
    ("exact", { .exact($0) }), ("exact_match", { .exact($0) }), ("path", { .exact($0) }),
    ("prefix", { .prefix($0) }), ("path_separated_prefix", { .prefix($0) }),
    ("suffix", { .suffix($0) }), ("contains", { .containing($0) }),
    ("safe_regex.regex", { TextMatcher(pattern: $0) }),
    ("safe_regex_match.regex", { TextMatcher(pattern: $0) }),
  ]

  /// Those of a kind that lint knows: of a list that removes or sends headers, others count for nothing.
  static func known(_ matchers: [TextMatcher]) -> [TextMatcher] { matchers.filter { $0 != .other } }

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
