/// One command, as a declaration: what the parser accepts and what the help says.
package struct CommandSpecification: Sendable {
  /// An argument that is not a flag, told by its place.
  package struct Positional: Sendable {
    /// As the help shows it: `DIR`.
    package let name: String
    package let isRequired: Bool
    /// Whether it may be given any number of times; only the last positional may.
    package let repeats: Bool

    /// Required and given once, unless stated otherwise.
    package init(_ name: String, isRequired: Bool = true, repeats: Bool = false) {
      self.name = name
      self.isRequired = isRequired
      self.repeats = repeats
    }
  }

  /// As it is typed: `serve`.
  package let name: String
  /// One sentence for the help.
  package let summary: String
  package let positionals: [Positional]
  package let flags: [Flag]

  /// A command without arguments and flags, unless some are given.
  package init(
    _ name: String, _ summary: String, positionals: [Positional] = [], flags: [Flag] = []
  ) {
    self.name = name
    self.summary = summary
    self.positionals = positionals
    self.flags = flags
  }

  /// The usage line of its help: `tollgate serve [flags]`.
  package var usage: String {
    let places = positionals.map { place in
      let name = place.repeats ? place.name + "…" : place.name
      return place.isRequired ? name : "[\(name)]"
    }
    let options = flags.isEmpty ? [] : ["[flags]"]
    return (["tollgate", name] + places + options).joined(separator: " ")
  }

  /// The whole text of `tollgate COMMAND --help`.
  package var help: String {
    var lines = ["\(summary)", "", "usage: \(usage)"]
    let rows = flags.map { flag in
      (left: Self.spelling(of: flag), right: Self.explanation(of: flag))
    }
    guard !rows.isEmpty else { return lines.joined(separator: "\n") }
    let width = rows.map(\.left.count).max() ?? 0
    lines.append("")
    for row in rows {
      let padding = String(repeating: " ", count: width - row.left.count)
      lines.append("  \(row.left)\(padding)  \(row.right)")
    }
    lines.append("")
    lines.append(
      "Every flag has an environment variable (--log-level: TOLLGATE_LOG_LEVEL); the flag wins.")
    return lines.joined(separator: "\n")
  }

  private static func spelling(of flag: Flag) -> String {
    switch flag.kind {
    case .toggle: "--\(flag.name)"
    case .value(let placeholder), .list(let placeholder, _): "--\(flag.name) \(placeholder)"
    }
  }

  private static func explanation(of flag: Flag) -> String {
    var text = flag.help
    if case .list = flag.kind { text += "; may be repeated" }
    if let defaultText = flag.defaultText { text += " (default \(defaultText))" }
    return text
  }
}
