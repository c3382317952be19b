import Bytes

/// Counts how many bytes of a string value are text for the model, after unescaping. A lone surrogate
/// counts as three bytes.
///
/// A data URI counts as nothing (RFC 2397: `data:`, then no space, no control character and nothing
/// outside ASCII), and so does a string of at least 256 bytes that has only characters of the base64
/// alphabets. These hold images, sound or files, which are not billed by the bytes of their encoding.
struct TextTally {
  /// A shorter string of letters and digits may be ordinary words, and counts.
  static let base64BytesMin = 256

  private(set) var byteCount = 0
  private var mayBeBase64 = true
  private var mayBeDataURI = true

  /// The bytes that count, once the string has ended.
  var textBytes: Int {
    if mayBeDataURI && byteCount >= 5 { return 0 }
    return mayBeBase64 && byteCount >= Self.base64BytesMin ? 0 : byteCount
  }

  /// Whether the string can no longer be base64 or a data URI: then the rest is only counted.
  var isProse: Bool { !mayBeBase64 && !mayBeDataURI }

  /// Adds bytes of prose, unescaped.
  mutating func add(proseBytes: Int) { byteCount += proseBytes }

  /// Looks at the first bytes of a string, to find out early that it is prose: most texts have a space
  /// or another sign among them that base64 does not have.
  mutating func foresee(_ bytes: Span<UInt8>, from start: Int) {
    guard bytes[start] != UInt8(ascii: "d") else { return }
    let end = start + ByteRun.base64(bytes, from: start)
    // A quote or a backslash decides nothing; a control character or broken UTF-8 fails later anyway.
    guard end < bytes.count, end < start + 64, bytes[end] != UInt8(ascii: "\""),
      bytes[end] != UInt8(ascii: "\\")
    else { return }
    mayBeDataURI = false
    mayBeBase64 = false
  }

  /// Adds bytes that need no unescaping. `last`: the string ends with them.
  mutating func add(_ bytes: Span<UInt8>, last: Bool) {
    if mayBeDataURI { checkDataURI(bytes) }
    byteCount += bytes.count
    if mayBeBase64, !last || byteCount >= Self.base64BytesMin {
      mayBeBase64 = ByteRun.isBase64(bytes)
    }
  }

  /// Adds a scalar from an escape, or from a UTF-8 sequence that was cut between two chunks.
  mutating func add(_ scalar: UInt32) {
    if mayBeDataURI {
      mayBeDataURI =
        byteCount < 5 ? scalar == Self.scheme(byteCount) : scalar > 0x20 && scalar < 0x80
    }
    if mayBeBase64 {
      mayBeBase64 = scalar < 0x80 && ByteRun.isBase64(UInt8(scalar))
    }
    byteCount += UTF8Sequence.byteCount(of: scalar)
  }

  private mutating func checkDataURI(_ bytes: Span<UInt8>) {
    var index = 0
    while index < bytes.count, byteCount + index < 5 {
      if UInt32(bytes[index]) != Self.scheme(byteCount + index) {
        mayBeDataURI = false
        return
      }
      index += 1
    }
    mayBeDataURI = ByteRun.isVisible(bytes, from: index)
  }

  /// The byte of `data:` at an index.
  private static func scheme(_ index: Int) -> UInt32 {
    switch index {
    case 0: 0x64
    case 1, 3: 0x61
    case 2: 0x74
    default: 0x3A
    }
  }
}
