/// Reads one JSON text (RFC 8259), strictly; also what the ledger never writes is told apart from
/// what it does: there is no blank space in a line of it, and none is taken.
package struct JSONReader {
  private let bytes: [UInt8]
  private var at = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The text's one value.
  package static func read(_ bytes: [UInt8]) throws(RecordProblem) -> JSONValue {
    var reader = JSONReader(bytes)
    let value = try reader.value(depth: 0)
    guard reader.at == bytes.count else { throw .malformed(at: reader.at) }
    return value
  }

  private mutating func value(depth: Int) throws(RecordProblem) -> JSONValue {
    guard depth < LedgerLimits.depthMax else { throw .malformed(at: at) }
    switch try peek() {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try literal("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try literal("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try literal("null")
      return .null
    default: return .number(try number())
    }
  }

  private mutating func object(depth: Int) throws(RecordProblem) -> JSONValue {
    var members: [JSONValue.Member] = []
    try take(UInt8(ascii: "{"))
    if try peek() != UInt8(ascii: "}") {
      while true {
        let name = try string()
        try take(UInt8(ascii: ":"))
        members.append(.init(name: name, value: try value(depth: depth + 1)))
        if try peek() == UInt8(ascii: "}") { break }
        try take(UInt8(ascii: ","))
      }
    }
    at += 1
    return .object(members)
  }

  private mutating func array(depth: Int) throws(RecordProblem) -> JSONValue {
    var elements: [JSONValue] = []
    try take(UInt8(ascii: "["))
    if try peek() != UInt8(ascii: "]") {
      while true {
        elements.append(try value(depth: depth + 1))
        if try peek() == UInt8(ascii: "]") { break }
        try take(UInt8(ascii: ","))
      }
    }
    at += 1
    return .array(elements)
  }

  private mutating func string() throws(RecordProblem) -> String {
    try take(UInt8(ascii: "\""))
    let start = at
    while try peek() != UInt8(ascii: "\"") && bytes[at] != UInt8(ascii: "\\") {
      guard bytes[at] >= 0x20 else { throw .malformed(at: at) }
      at += 1
    }
    if bytes[at] == UInt8(ascii: "\"") {
      at += 1
      return try text(bytes[start..<(at - 1)], at: start)
    }
    var unescaped = Array(bytes[start..<at])
    while try peek() != UInt8(ascii: "\"") {
      guard bytes[at] >= 0x20 else { throw .malformed(at: at) }
      if bytes[at] == UInt8(ascii: "\\") {
        unescaped.append(try escape())
      } else {
        unescaped.append(bytes[at])
        at += 1
      }
    }
    at += 1
    return try text(unescaped[...], at: start)
  }

  /// The escapes the ledger writes: `\"`, `\\` and `\u00xx` of an ASCII control character.
  private mutating func escape() throws(RecordProblem) -> UInt8 {
    let start = at
    at += 1
    let kind = try peek()
    at += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return kind
    case UInt8(ascii: "u"):
      var code = 0
      for _ in 0..<4 {
        guard let digit = Character(UnicodeScalar(try peek())).hexDigitValue else {
          throw .malformed(at: at)
        }
        code = code * 16 + digit
        at += 1
      }
      guard code < 0x80 else { throw .malformed(at: start) }
      return UInt8(code)
    default: throw .malformed(at: start)
    }
  }

  private func text(_ slice: ArraySlice<UInt8>, at: Int) throws(RecordProblem) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else { throw .malformed(at: at) }
    return text
  }

  private mutating func number() throws(RecordProblem) -> String {
    let start = at
    if try peek() == UInt8(ascii: "-") { at += 1 }
    let whole = try digits()
    if whole > 1, bytes[at - whole] == UInt8(ascii: "0") { throw .malformed(at: start) }
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      at += 1
      _ = try digits()
    }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  private mutating func digits() throws(RecordProblem) -> Int {
    let start = at
    while at < bytes.count, (0x30...0x39).contains(bytes[at]) { at += 1 }
    guard at > start else { throw .malformed(at: at) }
    return at - start
  }

  private mutating func literal(_ word: StaticString) throws(RecordProblem) {
    for byte in String(describing: word).utf8 { try take(byte) }
  }

  private mutating func take(_ byte: UInt8) throws(RecordProblem) {
    guard try peek() == byte else { throw .malformed(at: at) }
    at += 1
  }

  private func peek() throws(RecordProblem) -> UInt8 {
    guard at < bytes.count else { throw .malformed(at: at) }
    return bytes[at]
  }
}
