/// A place in a document, whether or not something is there: a way into a tree that keeps the path,
/// so that what is missing can be named too.
package struct Field: Sendable {
  /// The document's source, and the object the path begins in.
  package let source: String
  package let hasLines: Bool
  package let object: String
  package let path: String
  /// nil where nothing is written.
  package let node: Node?
  /// The line of what is written here, or of the nearest thing around it that is.
  package let line: Int

  package init(document: Document, object: String) {
    source = document.source
    hasLines = document.hasLines
    self.object = object
    path = ""
    node = document.root
    line = document.root.line
  }

  private init(_ parent: Field, path: String, node: Node?, line: Int, object: String? = nil) {
    source = parent.source
    hasLines = parent.hasLines
    self.object = object ?? parent.object
    self.path = path
    self.node = node
    self.line = line
  }

  /// The value of a key. Keys with dots are shown in brackets: `data[policy.json5]`.
  package subscript(_ key: String) -> Field {
    let step = key.contains(".") || key.contains("/") ? "[\(key)]" : (path.isEmpty ? "" : ".") + key
    let member = node?.member(key)
    return Field(self, path: path + step, node: member?.value, line: member?.line ?? line)
  }

  package subscript(_ index: Int) -> Field {
    guard case .list(let items)? = node?.kind, items.indices.contains(index) else {
      return Field(self, path: "\(path)[\(index)]", node: nil, line: line)
    }
    return Field(self, path: "\(path)[\(index)]", node: items[index], line: items[index].line)
  }

  /// The items of a list; none where there is no list.
  package var items: [Field] {
    guard case .list(let items)? = node?.kind else { return [] }
    return items.indices.map { self[$0] }
  }

  package var members: [(key: String, value: Field)] {
    guard case .map(let members)? = node?.kind else { return [] }
    return members.map { ($0.key, self[$0.key]) }
  }

  /// The place that `path` (as a field writes its own) leads to from here.
  package func at(_ path: String) -> Field {
    var field = self
    var rest = path[...]
    while let first = rest.first {
      if first == "[", let end = rest.firstIndex(of: "]") {
        let step = String(rest[rest.index(after: rest.startIndex)..<end])
        field = Int(step).map { field[$0] } ?? field[step]
        rest = rest[rest.index(after: end)...]
      } else if first == "." {
        rest = rest.dropFirst()
      } else {
        let step = rest.prefix { $0 != "." && $0 != "[" }
        field = field[String(step)]
        rest = rest.dropFirst(step.count)
      }
    }
    return field
  }

  /// The same place, told as another object's: a route of an Envoy config, a sidecar of a proxy.
  package func named(_ object: String) -> Field {
    Field(self, path: path, node: node, line: line, object: object)
  }

  /// Whether anything but null is written.
  package var exists: Bool {
    guard let node else { return false }
    return node.kind != .null
  }

  /// A scalar's text.
  package var text: String? {
    switch node?.kind {
    case .string(let text, _)?, .number(let text)?, .bool(let text)?: text
    case .null?, .list?, .map?, nil: nil
    }
  }

  /// The texts of a list's scalars.
  package var texts: [String] { items.compactMap(\.text) }

  package var bool: Bool? {
    guard case .bool(let text)? = node?.kind else { return nil }
    return ["true", "yes", "on", "y"].contains(text.lowercased())
  }

  package var integer: Int64? {
    guard let text else { return nil }
    if text.hasPrefix("0x") { return Int64(text.dropFirst(2), radix: 16) }
    return Int64(text.filter { $0 != "_" })
  }

  package var duration: Duration? { text.flatMap(DurationReading.parse) }

  /// A size in bytes: a number, or a Kubernetes quantity.
  package var byteCount: Int64? { text.flatMap(QuantityReading.bytes) }

  package var place: Place {
    Place(source: source, line: hasLines ? line : nil, object: object, field: path)
  }
}
