/// Reads a JSON text (RFC 8259) into nodes with lines: manifests given as JSON, and what the YAML
/// reader prints. Strict; a key given twice is an error.
struct JSONReader {
  private let bytes: [UInt8]
  private let depthMax: Int
  private let nodesMax: Int
  private var at = 0
  private var line = 1
  private var lineStart = 0
  private var nodes = 0

  /// The one value of the text.
  static func read(
    _ bytes: [UInt8], depthMax: Int = DocumentLimits.depthMax,
    nodesMax: Int = DocumentLimits.nodesMax
  ) throws(DocumentProblem) -> Node {
    var reader = JSONReader(bytes: bytes, depthMax: depthMax, nodesMax: nodesMax)
    let value = try reader.value(depth: 0)
    reader.skipBlank()
    if reader.at < bytes.count { throw reader.problem("nothing may follow the value") }
    return value
  }

  private init(bytes: [UInt8], depthMax: Int, nodesMax: Int) {
    self.bytes = bytes
    self.depthMax = depthMax
    self.nodesMax = nodesMax
  }

  private func problem(_ message: String) -> DocumentProblem {
    DocumentProblem(line: line, column: at - lineStart + 1, message: message)
  }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipBlank() {
    while let byte = next {
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

  private mutating func value(depth: Int) throws(DocumentProblem) -> Node {
    skipBlank()
    nodes += 1
    guard nodes <= nodesMax else { throw problem("more than \(nodesMax) values (nodesMax)") }
    guard depth <= depthMax else {
      throw problem("nested deeper than \(depthMax) (depthMax)")
    }
    let line = line
    switch next {
    case nil: throw problem("the text ends where a value should be")
    case UInt8(ascii: "{"): return Node(line: line, kind: try map(depth: depth))
    case UInt8(ascii: "["): return Node(line: line, kind: try list(depth: depth))
    case UInt8(ascii: "\""):
      return Node(line: line, kind: .string(try string(), isLiteral: false))
    default: return Node(line: line, kind: try word())
    }
  }

  private mutating func map(depth: Int) throws(DocumentProblem) -> Node.Kind {
    var members: [Node.Member] = []
    var keys: Set<String> = []
    at += 1
    skipBlank()
    if take(UInt8(ascii: "}")) { return .map([]) }
    while true {
      skipBlank()
      guard next == UInt8(ascii: "\"") else { throw problem("a key in quotes should be here") }
      let keyLine = line
      let key = try string()
      guard keys.insert(key).inserted else { throw problem("the key \"\(key)\" is given twice") }
      skipBlank()
      guard take(UInt8(ascii: ":")) else { throw problem("a colon should be here") }
      let value = try value(depth: depth + 1)
      members.append(Node.Member(key: key, line: keyLine, value: value))
      skipBlank()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "}")) else { throw problem("a comma or } should be here") }
      return .map(members)
    }
  }

  private mutating func list(depth: Int) throws(DocumentProblem) -> Node.Kind {
    var items: [Node] = []
    at += 1
    skipBlank()
    if take(UInt8(ascii: "]")) { return .list([]) }
    while true {
      items.append(try value(depth: depth + 1))
      skipBlank()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "]")) else { throw problem("a comma or ] should be here") }
      return .list(items)
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    at += 1
    return true
  }

  /// `true`, `false`, `null` or a number.
  private mutating func word() throws(DocumentProblem) -> Node.Kind {
    let start = at
    while let byte = next, isWordByte(byte) { at += 1 }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    switch text {
    case "true", "false": return .bool(text)
    case "null": return .null
    default:
      let first = text.first ?? " "
      guard first == "-" || first.isASCII && first.isNumber, Double(text) != nil else {
        at = start
        throw problem("not a JSON value")
      }
      return .number(text)
    }
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private mutating func string() throws(DocumentProblem) -> String {
    var text: [UInt8] = []
    at += 1
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        at += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw problem("this text is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"):
        at += 1
        try escape(into: &text)
      case 0..<0x20: throw problem("a control character in a text")
      default:
        text.append(byte)
        at += 1
      }
    }
    throw problem("this text is never closed")
  }

  private mutating func escape(into text: inout [UInt8]) throws(DocumentProblem) {
    guard let byte = next else { throw problem("this text is never closed") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hex()
      if (0xd800..<0xdc00).contains(code), next == UInt8(ascii: "\\"), at + 1 < bytes.count,
        bytes[at + 1] == UInt8(ascii: "u")
      {
        at += 2
        let low = try hex()
        guard (0xdc00..<0xe000).contains(low) else { throw problem("half a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw problem("half a surrogate pair") }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default: throw problem("no such escape")
    }
  }

  private mutating func hex() throws(DocumentProblem) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, byte < 0x80,
        let digit = Character(Unicode.Scalar(byte)).hexDigitValue
      else { throw problem("\\u needs four hex digits") }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }
}
