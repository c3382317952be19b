import Bytes
import Ledger

/// JSON in the order it is told: objects and arrays are closures, so that what was begun ends.
package struct JSONText {
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false

  package init() {}

  /// An object by itself: the whole text, or an array's element.
  package mutating func object(_ fill: (inout JSONText) -> Void) {
    enclosed("{", "}", fill)
  }

  package mutating func object(_ name: String, _ fill: (inout JSONText) -> Void) {
    self.name(name)
    object(fill)
  }

  package mutating func array(_ name: String, _ fill: (inout JSONText) -> Void) {
    self.name(name)
    enclosed("[", "]", fill)
  }

  package mutating func field(_ name: String, _ text: String?) {
    self.name(name)
    if let text { element(text) } else { null() }
  }

  package mutating func field(_ name: String, _ number: Int64?) {
    self.name(name)
    if let number { raw("\(number)") } else { null() }
  }

  package mutating func field(_ name: String, _ number: Int) {
    field(name, Int64(number))
  }

  /// A measured number; one that is none is unknown.
  package mutating func field(_ name: String, _ number: Double?) {
    self.name(name)
    if let number, number.isFinite { raw("\(number)") } else { null() }
  }

  package mutating func field(_ name: String, _ flag: Bool) {
    self.name(name)
    raw(flag ? "true" : "false")
  }

  /// RFC 3339 with milliseconds; what is later than the year 9999 is written as its end.
  package mutating func field(_ name: String, wallMs: Int64?) {
    field(name, wallMs.map { UTCTime.string($0) })
  }

  package mutating func field(_ name: String, _ texts: [String]) {
    array(name) { json in
      for text in texts { json.element(text) }
    }
  }

  /// A text in an array.
  package mutating func element(_ text: String) {
    comma()
    string(text)
    needsComma = true
  }

  private mutating func enclosed(
    _ opening: Character, _ closing: Character, _ fill: (inout JSONText) -> Void
  ) {
    comma()
    bytes.append(contentsOf: opening.utf8)
    needsComma = false
    fill(&self)
    bytes.append(contentsOf: closing.utf8)
    needsComma = true
  }

  private mutating func name(_ name: String) {
    comma()
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  private mutating func null() { raw("null") }

  private mutating func raw(_ text: String) {
    comma()
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  private mutating func comma() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = false
  }

  private mutating func string(_ text: String) { JSONLine.append(text, to: &bytes) }
}
