/// Reads a JSON5 text (spec.json5.org, version 1.0.0) into values that know their places, and goes on
/// after a fault where it can, so that one run shows many. The text must be UTF-8.
struct JSON5Reader {
  let bytes: [UInt8]
  let bounds: PolicyBounds
  var at = 0
  private(set) var faults: [JSON5Fault] = []
  /// What closes each object and list that is open, the innermost last.
  private var closers: [UInt8] = []

  private init(_ bytes: [UInt8], bounds: PolicyBounds) {
    self.bytes = bytes
    self.bounds = bounds
  }

  /// The document's value, nil where there is none; and what is wrong, in the order of the text.
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
      fault(at, "the file is empty; a policy is an object: { version: 1, … }")
      return nil
    }
    let value = value()
    skipBlank()
    if at < bytes.count, !isExhausted {
      fault(at, "nothing may follow the policy's object; remove what is from here on")
    }
    return value
  }

  /// Too many faults, or too deep: what follows is not looked at.
  var isExhausted: Bool { faults.count >= bounds.syntaxFaultsMax }

  mutating func fault(
    _ offset: Int, _ message: String, elsewhere: Int? = nil, breaksStructure: Bool = true
  ) {
    guard !isExhausted else { return }
    faults.append(
      JSON5Fault(
        offset: offset, message: message, elsewhere: elsewhere, breaksStructure: breaksStructure))
    if isExhausted { at = bytes.count }
  }

  /// The byte at the reader's place; nil at the end.
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

  /// `true`, `false`, `null`, `Infinity`, `NaN`; or a fault, after which the item is skipped.
  private mutating func word() -> JSON5Value.Kind {
    let start = at
    switch identifier(mayEscape: false) {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    case "Infinity", "NaN": return .notFinite
    case .some: fault(start, "a word that is no value: text is written in quotes")
    case nil: fault(start, expected("a value"))
    }
    skipItem()
    return .invalid
  }

  /// The members of an object, up to and with its brace.
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

  /// The elements of a list, up to and with its bracket.
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

  /// What follows an item: a comma, or the end of the object or list, which it then steps over.
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
        at, expected("a , or a \(wanted)") + "; what it would close is opened at",
        elsewhere: opening)
      // Where it closes what is around, the inner closer was forgotten; else it stands for it.
      if !closers.dropLast().contains(where: { $0 == next }) { at += 1 }
      return true
    case nil:
      return false
    default:
      fault(at, expected("a comma"))
      // Most likely just the comma is missing: what follows is read as the next item.
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

  /// Goes on to the comma or closing bracket that ends the item at hand, over nested ones.
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

  /// "expected …, found …". Only a single ASCII sign is ever quoted from the file.
  private func expected(_ what: String) -> String {
    guard let byte = next else { return "expected \(what), found the end of the file" }
    guard (0x21...0x7e).contains(byte) else { return "expected \(what)" }
    return "expected \(what), found \(Character(Unicode.Scalar(byte)))"
  }
}
