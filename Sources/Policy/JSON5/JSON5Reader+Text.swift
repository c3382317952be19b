extension JSON5Reader {
  /// Reads the string at this place (spec.json5.org, section 5); nil after a fault. The string has then
  /// been skipped.
  mutating func string() -> String? {
    let start = at
    let quote = bytes[at]
    var text: [UInt8] = []
    var isGood = true
    at += 1
    var run = at
    while let byte = next {
      switch byte {
      case quote:
        text.append(contentsOf: bytes[run..<at])
        at += 1
        return isGood ? String(decoding: text, as: UTF8.self) : nil
      case UInt8(ascii: "\\"):
        text.append(contentsOf: bytes[run..<at])
        if !escape(into: &text) { isGood = false }
        run = at
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        fault(start, "this text is not closed on its line; add the quote, or end the line with \\")
        return nil
      default:
        at += 1
      }
    }
    fault(start, "this text is never closed; add the quote")
    return nil
  }

  /// Reads one escape sequence or line continuation. False after a fault.
  private mutating func escape(into text: inout [UInt8]) -> Bool {
    let start = at
    at += 1
    guard let byte = next else { return true }
    if isLineSeparator {
      at += 3
      return true
    }
    at += 1
    switch byte {
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "v"): text.append(0x0b)
    case UInt8(ascii: "\n"): break
    case UInt8(ascii: "\r"):
      if next == UInt8(ascii: "\n") { at += 1 }
    case UInt8(ascii: "0"):
      if let digit = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) {
        return badEscape(start, "\\0 may not be followed by a digit; write \\x00")
      }
      text.append(0)
    case UInt8(ascii: "1")...UInt8(ascii: "9"):
      return badEscape(start, "\\ before a digit is no escape; write \\x and two hex digits")
    case UInt8(ascii: "x"):
      guard let code = hex(digits: 2), let scalar = Unicode.Scalar(code) else {
        return badEscape(start, "\\x needs two hex digits")
      }
      text.append(contentsOf: String(Character(scalar)).utf8)
    case UInt8(ascii: "u"):
      guard let scalar = unicodeEscape(start) else { return false }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default:
      // Any other character means itself; its further bytes, outside ASCII, are added as they are.
      text.append(byte)
    }
    return true
  }

  /// Reads what follows `\u`: four hex digits, or those of two escapes that are a surrogate pair.
  private mutating func unicodeEscape(_ start: Int) -> Unicode.Scalar? {
    guard let first = hex(digits: 4) else {
      _ = badEscape(start, "\\u needs four hex digits")
      return nil
    }
    if let scalar = Unicode.Scalar(first) { return scalar }
    if first < 0xdc00, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
      bytes[at + 1] == UInt8(ascii: "u")
    {
      at += 2
      if let second = hex(digits: 4), (0xdc00...0xdfff).contains(second) {
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
      }
    }
    _ = badEscape(start, "half of a surrogate pair; both halves must be given")
    return nil
  }

  private mutating func badEscape(_ start: Int, _ message: String) -> Bool {
    fault(start, message, breaksStructure: false)
    return false
  }

  /// Reads exactly `digits` hex digits; nil where there are fewer. Does not move past another character.
  private mutating func hex(digits: Int) -> UInt32? {
    var value: UInt32 = 0
    for _ in 0..<digits {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue,
        byte < 0x80
      else { return nil }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }

  /// Reads an ES5.1 IdentifierName (ECMA-262 5.1, section 7.6); nil, without moving, where none begins.
  mutating func identifier(mayEscape: Bool) -> String? {
    let start = at
    var name = String.UnicodeScalarView()
    while let byte = next {
      let before = at
      let scalar: Unicode.Scalar
      if byte == UInt8(ascii: "\\"), mayEscape {
        guard at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "u") else { break }
        at += 2
        guard let escaped = hex(digits: 4).flatMap({ Unicode.Scalar($0) }) else {
          at = start
          return nil
        }
        scalar = escaped
      } else {
        scalar = decodeScalar()
      }
      guard isIdentifierPart(scalar, isFirst: name.isEmpty) else {
        at = before
        break
      }
      name.append(scalar)
    }
    return name.isEmpty ? nil : String(name)
  }

  /// Reads the next scalar. The text is known to be UTF-8.
  private mutating func decodeScalar() -> Unicode.Scalar {
    let byte = bytes[at]
    let length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    var value = length == 1 ? UInt32(byte) : UInt32(byte) & (0xff >> UInt32(length + 1))
    for offset in 1..<max(length, 1) where offset < length {
      value = value << 6 | UInt32(bytes[at + offset] & 0x3f)
    }
    at += length
    return Unicode.Scalar(value) ?? "\u{fffd}"
  }

  private func isIdentifierPart(_ scalar: Unicode.Scalar, isFirst: Bool) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "$", "_": return true
    case "0"..."9", "\u{200c}", "\u{200d}": return !isFirst
    case "\0"..."\u{7f}": return false
    default: break
    }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .letterNumber:
      return true
    case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: return !isFirst
    default: return false
    }
  }
}
