extension PolicyReading {
  /// Whether a request's path can ever match `path`; reports it where not.
  func checkPath(_ path: String, at place: Place, _ field: FieldPath) -> Bool {
    guard check(path, at: place, field, max: bounds.pathBytesMax, "pathBytesMax") else {
      return false
    }
    let bytes = Array(path.utf8)
    guard bytes[0] == UInt8(ascii: "/") else {
      log.error(place, field, "\(quoted(path)) must begin with /")
      return false
    }
    guard !bytes.contains(UInt8(ascii: "?")), PathRules.pathEnd(bytes.span) == bytes.count else {
      log.error(
        place, field,
        "\(quoted(path)) can never match: no ?, #, ;, \\, //, . or .. segments and no "
          + "percent-encoded letters, digits, dots or slashes in a path")
      return false
    }
    return true
  }

  /// Whether a path is known without the policy: an endpoint, one of Azure's, or the list of models.
  func isKnown(_ path: String) -> Bool {
    Endpoint(policyPath: path) != nil || path == PathTable.modelList
      || path.hasPrefix(PathTable.modelList + "/")
      || path.hasPrefix(AzurePath.prefix)
  }

  /// A list of paths.
  func paths(_ node: Node) -> [PlacedText] {
    let nodes = list(node, max: bounds.pathsMax, "pathsMax")
    if nodes.isEmpty, case .array(let elements) = node.value.kind, elements.isEmpty {
      log.error(node, "must list at least one path")
    }
    return nodes.compactMap { node in
      guard case .string(let text) = node.value.kind else {
        refuseKind(node, "text in quotes")
        return nil
      }
      // Azure's paths have a literal {model}, whose braces `checkPath` would refuse.
      if Endpoint(policyPath: text) != nil { return PlacedText(text: text, node: node) }
      return checkPath(text, at: node.place, node.path) ? PlacedText(text: text, node: node) : nil
    }
  }

  /// A list of model patterns.
  func patterns(_ node: Node) -> [PlacedText] {
    let nodes = list(node, max: bounds.patternsMax, "patternsMax")
    if nodes.isEmpty, case .array(let elements) = node.value.kind, elements.isEmpty {
      log.error(node, "must list at least one model; [\"*\"] is all of them")
    }
    return nodes.compactMap { node in
      text(node, max: bounds.modelNameBytesMax, "modelNameBytesMax").map {
        PlacedText(text: $0, node: node)
      }
    }
  }
}
