/// Reads one JSON text (RFC 8259) piece by piece, strictly; the caller builds from the pieces what it
/// needs.
///
/// `next` reads a value. Of an object or array it reads only the opening: then come `nextName` and
/// `next` for each member until there is no name, or `nextElement` and `next` for each element until
/// there is none. `finish` says that nothing follows.
package struct JSONReader {
  package enum Token: Equatable, Sendable {
    case null
    case bool(Bool)
    /// As it was written: money is not a floating-point number.
    case number(String)
    case string(String)
    case object
    case array
  }

  /// What is taken.
  package struct Rules: Sendable {
    /// The outermost value is at depth 0; none may be deeper than this.
    package var depthMax: Int
    /// Values in the whole text.
    package var valuesMax: Int
    /// Only what `JSONWriter` writes of text and integers: no blank space, no escapes but `\"`, `\\`
    /// and `\u00xx` of ASCII, no exponents.
    package var isCompact: Bool
    /// A name that is twice in one object is a problem; two spellings of one text in Unicode (é as
    /// one scalar or as two) are the same name.
    package var refusesRepeatedNames: Bool

    package init(
      depthMax: Int, valuesMax: Int, isCompact: Bool = false, refusesRepeatedNames: Bool = false
    ) {
      self.depthMax = depthMax
      self.valuesMax = valuesMax
      self.isCompact = isCompact
      self.refusesRepeatedNames = refusesRepeatedNames
    }
  }

  let bytes: [UInt8]
  let rules: Rules
  var at = 0
  /// The line, from 1, that the last value began on. Nothing but blank space has line feeds.
  package private(set) var line = 1
  /// The line, from 1, that the last name began on.
  package private(set) var nameLine = 1
  private var lineStart = 0
  private var depth = 0
  private var values = 0
  /// Right behind a `{` or `[`.
  private var isAtOpening = false
  /// The names so far of each object that is open; empty unless repeated ones are refused.
  private var names: [Set<String>] = []

  /// A reader at the beginning of `bytes`, which hold one JSON text in UTF-8.
  package init(_ bytes: [UInt8], _ rules: Rules) {
    self.bytes = bytes
    self.rules = rules
  }

  // MARK: Values

  /// The next value, or the opening of one.
  package mutating func next() throws(JSONProblem) -> Token {
    skipBlank()
    values += 1
    guard values <= rules.valuesMax else { throw problem(.tooManyValues(max: rules.valuesMax)) }
    guard depth <= rules.depthMax else { throw problem(.tooDeep(max: rules.depthMax)) }
    switch nextByte {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"):
      open()
      if rules.refusesRepeatedNames { names.append([]) }
      return .object
    case UInt8(ascii: "["):
      open()
      return .array
    case UInt8(ascii: "t"):
      try literal("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try literal("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try literal("null")
      return .null
    case nil: throw problem(.valueMissing)
    default: return .number(try number())
    }
  }

  /// The name of the open object's next member, whose value is next; nil where the object ends.
  package mutating func nextName() throws(JSONProblem) -> String? {
    guard try !closes(UInt8(ascii: "}"), otherwise: .commaOrBraceMissing) else {
      if rules.refusesRepeatedNames { names.removeLast() }
      return nil
    }
    skipBlank()
    guard nextByte == UInt8(ascii: "\"") else { throw problem(.nameMissing) }
    let line = line
    let name = try string()
    if rules.refusesRepeatedNames, !names[names.count - 1].insert(name).inserted {
      throw problem(.repeatedName(name))
    }
    skipBlank()
    guard nextByte == UInt8(ascii: ":") else { throw problem(.colonMissing) }
    at += 1
    nameLine = line
    return name
  }

  /// Whether the open array has another element, which is next.
  package mutating func nextElement() throws(JSONProblem) -> Bool {
    try !closes(UInt8(ascii: "]"), otherwise: .commaOrBracketMissing)
  }

  /// Nothing may follow the outermost value.
  package mutating func finish() throws(JSONProblem) {
    skipBlank()
    guard at == bytes.count else { throw problem(.somethingFollows) }
  }

  // MARK: Structure

  private mutating func open() {
    at += 1
    depth += 1
    isAtOpening = true
  }

  /// Takes the byte that closes what is open, or the comma before what follows in it.
  private mutating func closes(
    _ closing: UInt8, otherwise reason: JSONProblem.Reason
  ) throws(JSONProblem) -> Bool {
    skipBlank()
    let byte = nextByte
    if byte == closing {
      at += 1
      depth -= 1
      isAtOpening = false
      return true
    }
    if isAtOpening {
      isAtOpening = false
    } else {
      guard byte == UInt8(ascii: ",") else { throw problem(reason) }
      at += 1
    }
    return false
  }

  private mutating func skipBlank() {
    if rules.isCompact { return }
    while let byte = nextByte {
      switch byte {
      case 0x20, 0x09, 0x0d: at += 1
      case 0x0a:
        at += 1
        line += 1
        lineStart = at
      default: return
      }
    }
  }

  var nextByte: UInt8? { at < bytes.count ? bytes[at] : nil }

  func problem(_ reason: JSONProblem.Reason) -> JSONProblem {
    JSONProblem(reason: reason, offset: at, line: line, column: at - lineStart + 1)
  }
}
