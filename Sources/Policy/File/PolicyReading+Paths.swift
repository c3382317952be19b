extension PolicyReading {
  /// Whether `path` can match a request at all; reports where not.
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

  /// Whether a path is Tollgate's to know without being told: an endpoint, Azure's form, the models.
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
      // Azure's literal {model} is no byte that a request's path may have, but ours.
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
