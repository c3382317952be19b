// Strings, numbers and words.
extension JSONReader {
  /// From the opening quote on (RFC 8259, section 7).
  mutating func string() throws(JSONProblem) -> String {
    let opening = at
    at += 1
    try skipToEscapeOrQuote()
    let text: String?
    if bytes[at] == UInt8(ascii: "\"") {
      text = Self.text(bytes[(opening + 1)..<at])
    } else {
      text = Self.text(try unescaped(from: opening + 1)[...])
    }
    guard let text else {
      at = opening
      throw problem(.notUTF8)
    }
    at += 1
    return text
  }

  /// nil where it is not UTF-8. Decoding repairs what is none, so the bytes are compared afterwards:
  /// `String(validating:as:)` is generic code of the library and takes longer than both.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    return text.utf8.span.elementsEqual(bytes.span) ? text : nil
  }

  /// As far as the closing quote, from the first escape on; what was passed begins at `start`.
  private mutating func unescaped(from start: Int) throws(JSONProblem) -> [UInt8] {
    var text = Array(bytes[start..<at])
    while bytes[at] == UInt8(ascii: "\\") {
      at += 1
      try escape(into: &text)
      let run = at
      try skipToEscapeOrQuote()
      text += bytes[run..<at]
    }
    return text
  }

  private mutating func skipToEscapeOrQuote() throws(JSONProblem) {
    while true {
      at += JSONString.plainCount(bytes.span, from: at)
      switch nextByte {
      case UInt8(ascii: "\"")?, UInt8(ascii: "\\")?: return
      // What others write may hold it.
      case 0x7f?: at += 1
      case nil: throw problem(.unclosedString)
      default: throw problem(.controlCharacter)
      }
    }
  }

  /// Behind the backslash.
  private mutating func escape(into text: inout [UInt8]) throws(JSONProblem) {
    guard let kind = nextByte else { throw problem(.unclosedString) }
    at += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return text.append(kind)
    case UInt8(ascii: "u"):
      let scalar = try escapedScalar()
      guard !rules.isCompact || scalar.isASCII else { throw problem(.unknownEscape) }
      return text.append(contentsOf: String(Character(scalar)).utf8)
    default: break
    }
    guard !rules.isCompact else { throw problem(.unknownEscape) }
    switch kind {
    case UInt8(ascii: "/"): text.append(kind)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    default: throw problem(.unknownEscape)
    }
  }

  /// Behind `\u`: four digits, or the two halves of a surrogate pair.
  private mutating func escapedScalar() throws(JSONProblem) -> Unicode.Scalar {
    var code = try hexDigits()
    if (0xd800..<0xdc00).contains(code), nextByte == UInt8(ascii: "\\"), at + 1 < bytes.count,
      bytes[at + 1] == UInt8(ascii: "u")
    {
      at += 2
      let low = try hexDigits()
      guard (0xdc00..<0xe000).contains(low) else { throw problem(.halfSurrogatePair) }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw problem(.halfSurrogatePair) }
    return scalar
  }

  private mutating func hexDigits() throws(JSONProblem) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = nextByte, byte < 0x80,
        let digit = Character(Unicode.Scalar(byte)).hexDigitValue
      else { throw problem(.hexDigitMissing) }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }

  /// RFC 8259, section 6.
  mutating func number() throws(JSONProblem) -> String {
    let start = at
    guard skipNumber() else {
      at = start
      throw problem(.notAValue)
    }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  /// Whether a number was there.
  private mutating func skipNumber() -> Bool {
    if nextByte == UInt8(ascii: "-") { at += 1 }
    let isZero = nextByte == UInt8(ascii: "0")
    let whole = skipDigits()
    guard whole == 1 || whole > 1 && !isZero else { return false }
    if nextByte == UInt8(ascii: ".") {
      at += 1
      guard skipDigits() > 0 else { return false }
    }
    guard !rules.isCompact, let byte = nextByte, byte | 0x20 == UInt8(ascii: "e") else {
      return true
    }
    at += 1
    if nextByte == UInt8(ascii: "+") || nextByte == UInt8(ascii: "-") { at += 1 }
    return skipDigits() > 0
  }

  private mutating func skipDigits() -> Int {
    let start = at
    while let byte = nextByte, (0x30...0x39).contains(byte) { at += 1 }
    return at - start
  }

  mutating func literal(_ word: StaticString) throws(JSONProblem) {
    let end = at + word.utf8CodeUnitCount
    guard end <= bytes.count, bytes.span.extracting(at..<end).elementsEqual(word) else {
      throw problem(.notAValue)
    }
    at = end
  }
}
