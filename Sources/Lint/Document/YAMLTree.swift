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
    var results: [Result<[Node], DocumentProblem>] = []
    for file in files {
      if let problem = file.member("problem") {
        guard case .list(let parts) = problem.value.kind, parts.count == 3,
          let line = integer(parts[0]), let column = integer(parts[1]),
          case .string(let message, _) = parts[2].kind
        else { throw unexpected }
        results.append(
          .failure(DocumentProblem(line: line, column: column, message: message)))
        continue
      }
      guard case .list(let documents)? = file.member("documents")?.value.kind else {
        throw unexpected
      }
      var nodes: [Node] = []
      for document in documents { nodes.append(try node(document)) }
      results.append(.success(nodes))
    }
    return results
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
    case ("list", .list(let printedItems)):
      var items: [Node] = []
      for item in printedItems { items.append(try node(item)) }
      return Node(line: line, kind: .list(items))
    case ("map", .list(let printedMembers)):
      var members: [Node.Member] = []
      for member in printedMembers {
        guard case .list(let pair) = member.kind, pair.count == 3, let keyLine = integer(pair[0]),
          case .string(let key, _) = pair[1].kind
        else { throw unexpected }
        members.append(Node.Member(key: key, line: keyLine, value: try node(pair[2])))
      }
      return Node(line: line, kind: .map(members))
    default: throw unexpected
    }
  }
}
