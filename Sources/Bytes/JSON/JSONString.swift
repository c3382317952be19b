/// Strings as JSON writes them (RFC 8259, section 7), and the one place that knows what must be
/// escaped.
///
/// Escaped are `"`, `\`, the control characters and DEL: JSON does not ask for DEL, but terminals
/// act on it. Everything else stands for itself.
package enum JSONString {
  /// Appends `text` in quotes.
  package static func append(_ text: String, to bytes: inout [UInt8]) {
    append(text.utf8.span, to: &bytes)
  }

  /// Appends `text` in quotes. It must be UTF-8, which is not checked.
  package static func append(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    let plain = plainCount(text, from: 0)
    guard plain < text.count else { return appendPlain(text, to: &bytes) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(text.extracting(0..<plain))
    var at = plain
    while at < text.count {
      appendEscape(of: text[at], to: &bytes)
      at += 1
      let run = plainCount(text, from: at)
      bytes.append(text.extracting(at..<(at + run)))
      at += run
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// What nearly every text is: nothing to escape. One growth, one copy.
  private static func appendPlain(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: text.count + 2) { output in
      output.append(UInt8(ascii: "\""))
      output.append(copying: text)
      output.append(UInt8(ascii: "\""))
    }
  }

  private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    default: appendEscape(ofUnit: UInt16(byte), to: &bytes)
    }
  }

  /// Appends `\uxxxx`, in lower case, for a UTF-16 code unit.
  package static func appendEscape(ofUnit unit: UInt16, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    bytes.append(UInt8(ascii: "u"))
    for shift in [12, 8, 4, 0] as [UInt16] {
      bytes.append(Hex.digit(UInt8(unit >> shift & 0xf)))
    }
  }

  // MARK: Runs

  /// How many bytes from `start` on need no escape.
  static func plainCount(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var at = start
    let lastEight = bytes.count - 8
    guard at <= lastEight else {
      while at < bytes.count, !needsEscape(bytes[at]) { at += 1 }
      return at - start
    }
    while true {
      // All eight bytes are inside the span, and any bytes make an integer.
      let eight = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)
      let marks = escapeMarks(UInt64(littleEndian: eight))
      if marks != 0 { return at - start + marks.trailingZeroBitCount / 8 }
      if at == lastEight { return bytes.count - start }
      // The last eight, of which some were looked at already, in place of the rest one by one.
      at = min(at + 8, lastEight)
    }
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7f
  }

  /// `needsEscape` of eight bytes at once, the first of them lowest: the highest bit of the first
  /// byte that does is set, and no bit below that. What is above it means nothing.
  private static func escapeMarks(_ eight: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    // A byte less than `n` borrows into its own highest bit; one that had that bit set is no match.
    func below(_ n: UInt64, _ bytes: UInt64) -> UInt64 { (bytes &- ones &* n) & ~bytes }
    let marks =
      below(0x20, eight) | below(1, eight ^ (ones &* 0x22)) | below(1, eight ^ (ones &* 0x5c))
      | below(1, eight ^ (ones &* 0x7f))
    return marks & (ones &* 0x80)
  }
}
