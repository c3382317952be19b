/// Reads a JSON5 text (spec.json5.org, version 1.0.0) into values with their offsets. After a fault it
/// goes on where it can, so that one run reports many. The text must be UTF-8.
struct JSON5Reader {
  let bytes: [UInt8]
  let bounds: PolicyBounds
  /// The offset of the next byte to read.
  var at = 0
  private(set) var faults: [JSON5Fault] = []
  /// The closing bracket of each open object and list, the innermost last.
  private var closers: [UInt8] = []

  private init(_ bytes: [UInt8], bounds: PolicyBounds) {
    self.bytes = bytes
    self.bounds = bounds
  }

  /// Reads a document: its value, nil where there is none, and the faults in the order of their offsets.
  static func read(
    _ bytes: [UInt8], bounds: PolicyBounds = .standard
  ) -> (value: JSON5Value?, faults: [JSON5Fault]) {
    var reader = JSON5Reader(bytes, bounds: bounds)
    let value = reader.document()
    return (value, reader.faults.sorted { $0.offset < $1.offset })
  }

  private mutating func document() -> JSON5Value? {
    skipBlank()
    guard at < bytes.count else {
      fault(at, "the file is empty; it must hold an object: { … }")
      return nil
    }
    let value = value()
    skipBlank()
    if at < bytes.count, !isExhausted {
      fault(at, "nothing may follow the object; remove what is from here on")
    }
    return value
  }

  /// Whether there are too many faults: then the rest is not read.
  var isExhausted: Bool { faults.count >= bounds.syntaxFaultsMax }

  /// Adds a fault. `elsewhere` is the offset of a second place, which the message ends with;
  /// `breaksStructure` is false where the rest can still be read reliably.
  mutating func fault(
    _ offset: Int, _ message: String, elsewhere: Int? = nil, breaksStructure: Bool = true
  ) {
    guard !isExhausted else { return }
    faults.append(
      JSON5Fault(
        offset: offset, message: message, elsewhere: elsewhere, breaksStructure: breaksStructure))
    if isExhausted { at = bytes.count }
  }

  /// The next byte; nil at the end.
  var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func value() -> JSON5Value {
    let start = at
    let kind: JSON5Value.Kind
    switch next ?? 0 {
    case UInt8(ascii: "{"): kind = nested { reader in .object(reader.members()) }
    case UInt8(ascii: "["): kind = nested { reader in .array(reader.elements()) }
    case UInt8(ascii: "\""), UInt8(ascii: "'"): kind = string().map { .string($0) } ?? .invalid
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "."):
      kind = number()
    default: kind = word()
    }
    return JSON5Value(kind: kind, offset: start)
  }

  private mutating func nested(
    _ read: (inout JSON5Reader) -> JSON5Value.Kind
  ) -> JSON5Value.Kind {
    guard closers.count < bounds.depthMax else {
      fault(at, "nested more than \(bounds.depthMax) deep (depthMax)")
      skipItem()
      return .invalid
    }
    closers.append(next == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    defer { closers.removeLast() }
    return read(&self)
  }

  /// Reads `true`, `false`, `null`, `Infinity` or `NaN`. Anything else is a fault, and the item is
  /// skipped.
  private mutating func word() -> JSON5Value.Kind {
    let start = at
    switch identifier(mayEscape: false) {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    case "Infinity", "NaN": return .notFinite
    case .some: fault(start, "this word is not a value; write text in quotes")
    case nil: fault(start, expected("a value"))
    }
    skipItem()
    return .invalid
  }

  /// Reads the members of an object, and its closing brace.
  private mutating func members() -> [JSON5Member] {
    let opening = at
    var members: [JSON5Member] = []
    var places: [String: Int] = [:]
    at += 1
    while true {
      skipBlank()
      guard let byte = next else {
        fault(opening, "this { is never closed; add a }")
        return members
      }
      if byte == UInt8(ascii: "}") {
        at += 1
        return members
      }
      if let member = member() {
        if let first = places[member.key] {
          fault(
            member.keyOffset, "the key \(quoted(member.key)) is given twice; the first is at",
            elsewhere: first, breaksStructure: false)
        } else {
          places[member.key] = member.keyOffset
          members.append(member)
        }
      }
      if closes(with: UInt8(ascii: "}"), opening: opening) { return members }
    }
  }

  private mutating func member() -> JSON5Member? {
    let start = at
    let key: String?
    if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
      key = string()
    } else {
      key = identifier(mayEscape: true)
      if key == nil { fault(start, expected("a key or }")) }
    }
    guard let key else {
      skipItem()
      return nil
    }
    skipBlank()
    guard next == UInt8(ascii: ":") else {
      fault(at, expected("a : after the key"))
      skipItem()
      return nil
    }
    at += 1
    skipBlank()
    return JSON5Member(key: key, keyOffset: start, value: value())
  }

  /// Reads the elements of a list, and its closing bracket.
  private mutating func elements() -> [JSON5Value] {
    let opening = at
    var elements: [JSON5Value] = []
    at += 1
    while true {
      skipBlank()
      guard let byte = next else {
        fault(opening, "this [ is never closed; add a ]")
        return elements
      }
      if byte == UInt8(ascii: "]") {
        at += 1
        return elements
      }
      elements.append(value())
      if closes(with: UInt8(ascii: "]"), opening: opening) { return elements }
    }
  }

  /// Reads what follows an item: a comma (false), or the end of the object or list (true).
  private mutating func closes(with closer: UInt8, opening: Int) -> Bool {
    skipBlank()
    switch next {
    case UInt8(ascii: ","):
      at += 1
      return false
    case closer:
      at += 1
      return true
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      let wanted = Character(Unicode.Scalar(closer))
      fault(
        at, expected("a , or a \(wanted)") + "; the unclosed bracket is at",
        elsewhere: opening)
      // If it closes an outer object or list, the inner bracket is missing, and this one is left for the
      // outer. Otherwise it is taken for a mistyped inner one.
      if !closers.dropLast().contains(where: { $0 == next }) { at += 1 }
      return true
    case nil:
      return false
    default:
      fault(at, expected("a comma"))
      // Most likely only the comma is missing, so what follows is read as the next item.
      if !startsItem { skipItem() }
      if next == UInt8(ascii: ",") { at += 1 }
      return false
    }
  }

  private var startsItem: Bool {
    switch next ?? 0 {
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "{"), UInt8(ascii: "["),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "_"), UInt8(ascii: "$"):
      true
    default: false
    }
  }

  /// Skips to the comma or closing bracket that ends this item, over nested ones.
  private mutating func skipItem() {
    var open = 0
    while let byte = next {
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if open == 0 { return }
        open -= 1
      case UInt8(ascii: ",") where open == 0: return
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        skipQuoted(byte)
        continue
      case UInt8(ascii: "/"):
        let before = at
        skipBlank()
        if at != before { continue }
      default: break
      }
      at += 1
    }
  }

  private mutating func skipQuoted(_ quote: UInt8) {
    at += 1
    while let byte = next, byte != quote, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
      at += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    at = min(at + 1, bytes.count)
  }

  /// "expected …, found …". Never more than one ASCII character of the file is quoted.
  private func expected(_ what: String) -> String {
    guard let byte = next else { return "expected \(what), found the end of the file" }
    guard (0x21...0x7e).contains(byte) else { return "expected \(what)" }
    return "expected \(what), found \(Character(Unicode.Scalar(byte)))"
  }
}
