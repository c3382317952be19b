/// Regular expressions of manifests, which must match the whole text.
enum Pattern {
  /// Longer expressions are not evaluated.
  static let bytesMax = 1024

  /// The texts that an expression lists: `a`, `^a$`, `(a|b)`. Nil for any other expression.
  static func words(of pattern: String) -> [String]? {
    var rest = pattern[...]
    if rest.first == "^" { rest = rest.dropFirst() }
    if rest.last == "$", !rest.hasSuffix("\\$") { rest = rest.dropLast() }
    for opening in ["(?:", "("] where rest.hasPrefix(opening) && rest.last == ")" {
      rest = rest.dropFirst(opening.count).dropLast()
      break
    }
    var words = [""]
    var isEscaped = false
    for character in rest {
      let isPlain = character.isLetter || character.isNumber || "-_/:@ ".contains(character)
      if isEscaped {
        // `\.` is a dot; `\d` is a class.
        guard !character.isLetter, !character.isNumber else { return nil }
        words[words.count - 1].append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "|" {
        words.append("")
      } else if isPlain {
        words[words.count - 1].append(character)
      } else {
        return nil
      }
    }
    return isEscaped || words.contains("") ? nil : words
  }

  /// Whether an expression matches the whole text; nil where Swift cannot read it.
  static func matches(_ pattern: String, _ text: String) -> Bool? {
    guard pattern.utf8.count <= bytesMax, let regex = try? Regex(pattern) else { return nil }
    do {
      return try regex.wholeMatch(in: text) != nil
    } catch {
      return nil
    }
  }
}
