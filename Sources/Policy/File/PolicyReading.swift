/// Reads typed values from the policy's nodes, and reports what is wrong with each. A function returns
/// nil for a value that is invalid, which it has then reported, or that is absent.
final class PolicyReading {
  let log: ProblemLog
  let bounds: PolicyBounds
  let nowSeconds: Int64

  init(log: ProblemLog, bounds: PolicyBounds, nowSeconds: Int64) {
    self.log = log
    self.bounds = bounds
    self.nowSeconds = nowSeconds
  }

  /// Reports that a value has the wrong type, unless it has a syntax error, which was reported already.
  func refuseKind(_ node: Node, _ wanted: String) {
    if case .invalid = node.value.kind { return }
    log.error(node, "must be \(wanted), not \(node.value.noun)")
  }

  /// The members of an object. A key that is not in `known` is an error.
  func fields(_ node: Node, known: [String]) -> Fields? {
    guard case .object(let members) = node.value.kind else {
      refuseKind(node, "an object { … }")
      return nil
    }
    for member in members where !known.contains(member.key) {
      var suggestion = Suggestion.text(for: member.key, among: known)
      if suggestion.isEmpty {
        suggestion = "; known here: \(known.map { "`\($0)`" }.joined(separator: ", "))"
      }
      log.error(
        Place(source: node.source, offset: member.keyOffset), node.path,
        "unknown field \(quoted(member.key))\(suggestion)")
    }
    return Fields(node: node, members: members)
  }

  /// The members of an object whose keys are names.
  func named(_ node: Node) -> [NamedNode] {
    guard case .object(let members) = node.value.kind else {
      refuseKind(node, "an object of names { name: … }")
      return []
    }
    return members.map { member in
      NamedNode(
        name: member.key, keyPlace: Place(source: node.source, offset: member.keyOffset),
        node: node.child(member))
    }
  }

  /// The elements of a list, at most `max`; `bound` is the name of that limit. None where there is no
  /// node.
  func list(_ node: Node?, max: Int, _ bound: String) -> [Node] {
    guard let node else { return [] }
    guard case .array(let elements) = node.value.kind else {
      refuseKind(node, "a list [ … ]")
      return []
    }
    guard elements.count <= max else {
      log.error(node, "has \(elements.count) elements; at most \(max) are allowed (\(bound))")
      return []
    }
    return elements.enumerated().map { node.child($0.offset, $0.element) }
  }

  /// A bool, or `fallback` where there is no node or it is invalid.
  func flag(_ node: Node?, default fallback: Bool) -> Bool {
    guard let node else { return fallback }
    guard case .bool(let flag) = node.value.kind else {
      refuseKind(node, "true or false")
      return fallback
    }
    return flag
  }

  /// A whole number within `range`.
  func integer(_ node: Node, in range: ClosedRange<Int64>) -> Int64? {
    guard case .number(let number) = node.value.kind else {
      refuseKind(node, "a whole number")
      return nil
    }
    do throws(ExactDecimal.Misfit) {
      let value = try number.integer()
      if range.contains(value) { return value }
      log.error(node, "must be from \(range.lowerBound) to \(range.upperBound)")
    } catch .tooPrecise {
      log.error(node, "must be a whole number")
    } catch {
      log.error(node, "must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return nil
  }

  func integer(_ node: Node, in range: ClosedRange<Int>) -> Int? {
    integer(node, in: Int64(range.lowerBound)...Int64(range.upperBound)).map { Int($0) }
  }

  /// A text of 1 to `max` bytes of printable ASCII, because it may go into headers, metrics and the
  /// ledger.
  func text(_ node: Node, max: Int, _ bound: String) -> String? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "text in quotes")
      return nil
    }
    return check(text, at: node.place, node.path, max: max, bound) ? text : nil
  }

  /// The value for one of a few words.
  func choice<Value>(_ node: Node, _ words: [(String, Value)]) -> Value? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "text in quotes")
      return nil
    }
    if let found = words.first(where: { $0.0 == text }) { return found.1 }
    let all = words.map { "\"\($0.0)\"" }
    log.error(
      node,
      "must be \(all.dropLast().joined(separator: ", ")) or \(all[all.count - 1])"
        + Suggestion.text(for: text, among: words.map(\.0)))
    return nil
  }

  /// Whether `text` is 1 to `max` bytes of printable ASCII; reports it where not.
  func check(
    _ text: String, at place: Place, _ path: FieldPath, max: Int, _ bound: String
  ) -> Bool {
    let bytes = text.utf8
    if bytes.isEmpty {
      log.error(place, path, "must not be empty")
    } else if bytes.count > max {
      log.error(place, path, "is \(bytes.count) bytes long; at most \(max) are allowed (\(bound))")
    } else if !bytes.allSatisfy({ (0x20...0x7e).contains($0) }) {
      log.error(place, path, "may only have printable ASCII characters")
    } else if bytes.first == 0x20 || bytes.last == 0x20 {
      log.error(place, path, "must not begin or end with a space")
    } else {
      return true
    }
    return false
  }

  /// Whether `name` is a valid name: letters, digits and `. _ : / @ + -`, with a letter or digit first;
  /// reports it where not.
  func checkName(_ name: String, at place: Place, _ path: FieldPath) -> Bool {
    guard check(name, at: place, path, max: bounds.nameBytesMax, "nameBytesMax") else {
      return false
    }
    let isGood = name.utf8.enumerated().allSatisfy { index, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "/"),
        UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        index > 0
      default: false
      }
    }
    if !isGood {
      log.error(
        place, path,
        "\(quoted(name)) is no name: letters, digits and . _ : / @ + -, beginning with a letter or digit"
      )
    }
    return isGood
  }

  /// A name given as a value.
  func name(_ node: Node) -> String? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "text in quotes")
      return nil
    }
    return checkName(text, at: node.place, node.path) ? text : nil
  }

  /// Whether `name` is a valid model name: printable ASCII without space, `*`, `"` and `\`; reports it
  /// where not.
  func checkModelName(_ name: String, at place: Place, _ path: FieldPath) -> Bool {
    guard check(name, at: place, path, max: bounds.modelNameBytesMax, "modelNameBytesMax") else {
      return false
    }
    guard !name.utf8.contains(where: Self.notInModelNames.contains) else {
      log.error(
        place, path, "\(quoted(name)) is no model name: no spaces, *, \" or \\ in it")
      return false
    }
    return true
  }

  private static let notInModelNames: Set<UInt8> = [
    0x20, UInt8(ascii: "*"), UInt8(ascii: "\""), UInt8(ascii: "\\"),
  ]

  /// Whether a model can have that name.
  static func isModelName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= PolicyBounds.standard.modelNameBytesMax
      && name.utf8.allSatisfy { (0x21...0x7e).contains($0) && !notInModelNames.contains($0) }
  }

  /// A model's name given as a value.
  func modelName(_ node: Node) -> String? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "text in quotes")
      return nil
    }
    return checkModelName(text, at: node.place, node.path) ? text : nil
  }

  /// Reports texts that are given twice; `noun` says what they are.
  func refuseRepeats(_ texts: [PlacedText], _ noun: String) {
    var first: [String: Node] = [:]
    for text in texts {
      if let earlier = first[text.text] {
        log.error(
          text.node,
          "\(noun) \(quoted(text.text)) is given twice; the first is at \(log.text(of: earlier.place))"
        )
      } else {
        first[text.text] = text.node
      }
    }
  }

  /// Reports that a required field is missing.
  func missing(_ node: Node, _ field: String, _ example: String) {
    log.error(node, "`\(field)` is missing; add \(example)")
  }
}
