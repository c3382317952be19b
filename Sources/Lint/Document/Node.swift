/// A value of a YAML or JSON document, with the line it begins on.
struct Node: Equatable, Sendable {
  enum Kind: Equatable, Sendable {
    case null
    /// The text as it is written: `true`, `yes`, `on`.
    case bool(String)
    /// The text as it is written: `600`, `0x10`, `1.5`.
    case number(String)
    /// `isLiteral`: a block scalar with `|`. Its lines are lines of the file, from the one after the `|`.
    case string(String, isLiteral: Bool)
    case list([Node])
    case map([Member])
  }

  struct Member: Equatable, Sendable {
    let key: String
    let line: Int
    let value: Node
  }

  /// From 1.
  let line: Int
  let kind: Kind

  /// The member with this key; nil where this is not a map, or has no such key.
  func member(_ key: String) -> Member? {
    guard case .map(let members) = kind else { return nil }
    return members.first { $0.key == key }
  }
}
