import Bytes
import Terms

/// Writes members as records have them.
extension JSONWriter {
  /// A text that identifies something; it is never cut.
  mutating func field(_ name: StaticString, identifier text: String?) {
    field(name, text)
  }

  /// A text from a client or from Envoy; it is cut to `LedgerLimits.textBytesMax` at a character's
  /// end.
  mutating func field(_ name: StaticString, cut text: String?) {
    guard let text, text.utf8.count > LedgerLimits.textBytesMax else { return field(name, text) }
    var end = LedgerLimits.textBytesMax
    let utf8 = Array(text.utf8)
    while utf8[end] & 0xc0 == 0x80 { end -= 1 }
    field(name, String(decoding: utf8[..<end], as: UTF8.self))
  }

  /// Nano-dollars as a decimal number of dollars, exactly: see `Dollars.text`.
  mutating func field(_ name: StaticString, dollarsOf nanodollars: Int64?) {
    field(name, nanodollars, places: Dollars.places)
  }
}
