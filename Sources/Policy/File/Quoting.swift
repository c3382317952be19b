/// A piece of the policy for a message: in backticks, on one line, cut after 64 characters.
func quoted(_ text: String) -> String {
  var shown = ""
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == 64 { return "`\(shown)…`" }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    default: shown.unicodeScalars.append(scalar)
    }
  }
  return "`\(shown)`"
}

/// A list for a message: `a`, `b` and `c`, each in backticks. After five, the number of the others.
func quotedList(_ names: [String]) -> String {
  let shown = names.prefix(5).map(quoted)
  if names.count > 5 { return shown.joined(separator: ", ") + " and \(names.count - 5) more" }
  guard shown.count > 1, let last = shown.last else { return shown.first ?? "" }
  return shown.dropLast().joined(separator: ", ") + " and " + last
}
