/// Labels as the exposition format writes them between the braces, escaped.
package struct LabelText {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Begins anew in the same memory.
  package mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  package mutating func add(_ name: StaticString, _ value: String) {
    if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
    Self.append(name, to: &bytes)
    bytes.append(UInt8(ascii: "="))
    bytes.append(UInt8(ascii: "\""))
    Self.appendEscaped(value, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// `\`, `"` and line feeds; nothing else needs it in UTF-8 (exposition format 0.0.4).
  static func appendEscaped(_ text: String, to bytes: inout [UInt8]) {
    let isPlain = text.utf8.allSatisfy {
      $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n")
    }
    if isPlain {
      bytes.append(contentsOf: text.utf8)
      return
    }
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
