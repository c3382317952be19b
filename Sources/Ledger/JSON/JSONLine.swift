import Bytes

/// Writes one JSON object after another into bytes, in the order it is told.
package struct JSONLine {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  init() { bytes.reserveCapacity(1024) }

  mutating func beginObject() { open(UInt8(ascii: "{")) }
  mutating func endObject() { close(UInt8(ascii: "}")) }
  mutating func beginArray() { open(UInt8(ascii: "[")) }
  mutating func endArray() { close(UInt8(ascii: "]")) }

  mutating func name(_ name: String) {
    comma()
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A text that identifies something: never cut.
  mutating func field(_ name: String, _ text: String) {
    self.name(name)
    string(text)
    needsComma = true
  }

  mutating func field(_ name: String, identifier text: String?) {
    guard let text else { return null(name) }
    field(name, text)
  }

  /// A text from outside: cut to `LedgerLimits.textBytesMax`.
  mutating func field(_ name: String, cut text: String?) {
    guard let text else { return null(name) }
    if text.utf8.count <= LedgerLimits.textBytesMax { return field(name, text) }
    var end = LedgerLimits.textBytesMax
    let utf8 = Array(text.utf8)
    while utf8[end] & 0xc0 == 0x80 { end -= 1 }
    field(name, String(decoding: utf8[..<end], as: UTF8.self))
  }

  mutating func field(_ name: String, _ value: Int64?) {
    guard let value else { return null(name) }
    self.name(name)
    integer(value)
    needsComma = true
  }

  mutating func field(_ name: String, _ values: [Int64]) {
    self.name(name)
    open(UInt8(ascii: "["))
    for value in values {
      comma()
      integer(value)
      needsComma = true
    }
    endArray()
  }

  mutating func field(_ name: String, _ value: Bool?) {
    guard let value else { return null(name) }
    self.name(name)
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
    needsComma = true
  }

  mutating func field(_ name: String, timeMs: Int64) {
    self.name(name)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: UTCTime.text(timeMs))
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  mutating func field(_ name: String, _ digest: SHA256Digest) {
    self.name(name)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: digest.hexBytes)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// Dollars, exactly: a billionth is the last of nine places, and zeros at the end are left out.
  mutating func field(_ name: String, dollarsOf nanodollars: Int64?) {
    guard let nanodollars else { return null(name) }
    self.name(name)
    bytes.append(contentsOf: Dollars.text(nanodollars).utf8)
    needsComma = true
  }

  mutating func null(_ name: String) {
    self.name(name)
    bytes.append(contentsOf: "null".utf8)
    needsComma = true
  }

  private mutating func open(_ byte: UInt8) {
    comma()
    bytes.append(byte)
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    bytes.append(byte)
    needsComma = true
  }

  private mutating func comma() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func integer(_ value: Int64) {
    if value >= 0, value < 10 {
      bytes.append(UInt8(ascii: "0") + UInt8(value))
    } else {
      bytes.append(contentsOf: String(value).utf8)
    }
  }

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  private mutating func string(_ text: String) { Self.append(text, to: &bytes) }

  /// A JSON string (RFC 8259, section 7), controls and DEL escaped.
  package static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20, 0x7f:
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(hexadecimal[Int(byte >> 4)])
        bytes.append(hexadecimal[Int(byte & 15)])
      default:
        bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
