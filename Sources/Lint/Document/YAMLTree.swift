/// Reads what the YAML reader (`yaml_trees.py`) prints.
enum YAMLTree {
  /// The nesting of the printed JSON: a map in a map is three arrays deeper.
  private static let printedDepthMax = DocumentLimits.depthMax * 3 + 8

  /// The results, one for each text in order: its documents, or why it cannot be read. Throws where the
  /// output itself is not as expected.
  static func read(
    _ printed: [UInt8]
  ) throws(DocumentProblem) -> [Result<[Node], DocumentProblem>] {
    let root = try Node(json: printed, depthMax: printedDepthMax, nodesMax: .max)
    guard case .list(let files) = root.kind else { throw unexpected }
    return try files.map(result)
  }

  private static func result(
    of file: Node
  ) throws(DocumentProblem) -> Result<[Node], DocumentProblem> {
    if case .list(let documents)? = file.member("documents")?.value.kind {
      return .success(try documents.map(node))
    }
    guard case .list(let parts)? = file.member("problem")?.value.kind, parts.count == 3,
      let line = integer(parts[0]), let column = integer(parts[1]),
      case .string(let message, _) = parts[2].kind
    else { throw unexpected }
    return .failure(DocumentProblem(line: line, column: column, message: message))
  }

  private static var unexpected: DocumentProblem {
    DocumentProblem(line: 1, column: 1, message: "the output of the YAML reader is not as expected")
  }

  private static func integer(_ node: Node) -> Int? {
    guard case .number(let text) = node.kind else { return nil }
    return Int(text)
  }

  /// A node, printed as `[line, kind, content]`.
  private static func node(_ printed: Node) throws(DocumentProblem) -> Node {
    guard case .list(let parts) = printed.kind, parts.count == 3, let line = integer(parts[0]),
      case .string(let kind, _) = parts[1].kind
    else { throw unexpected }
    switch (kind, parts[2].kind) {
    case ("null", _): return Node(line: line, kind: .null)
    case ("bool", .string(let text, _)): return Node(line: line, kind: .bool(text))
    case ("number", .string(let text, _)): return Node(line: line, kind: .number(text))
    case ("text", .string(let text, _)):
      return Node(line: line, kind: .string(text, isLiteral: false))
    case ("literal", .string(let text, _)):
      return Node(line: line, kind: .string(text, isLiteral: true))
    case ("list", .list(let items)): return Node(line: line, kind: .list(try items.map(node)))
    case ("map", .list(let members)): return Node(line: line, kind: .map(try members.map(member)))
    default: throw unexpected
    }
  }

  /// A member of a map, printed as `[line, key, node]`.
  private static func member(_ printed: Node) throws(DocumentProblem) -> Node.Member {
    guard case .list(let parts) = printed.kind, parts.count == 3, let line = integer(parts[0]),
      case .string(let key, _) = parts[1].kind
    else { throw unexpected }
    return Node.Member(key: key, line: line, value: try node(parts[2]))
  }
}
