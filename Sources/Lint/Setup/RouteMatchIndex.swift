/// Finds, among many matches, one that takes all requests of another. A match is looked for only where one
/// that includes it can be: under the beginnings of its path, and there under one of its headers.
struct RouteMatchIndex {
  private struct Key: Hashable {
    let path: TextMatcher
    /// Nil for matches without headers.
    let header: RouteMatch.Header?
  }

  /// How often each header is asked for: a match is filed under its rarest.
  private var uses: [RouteMatch.Header: Int] = [:]
  private var entries: [Key: [(position: Int, match: RouteMatch)]] = [:]
  /// The lengths of the prefixes that are filed.
  private var prefixLengths: Set<Int> = []
  /// How many pairs of matches were compared.
  private(set) var comparisons = 0

  /// - Parameter matches: all that will be added.
  init(for matches: [RouteMatch]) {
    for header in matches.flatMap(\.headers) { uses[header, default: 0] += 1 }
  }

  mutating func add(_ match: RouteMatch, at position: Int) {
    let rarest = match.headers.min { uses[$0, default: 0] < uses[$1, default: 0] }
    if case .prefix(let text) = match.path { prefixLengths.insert(text.count) }
    entries[Key(path: match.path, header: rarest), default: []].append((position, match))
  }

  /// The first position whose match includes this one; nil where none does.
  mutating func first(including match: RouteMatch) -> Int? {
    var paths: [TextMatcher] = [.prefix("/")]
    switch match.path {
    case .exact(let text), .prefix(let text):
      paths += prefixLengths.filter { $0 <= text.count }.map { .prefix(String(text.prefix($0))) }
      paths.append(match.path)
    case .suffix, .containing, .regex, .other: break
    }
    var first: Int?
    for path in Set(paths) {
      for header in [nil] + match.headers.map(Optional.some) {
        // Filed in the order of their positions: none after the first that is known needs a look.
        for entry in entries[Key(path: path, header: header)] ?? [] {
          if let first, entry.position >= first { break }
          comparisons += 1
          if entry.match.includes(match) { first = entry.position }
        }
      }
    }
    return first
  }
}
