/// Finds the known name that is closest to a misspelled one.
enum Suggestion {
  /// `; did you mean X?` for the closest of `known`; empty where none is close.
  static func text(for name: String, among known: some Sequence<String>) -> String {
    guard let nearest = nearest(to: name, among: known) else { return "" }
    return "; did you mean \(quoted(nearest))?"
  }

  /// The name with the smallest edit distance to `name`, ignoring case: at most 3, and at most a third
  /// of the longer name. The first of several.
  static func nearest(to name: String, among known: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(64))
    var best: (name: String, slips: Int)?
    for candidate in known {
      let other = Array(candidate.lowercased().utf8.prefix(64))
      let allowed = min(3, max(1, max(wanted.count, other.count) / 3))
      guard abs(wanted.count - other.count) <= allowed else { continue }
      let slips = slips(wanted, other)
      if slips <= allowed, slips < best?.slips ?? .max { best = (candidate, slips) }
    }
    return best?.name
  }

  /// The edit distance (Damerau-Levenshtein): how many insertions, deletions, replacements and swaps of
  /// neighbours make `a` into `b`.
  private static func slips(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var row = Array(0...b.count)
    for i in 0..<a.count {
      var next = [i + 1]
      for j in 0..<b.count {
        var cost = min(row[j] + (a[i] == b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
        next.append(cost)
      }
      (before, row) = (row, next)
    }
    return row[b.count]
  }
}
