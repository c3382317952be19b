struct Document: Equatable, Sendable {
  let source: String
  /// Whether the user has the lines: false for the output of kustomize.
  let hasLines: Bool
  let root: Node
}

/// Why a file could not be read as documents.
struct DocumentProblem: Error, Equatable, Sendable {
  /// From 1.
  let line: Int
  let column: Int
  let message: String
}
