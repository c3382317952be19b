/// One flag of a command, as a declaration: what the parser accepts and what the help says.
package struct Flag: Sendable {
  package enum Kind: Sendable, Equatable {
    /// Given or not; in the environment `1`, `true`, `yes`, `on` or their opposites.
    case toggle
    /// One value, shown as `PLACEHOLDER`.
    case value(String)
    /// Any number of values; commas separate them too where `splitsAtCommas`.
    case list(String, splitsAtCommas: Bool)
    /// Of a later version: given, it is refused.
    case unavailable
  }

  /// Without its dashes.
  package let name: String
  package let kind: Kind
  package let help: String
  package let defaultText: String?

  package init(_ name: String, _ kind: Kind, _ help: String, default defaultText: String? = nil) {
    self.name = name
    self.kind = kind
    self.help = help
    self.defaultText = defaultText
  }

  /// `--drain-timeout` is `TOLLGATE_DRAIN_TIMEOUT`.
  package var environmentName: String {
    "TOLLGATE_" + name.uppercased().replacing("-", with: "_")
  }
}

/// One command, as a declaration.
package struct CommandSpecification: Sendable {
  package struct Positional: Sendable {
    package let name: String
    package let isRequired: Bool
    /// Whether any number may follow; the last one only.
    package let repeats: Bool

    package init(_ name: String, isRequired: Bool = true, repeats: Bool = false) {
      self.name = name
      self.isRequired = isRequired
      self.repeats = repeats
    }
  }

  package let name: String
  package let summary: String
  package let positionals: [Positional]
  package let flags: [Flag]
  /// Whether the command is of a later version.
  package let isUnavailable: Bool

  package init(
    _ name: String, _ summary: String, positionals: [Positional] = [], flags: [Flag] = [],
    isUnavailable: Bool = false
  ) {
    self.name = name
    self.summary = summary
    self.positionals = positionals
    self.flags = flags
    self.isUnavailable = isUnavailable
  }

  /// The first line of its help.
  package var usage: String {
    let places = positionals.map { place in
      let name = place.repeats ? place.name + "…" : place.name
      return place.isRequired ? name : "[\(name)]"
    }
    let options = flags.contains { $0.kind != .unavailable } ? ["[flags]"] : []
    return (["tollgate", name] + places + options).joined(separator: " ")
  }

  /// The whole text of `tollgate COMMAND --help`.
  package var help: String {
    var lines = ["\(summary)", "", "usage: \(usage)"]
    let rows = flags.filter { $0.kind != .unavailable }.map { flag in
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
    case .toggle, .unavailable: "--\(flag.name)"
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
