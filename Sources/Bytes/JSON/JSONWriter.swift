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

  /// Has `fill` write one value behind what `bytes` holds, without a comma before it.
  package static func append(to bytes: inout [UInt8], _ fill: (inout JSONWriter) -> Void) {
    var writer = JSONWriter()
    // The bytes have one owner all the time, so they are never copied.
    swap(&writer.bytes, &bytes)
    fill(&writer)
    swap(&writer.bytes, &bytes)
  }

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

  package mutating func object(_ name: StaticString, _ fill: (inout JSONWriter) -> Void) {
    self.name(name)
    object(fill)
  }

  package mutating func array(_ fill: (inout JSONWriter) -> Void) {
    beginArray()
    fill(&self)
    endArray()
  }

  package mutating func array(_ name: StaticString, _ fill: (inout JSONWriter) -> Void) {
    self.name(name)
    array(fill)
  }

  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  // MARK: Members

  /// A member's name, which has nothing to escape; its value must follow.
  package mutating func name(_ name: StaticString) {
    member(name, valueBytes: 0) { _ in }
    needsComma = false
  }

  /// A member's name that is not known before; its value must follow.
  package mutating func name(any name: String) {
    comma()
    JSONString.append(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func field(any name: String, _ number: Int64) {
    self.name(any: name)
    value(number)
  }

  package mutating func field(any name: String, _ amount: Int64, places: Int) {
    self.name(any: name)
    value(amount, places: places)
  }

  package mutating func null(_ name: StaticString) {
    member(name, valueBytes: 4) { $0.append(copying: "null") }
  }

  /// nil is null, here and below.
  package mutating func field(_ name: StaticString, _ text: String?) {
    guard let text else { return null(name) }
    let utf8 = text.utf8.span
    guard JSONString.plainCount(utf8, from: 0) == utf8.count else {
      self.name(name)
      return value(text)
    }
    member(name, valueBytes: utf8.count + 2) { output in
      output.append(UInt8(ascii: "\""))
      output.append(copying: utf8)
      output.append(UInt8(ascii: "\""))
    }
  }

  package mutating func field(_ name: StaticString, _ number: Int64?) {
    guard let number else { return null(name) }
    let digits = DecimalDigits(number)
    member(name, valueBytes: digits.count) { digits.append(to: &$0) }
  }

  package mutating func field(_ name: StaticString, _ number: Int) {
    field(name, Int64(number))
  }

  /// A measured number; one that is not finite is null too.
  package mutating func field(_ name: StaticString, _ number: Double?) {
    self.name(name)
    if let number { value(number) } else { null() }
  }

  package mutating func field(_ name: StaticString, number text: String?) {
    self.name(name)
    if let text { value(number: text) } else { null() }
  }

  /// `amount / 10^places`, exactly.
  package mutating func field(_ name: StaticString, _ amount: Int64?, places: Int) {
    self.name(name)
    if let amount { value(amount, places: places) } else { null() }
  }

  package mutating func field(_ name: StaticString, _ flag: Bool?) {
    guard let flag else { return null(name) }
    member(name, valueBytes: 5) { $0.append(copying: flag ? "true" : "false") }
  }

  /// RFC 3339 in UTC with milliseconds, of milliseconds since 1970; kept to the years 0 to 9999.
  package mutating func field(_ name: StaticString, timeMs: Int64?) {
    self.name(name)
    guard let timeMs else { return null() }
    value(escaped: { UTCTime.append(timeMs, to: &$0) })
  }

  /// In hexadecimal.
  package mutating func field(_ name: StaticString, _ digest: SHA256Digest) {
    self.name(name)
    value(escaped: { digest.appendHex(to: &$0) })
  }

  package mutating func field(_ name: StaticString, _ texts: [String]) {
    array(name) { json in
      for text in texts { json.value(text) }
    }
  }

  package mutating func field(_ name: StaticString, escaped write: (inout [UInt8]) -> Void) {
    self.name(name)
    value(escaped: write)
  }

  // MARK: Values: a whole text, an array's element, or what follows a name

  package mutating func null() { raw("null" as StaticString) }

  package mutating func value(_ text: String) {
    comma()
    JSONString.append(text, to: &bytes)
    needsComma = true
  }

  package mutating func value(_ number: Int64) {
    comma()
    DecimalDigits(number).append(to: &bytes)
    needsComma = true
  }

  /// `amount / 10^places` as an exact decimal number without trailing zeros.
  package mutating func value(_ amount: Int64, places: Int) {
    comma()
    DecimalDigits(amount).append(to: &bytes, places: places)
    needsComma = true
  }

  /// A number that is not finite is null: JSON has no word for it.
  package mutating func value(_ number: Double) {
    guard number.isFinite else { return null() }
    raw("\(number)")
  }

  /// A number's text, which must be as RFC 8259, section 6, has it: an exact decimal.
  package mutating func value(number text: String) { raw(text) }

  /// A whole JSON text, as it is.
  package mutating func value(json text: [UInt8]) {
    comma()
    bytes += text
    needsComma = true
  }

  package mutating func value(_ flag: Bool) {
    if flag { raw("true" as StaticString) } else { raw("false" as StaticString) }
  }

  /// A string whose inside `write` appends, escaped already.
  package mutating func value(escaped write: (inout [UInt8]) -> Void) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    write(&bytes)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  // MARK: Bytes

  /// A member, with one growth for its name and its value.
  @inline(__always)
  private mutating func member(
    _ name: StaticString, valueBytes: Int, _ value: (inout OutputSpan<UInt8>) -> Void
  ) {
    let isFirst = !needsComma
    bytes.append(addingCapacity: name.utf8CodeUnitCount + 4 + valueBytes) { output in
      if !isFirst { output.append(UInt8(ascii: ",")) }
      output.append(UInt8(ascii: "\""))
      output.append(copying: name)
      output.append(UInt8(ascii: "\""))
      output.append(UInt8(ascii: ":"))
      value(&output)
    }
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

  private mutating func raw(_ text: StaticString) {
    bytes.append(addingCapacity: text.utf8CodeUnitCount + 1) { output in
      if needsComma { output.append(UInt8(ascii: ",")) }
      output.append(copying: text)
    }
    needsComma = true
  }

  private mutating func raw(_ text: String) {
    comma()
    bytes.append(text.utf8.span)
    needsComma = true
  }
}
