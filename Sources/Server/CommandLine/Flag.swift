/// One flag of a command, as a declaration: what the parser accepts and what the help says.
package struct Flag: Sendable {
  /// How many values it takes.
  package enum Kind: Sendable, Equatable {
    /// Given or not; in the environment `1`, `true`, `yes`, `on` or their opposites.
    case toggle
    /// One value, shown as `PLACEHOLDER`.
    case value(String)
    /// Any number of values; commas separate them too where `splitsAtCommas`.
    case list(String, splitsAtCommas: Bool)
  }

  /// Without its dashes.
  package let name: String
  package let kind: Kind
  /// What the help says of it.
  package let help: String
  /// The default as the help shows it; nil where there is none.
  package let defaultText: String?

  /// A flag `--name`.
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
