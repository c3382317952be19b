/// A value of a YAML or JSON document, with the line it begins on.
package struct Node: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case null
    /// As it was written: `true`, `yes`, `on`.
    case bool(String)
    /// As it was written: `600`, `0x10`, `1.5`.
    case number(String)
    /// `isLiteral`: a block with `|`, whose lines are the file's own, from the next one on.
    case string(String, isLiteral: Bool)
    case list([Node])
    case map([Member])
  }

  /// A key with its value.
  package struct Member: Equatable, Sendable {
    package let key: String
    /// The key's line.
    package let line: Int
    package let value: Node

    package init(key: String, line: Int, value: Node) {
      self.key = key
      self.line = line
      self.value = value
    }
  }

  /// From 1.
  package let line: Int
  package let kind: Kind

  package init(line: Int, kind: Kind) {
    self.line = line
    self.kind = kind
  }

  /// The value of `key`; nil where this is no map, or has no such key.
  package func member(_ key: String) -> Member? {
    guard case .map(let members) = kind else { return nil }
    return members.first { $0.key == key }
  }
}

/// One document of a file.
package struct Document: Equatable, Sendable {
  package let source: String
  /// Whether `source` is a file whose lines the reader has; else it was built.
  package let hasLines: Bool
  package let root: Node

  package init(source: String, hasLines: Bool, root: Node) {
    self.source = source
    self.hasLines = hasLines
    self.root = root
  }
}

/// Why a file could not be read as documents.
package struct DocumentProblem: Error, Equatable, Sendable {
  /// From 1.
  package let line: Int
  package let column: Int
  package let message: String

  package init(line: Int, column: Int, message: String) {
    self.line = line
    self.column = column
    self.message = message
  }
}
