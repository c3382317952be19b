/// A place in a document, whether or not a value is written there: a finding can name what is missing.
struct Field: Sendable {
  private let document: Document
  /// What findings call the object in which the path begins: `HTTPRoute tenant-a/chat`.
  let object: String
  /// `spec.rules[0].timeouts`; "" for the object itself.
  let path: String
  /// Nil where nothing is written.
  let node: Node?
  /// The line of the value, or of the nearest map or list around it that is written.
  let line: Int

  var source: String { document.source }
  var hasLines: Bool { document.hasLines }

  private func field(_ path: String, _ node: Node?, line: Int?) -> Field {
    Field(document: document, object: object, path: path, node: node, line: line ?? self.line)
  }

  /// The value of a key. A key with a dot or a slash is in brackets in the path: `data[policy.json5]`.
  /// Envoy reads `static_resources` and `staticResources` alike, so a name with `_` stands for both.
  subscript(_ name: String) -> Field {
    var key = name
    var member = node?.member(key)
    if member == nil, name.utf8.contains(UInt8(ascii: "_")),
      let other = node?.member(Self.camelCase(name))
    {
      (key, member) = (other.key, other)
    }
    let isBracketed = key.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
    let step = isBracketed ? "[\(key)]" : path.isEmpty ? key : ".\(key)"
    return field(path + step, member?.value, line: member?.line)
  }

  /// `staticResources` for `static_resources`.
  private static func camelCase(_ name: String) -> String {
    let words = name.split(separator: "_", omittingEmptySubsequences: false)
    return words[0] + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  subscript(_ index: Int) -> Field {
    var item: Node?
    if case .list(let items)? = node?.kind, items.indices.contains(index) { item = items[index] }
    return field("\(path)[\(index)]", item, line: item?.line)
  }

  /// The items of a list; none where there is no list.
  var items: [Field] {
    guard case .list(let items)? = node?.kind else { return [] }
    return items.indices.map { self[$0] }
  }

  /// The members of a map; none where there is no map.
  var members: [(key: String, value: Field)] {
    guard case .map(let members)? = node?.kind else { return [] }
    return members.map { ($0.key, self[$0.key]) }
  }

  /// The field at a path from here, in the form of `Field.path`.
  func at(_ path: String) -> Field {
    var field = self
    var rest = path[...]
    while let first = rest.first {
      if first == "[" {
        // A key of the user's may have a bracket that nothing closes.
        let step = rest.dropFirst().prefix { $0 != "]" }
        field = Int(step).map { field[$0] } ?? field[String(step)]
        rest = rest.dropFirst(step.count + 2)
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

  /// Every value at a path in which `[]` stands for each item of a list: `rules[].backendRefs[]`.
  func all(_ path: String) -> [Field] {
    guard let each = path.firstRange(of: "[]") else { return [at(path)].filter(\.exists) }
    let rest = String(path[each.upperBound...])
    return at(String(path[..<each.lowerBound])).items.flatMap { $0.all(rest) }
  }

  /// The same field, which findings name as another object's: `Envoy listener ai`.
  func named(_ object: String) -> Field {
    Field(document: document, object: object, path: path, node: node, line: line)
  }

  /// Whether a value other than null is written.
  var exists: Bool {
    guard let node else { return false }
    return node.kind != .null
  }

  /// The text of a string, number or bool; nil for anything else.
  var text: String? {
    switch node?.kind {
    case .string(let text, _)?, .number(let text)?, .bool(let text)?: text
    case .null?, .list?, .map?, nil: nil
    }
  }

  /// Whether it is a literal block, whose lines are lines of the user's file after the one of its `|`.
  var isLiteral: Bool {
    if case .string(_, isLiteral: true)? = node?.kind { return hasLines }
    return false
  }

  var texts: [String] { items.compactMap(\.text) }

  /// Every text in it, with its field: of a scalar itself, else of all that it holds.
  var allTexts: [(field: Field, text: String)] {
    if let text { return [(self, text)] }
    return members.flatMap { $0.value.allTexts } + items.flatMap(\.allTexts)
  }

  var allText: String { allTexts.map(\.text).joined(separator: " ") }

  /// The last word of the type that Envoy's `@type` names: `ExtProcPerRoute`.
  var typeName: Substring? { self["@type"].text?.split(separator: ".").last }

  /// A bool of YAML 1.1, as Kubernetes reads it; also Envoy's `{ value: true }`.
  var bool: Bool? {
    if case .map? = node?.kind { return self["value"].bool }
    guard case .bool(let text)? = node?.kind else { return nil }
    return ["true", "yes", "on", "y"].contains(text.lowercased())
  }

  /// An integer, decimal or `0x…`, also one in quotes.
  var integer: Int64? {
    guard let text else { return nil }
    if text.hasPrefix("0x") { return Int64(text.dropFirst(2), radix: 16) }
    return Int64(text.filter { $0 != "_" })
  }

  var duration: Duration? { text.flatMap(Amount.duration) }

  /// This field, where it is a duration; where it is true; where it is not true.
  var ifDuration: Field? { duration == nil ? nil : self }
  var ifTrue: Field? { bool == true ? self : nil }
  var unlessTrue: Field? { bool == true ? nil : self }

  /// A size in bytes: a number, or a Kubernetes quantity.
  var byteCount: Int64? { text.flatMap(Amount.bytes) }

  var place: Place {
    Place(source: source, line: hasLines ? line : nil, object: object, field: path)
  }
}

extension Field {
  init(document: Document, object: String) {
    let root = document.root
    self.init(document: document, object: object, path: "", node: root, line: root.line)
  }
}
