/// Reads what the YAML reader (`yaml_trees.py`) prints.
enum YAMLTree {
  /// The nesting of the printed JSON: a map in a map is three arrays deeper.
  private static let printedDepthMax = DocumentLimits.depthMax * 3 + 8

  /// Each text's documents, or why it cannot be read. Throws where something else was printed.
  static func read(
    _ printed: [UInt8]
  ) throws(DocumentProblem) -> [Result<[Node], DocumentProblem>] {
    let root = try Node(json: printed, depthMax: printedDepthMax, nodesMax: .max)
    guard case .list(let files) = root.kind else { throw unexpected }
    return try files.map { file throws(DocumentProblem) in
      if case .list(let documents)? = file.member("documents")?.value.kind {
        return .success(try documents.map(node))
      }
      guard let problem = file.member("problem")?.value else { throw unexpected }
      let (line, column, message) = try parts(problem)
      guard case .number(let text) = column, let column = Int(text),
        case .string(let message, _) = message.kind
      else { throw unexpected }
      return .failure(DocumentProblem(line: line, column: column, message: message))
    }
  }

  private static let unexpected = DocumentProblem(line: 1, column: 1, message: "something else")

  /// What is printed as a list of three, of which the first is a line.
  private static func parts(_ printed: Node) throws(DocumentProblem) -> (Int, Node.Kind, Node) {
    guard case .list(let parts) = printed.kind, parts.count == 3,
      case .number(let text) = parts[0].kind, let line = Int(text)
    else { throw unexpected }
    return (line, parts[1].kind, parts[2])
  }

  /// A node, printed as `[line, kind, content]`.
  private static func node(_ printed: Node) throws(DocumentProblem) -> Node {
    let (line, kind, content) = try parts(printed)
    guard case .string(let kind, _) = kind else { throw unexpected }
    let value: Node.Kind
    switch (kind, content.kind) {
    case ("null", _): value = .null
    case ("bool", .string(let text, _)): value = .bool(text)
    case ("number", .string(let text, _)): value = .number(text)
    case ("text", .string(let text, _)): value = .string(text, isLiteral: false)
    case ("literal", .string(let text, _)): value = .string(text, isLiteral: true)
    case ("list", .list(let items)): value = .list(try items.map(node))
    case ("map", .list(let members)):
      // A member is printed as `[line, key, node]`.
      value = .map(
        try members.map { member throws(DocumentProblem) in
          let (line, key, value) = try parts(member)
          guard case .string(let key, _) = key else { throw unexpected }
          return Node.Member(key: key, line: line, value: try node(value))
        })
    default: throw unexpected
    }
    return Node(line: line, kind: value)
  }
}
