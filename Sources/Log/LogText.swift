import Bytes

/// Writes text into a log line so that nothing in it can end the line, begin another field, move a
/// terminal's cursor or change the direction of the text that follows.
enum LogText {
  /// Where the text is written.
  enum Style {
    /// A message: spaces and quotes are written as they are.
    case plain
    /// The value of `key=value`: in quotes where it is not one word.
    case word
    /// The inside of a JSON string (RFC 8259, section 7).
    case json
  }

  /// Appends `text`, at most `LogLine.textBytesMax` bytes of it. Control characters are `\u00xx`.
  static func append(_ text: String, _ style: Style, to line: inout [UInt8]) {
    let isQuoted = style == .word && !isWord(text)
    if isQuoted { line.append(UInt8(ascii: "\"")) }
    var room = LogLine.textBytesMax
    for scalar in text.unicodeScalars {
      let length = UTF8.width(scalar)
      guard room >= length else {
        line.append(contentsOf: "…".utf8)
        break
      }
      room -= length
      switch scalar {
      case "\"", "\\":
        if isQuoted || style == .json { line.append(UInt8(ascii: "\\")) }
        line.append(UInt8(scalar.value))
      case _ where isEscaped(scalar):
        JSONString.appendEscape(ofUnit: UInt16(scalar.value), to: &line)
      default:
        line.append(contentsOf: String(scalar).utf8)
      }
    }
    if isQuoted { line.append(UInt8(ascii: "\"")) }
  }

  /// Controls, line and paragraph separators, marks that turn the direction of text, the byte order
  /// mark. All of them are in the basic plane.
  private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\u{0}"..<" ", "\u{7f}"..<"\u{a0}", "\u{2028}", "\u{2029}",
      "\u{61c}", "\u{200e}", "\u{200f}", "\u{202a}"..."\u{202e}", "\u{2066}"..."\u{2069}",
      "\u{feff}":
      true
    default: false
    }
  }

  /// Whether `text` is one value by itself: nothing that a reader of `key=value` could take for the
  /// end of it.
  private static func isWord(_ text: String) -> Bool {
    guard !text.isEmpty else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "\"", "\\", "=", ",", "[", "]": false
      case _ where isEscaped(scalar) || scalar.properties.isWhitespace: false
      default: true
      }
    }
  }
}
