/// How a log record looks, as text or as JSON. One record is one line, whatever its text holds.
package enum LogFormat: String, Sendable, CaseIterable {
  case text, json
}

package enum LogLine {
  /// The longest text of a record; the rest is cut.
  package static let messageBytesMax = 8 << 10

  /// One line with its newline.
  package static func render(
    _ format: LogFormat, level: String, message: String, wallNanoseconds: Int64
  ) -> [UInt8] {
    let time = RFC3339.string(wallNanoseconds: wallNanoseconds)
    var line: [UInt8] = []
    line.reserveCapacity(message.utf8.count + 64)
    switch format {
    case .text:
      line.append(contentsOf: "\(time) \(level) ".utf8)
      appendEscaped(message, quoted: false, to: &line)
    case .json:
      line.append(contentsOf: "{\"time\":\"\(time)\",\"level\":\"\(level)\",\"message\":\"".utf8)
      appendEscaped(message, quoted: true, to: &line)
      line.append(contentsOf: "\"}".utf8)
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  /// Control characters are written as `\u00xx` (in JSON, quotes and backslashes too), so that no text makes a line of its own.
  private static func appendEscaped(_ text: String, quoted: Bool, to line: inout [UInt8]) {
    var room = messageBytesMax
    for character in text.unicodeScalars {
      let length = UTF8.width(character)
      guard room >= length else {
        line.append(contentsOf: "…".utf8)
        return
      }
      room -= length
      switch character {
      case "\"", "\\":
        if quoted { line.append(UInt8(ascii: "\\")) }
        line.append(UInt8(character.value))
      case "\u{0}"..<" ", "\u{7f}"..<"\u{a0}", "\u{2028}", "\u{2029}":
        line.append(contentsOf: "\\u".utf8)
        for shift in [12, 8, 4, 0] as [UInt32] {
          line.append(hexadecimal[Int(character.value >> shift & 0xf)])
        }
      default:
        line.append(contentsOf: String(character).utf8)
      }
    }
  }
}
