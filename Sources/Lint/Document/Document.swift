/// One document of a file.
struct Document: Equatable, Sendable {
  /// `Place.source`
  let source: String
  /// Whether the user has the lines: false for the output of kustomize.
  let hasLines: Bool
  let root: Node

  /// The documents of a file.
  static func all(_ nodes: [Node], of text: LintInputs.Text) -> [Document] {
    nodes.map { Document(source: text.name, hasLines: true, root: $0) }
  }
}

/// Why a file could not be read as documents.
struct DocumentProblem: Error, Equatable, Sendable {
  /// From 1.
  let line: Int
  let column: Int
  let message: String
}
