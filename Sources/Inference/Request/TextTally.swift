import Bytes

/// How much of a string value is text that a model will read.
///
/// Counted are the bytes after unescaping (a lone surrogate as three). Nothing counts of a data URI
/// (`data:` and then neither space, control nor anything outside ASCII: RFC 2397), and nothing of a
/// string of at least 256 bytes that has only characters of the base64 alphabets: they are images,
/// sound and files, and are billed by other measures.
struct TextTally {
  /// A shorter run of letters and digits may well be a word.
  static let base64BytesMin = 256

  private(set) var byteCount = 0
  private var mayBeBase64 = true
  private var mayBeDataURI = true

  /// What counts, when the string has ended.
  var textBytes: Int {
    if mayBeDataURI && byteCount >= 5 { return 0 }
    return mayBeBase64 && byteCount >= Self.base64BytesMin ? 0 : byteCount
  }

  /// Whether the string is neither base64 nor a data URI, whatever follows: only its bytes count.
  var isProse: Bool { !mayBeBase64 && !mayBeDataURI }

  /// Adds bytes of prose, unescaped.
  mutating func add(proseBytes: Int) { byteCount += proseBytes }

  /// Looks at the beginning of a string: most are seen to be prose by their first space.
  mutating func foresee(_ bytes: Span<UInt8>, from start: Int) {
    guard bytes[start] != UInt8(ascii: "d") else { return }
    let end = start + ByteRun.base64(bytes, from: start)
    // What ends a string or escapes says nothing; a control or broken UTF-8 ends the scan anyway.
    guard end < bytes.count, end < start + 64, bytes[end] != UInt8(ascii: "\""),
      bytes[end] != UInt8(ascii: "\\")
    else { return }
    mayBeDataURI = false
    mayBeBase64 = false
  }

  /// The next bytes, which stand for themselves. `last`: the string ends with them.
  mutating func add(_ bytes: Span<UInt8>, last: Bool) {
    if mayBeDataURI { checkDataURI(bytes) }
    byteCount += bytes.count
    if mayBeBase64, !last || byteCount >= Self.base64BytesMin {
      mayBeBase64 = ByteRun.isBase64(bytes)
    }
  }

  /// The next scalar, from an escape or a sequence that was cut.
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

  private static func scheme(_ index: Int) -> UInt32 {
    switch index {
    case 0: 0x64
    case 1, 3: 0x61
    case 2: 0x74
    default: 0x3A
    }
  }
}
