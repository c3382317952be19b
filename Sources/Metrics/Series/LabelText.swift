/// Labels as the exposition format writes them between the braces, escaped; those of many series may
/// stand one behind the other.
package struct LabelText {
  package private(set) var bytes: [UInt8] = []
  /// Where those of the series at hand begin.
  private var start = 0

  package init() {}

  /// One label.
  package init(_ name: StaticString, _ value: String) { add(name, value) }

  /// Begins the next series, behind what is there.
  package mutating func next() { start = bytes.count }

  package mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  package mutating func add(_ name: StaticString, _ value: String) {
    if bytes.count > start { bytes.append(UInt8(ascii: ",")) }
    Self.append(name, to: &bytes)
    bytes.append(UInt8(ascii: "="))
    bytes.append(UInt8(ascii: "\""))
    Self.appendEscaped(value, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Labels that are text already.
  package mutating func add(_ text: [UInt8]) {
    if bytes.count > start { bytes.append(UInt8(ascii: ",")) }
    bytes += text
  }

  /// `\`, `"` and line feeds; nothing else needs it in UTF-8 (exposition format 0.0.4).
  static func appendEscaped(_ text: String, to bytes: inout [UInt8]) {
    // In bulk, and looked at where they are: nearly every name is plain.
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    let isPlain = bytes[start...].allSatisfy {
      $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n")
    }
    if isPlain { return }
    bytes.removeSubrange(start...)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
      case UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\"")]
      case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      default: bytes.append(byte)
      }
    }
  }

  static func append(_ text: StaticString, to bytes: inout [UInt8]) {
    // Lives as long as the program.
    unsafe bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
