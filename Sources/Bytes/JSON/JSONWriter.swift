/// Writes JSON in the order it is told, without blank space.
///
/// `object` and `array` take closures, so that what was begun also ends; a name is followed by
/// exactly one value. Commas are put where they belong.
package struct JSONWriter: Sendable {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// - Parameter capacity: the bytes to make room for at once.
  package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// The one object that `fill` writes the members of.
  package static func object(_ fill: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.object(fill)
    return writer.bytes
  }

  /// What was written, as a string.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  // MARK: Objects and arrays

  package mutating func object(_ fill: (inout JSONWriter) -> Void) {
    beginObject()
    fill(&self)
    endObject()
  }

  package mutating func object(_ name: String, _ fill: (inout JSONWriter) -> Void) {
    self.name(name)
    object(fill)
  }

  package mutating func array(_ fill: (inout JSONWriter) -> Void) {
    beginArray()
    fill(&self)
    endArray()
  }

  package mutating func array(_ name: String, _ fill: (inout JSONWriter) -> Void) {
    self.name(name)
    array(fill)
  }

  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  // MARK: Members

  /// A member's name; its value must follow.
  package mutating func name(_ name: String) {
    comma()
    JSONString.append(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func null(_ name: String) {
    self.name(name)
    null()
  }

  /// nil is null, here and below.
  package mutating func field(_ name: String, _ text: String?) {
    self.name(name)
    if let text { value(text) } else { null() }
  }

  package mutating func field(_ name: String, _ number: Int64?) {
    self.name(name)
    if let number { value(number) } else { null() }
  }

  package mutating func field(_ name: String, _ number: Int) {
    field(name, Int64(number))
  }

  /// A measured number; one that is not finite is null too.
  package mutating func field(_ name: String, _ number: Double?) {
    self.name(name)
    if let number { value(number) } else { null() }
  }

  package mutating func field(_ name: String, number text: String?) {
    self.name(name)
    if let text { value(number: text) } else { null() }
  }

  package mutating func field(_ name: String, _ flag: Bool?) {
    self.name(name)
    if let flag { value(flag) } else { null() }
  }

  /// RFC 3339 in UTC with milliseconds, of milliseconds since 1970; kept to the years 0 to 9999.
  package mutating func field(_ name: String, timeMs: Int64?) {
    self.name(name)
    if let timeMs { quoted(UTCTime.text(timeMs)) } else { null() }
  }

  /// In hexadecimal.
  package mutating func field(_ name: String, _ digest: SHA256Digest) {
    self.name(name)
    quoted(digest.hexBytes)
  }

  package mutating func field(_ name: String, _ texts: [String]) {
    array(name) { json in
      for text in texts { json.value(text) }
    }
  }

  package mutating func field(_ name: String, escaped write: (inout [UInt8]) -> Void) {
    self.name(name)
    value(escaped: write)
  }

  // MARK: Values: a whole text, an array's element, or what follows a name

  package mutating func null() { raw("null") }

  package mutating func value(_ text: String) {
    comma()
    JSONString.append(text, to: &bytes)
    needsComma = true
  }

  package mutating func value(_ number: Int64) {
    if number >= 0, number < 10 {
      comma()
      bytes.append(UInt8(ascii: "0") + UInt8(number))
      needsComma = true
    } else {
      raw(String(number))
    }
  }

  /// A number that is not finite is null: JSON has no word for it.
  package mutating func value(_ number: Double) {
    raw(number.isFinite ? "\(number)" : "null")
  }

  /// A number's text, which must be as RFC 8259, section 6, has it: an exact decimal.
  package mutating func value(number text: String) { raw(text) }

  /// A whole JSON text, as it is.
  package mutating func value(json text: [UInt8]) {
    comma()
    bytes += text
    needsComma = true
  }

  package mutating func value(_ flag: Bool) { raw(flag ? "true" : "false") }

  /// A string whose inside `write` appends, escaped already.
  package mutating func value(escaped write: (inout [UInt8]) -> Void) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    write(&bytes)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  // MARK: Bytes

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

  private mutating func raw(_ text: String) {
    comma()
    bytes.append(text.utf8.span)
    needsComma = true
  }

  /// Text without anything to escape.
  private mutating func quoted(_ text: [UInt8]) {
    value(escaped: { $0.append(contentsOf: text) })
  }
}
