/// Labels as Prometheus's exposition format writes them between the braces, escaped. The labels of
/// several series can be written one after the other.
struct LabelText {
  /// The labels of all series: `tenant="a",route="/v1/x"`.
  private(set) var bytes: [UInt8] = []
  /// Where the labels of the current series begin.
  private var start = 0

  init() {}

  /// Writes one label.
  init(_ name: StaticString, _ value: String) { add(name, value) }

  /// Begins the labels of the next series.
  mutating func next() { start = bytes.count }

  /// Reserves memory for `count` bytes of labels.
  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// Adds a label, with its value escaped.
  mutating func add(_ name: StaticString, _ value: String) {
    if bytes.count > start { bytes.append(UInt8(ascii: ",")) }
    Self.append(name, to: &bytes)
    bytes.append(UInt8(ascii: "="))
    bytes.append(UInt8(ascii: "\""))
    Self.appendEscaped(value, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Adds labels that are written in this format already.
  mutating func add(_ text: [UInt8]) {
    if bytes.count > start { bytes.append(UInt8(ascii: ",")) }
    bytes += text
  }

  /// Appends a label's value. `\`, `"` and line feeds are escaped; the exposition format 0.0.4 asks for
  /// no others.
  static func appendEscaped(_ text: String, to bytes: inout [UInt8]) {
    // Copied in bulk and checked afterwards, because nearly every name needs no escaping.
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
    // A StaticString lives as long as the program.
    unsafe bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
