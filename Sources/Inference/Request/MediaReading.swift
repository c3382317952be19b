import Bytes

/// Reads a string that stands where a picture, sound or a file is, and tells what it weighs. Only what
/// really is one weighs other than its bytes: a `data:` URI in base64 of a known media type, or base64
/// that begins as one of the known formats does.
struct MediaReading {
  /// A weight: bytes of text, and tokens beside them.
  struct Weight: Equatable {
    var textBytes = 0
    var tokens = 0
  }

  /// The tokens of a picture, whatever its size: about the most that providers count for one.
  static let pictureTokens = 1_600
  /// Bytes of sound or video for a token. Providers count 10 to 32 tokens a second; speech has 4,000
  /// bytes a second and more.
  static let soundBytesPerToken = 400
  /// Bytes of a PDF for a token: a page has 50,000 to 100,000 bytes and is 1,500 to 3,000 tokens.
  static let documentBytesPerToken = 32
  /// The bytes that tell what it is.
  private static let headBytesMax = 64

  /// Whether it stands where sound is: there all base64 is taken for it.
  private let isSound: Bool
  private var head = InlineArray<64, UInt8>(repeating: 0)
  private(set) var byteCount = 0

  init(isSound: Bool) { self.isSound = isSound }

  /// Adds bytes that need no unescaping.
  mutating func add(_ run: Span<UInt8>) {
    for index in run.indices {
      guard byteCount + index < Self.headBytesMax else { break }
      head[byteCount + index] = run[index]
    }
    byteCount += run.count
  }

  /// Adds a scalar from an escape or a sequence.
  mutating func add(_ scalar: UInt32) {
    // One outside ASCII is in no data URI and in no base64.
    if byteCount < Self.headBytesMax { head[byteCount] = scalar < 0x80 ? UInt8(scalar) : 0xFF }
    byteCount += UTF8Sequence.byteCount(of: scalar)
  }

  private enum Kind { case picture, sound, document, address }

  /// What the whole string weighs, once it has ended.
  var weight: Weight {
    let text = head.span.extracting(first: min(byteCount, Self.headBytesMax))
    switch kind(text) {
    case nil: return Weight(textBytes: byteCount)
    case .address: return Weight(textBytes: byteCount, tokens: Self.pictureTokens)
    case .picture: return Weight(tokens: Self.pictureTokens)
    case .sound: return Weight(tokens: decodedBytes / Self.soundBytesPerToken + 1)
    case .document: return Weight(tokens: decodedBytes / Self.documentBytesPerToken + 1)
    }
  }

  /// Four characters of base64 are three bytes (RFC 4648, 4).
  private var decodedBytes: Int { byteCount / 4 * 3 }

  private func kind(_ text: Span<UInt8>) -> Kind? {
    if text.starts(with: "https://") || text.starts(with: "http://") { return .address }
    if text.starts(with: "data:") { return Self.kind(ofURI: text) }
    if isSound { return !text.isEmpty && ByteRun.isBase64(text) ? .sound : nil }
    if text.starts(with: "iVBORw0KGgo") || text.starts(with: "/9j/")
      || text.starts(with: "R0lGOD") || text.starts(with: "UklGR")
    {
      return .picture
    }
    return text.starts(with: "JVBERi0") ? .document : nil
  }

  /// RFC 2397, with `;base64`.
  private static func kind(ofURI text: Span<UInt8>) -> Kind? {
    guard let comma = text.indices.first(where: { text[$0] == UInt8(ascii: ",") }), comma >= 12,
      text.extracting(comma - 7..<comma).elementsEqual(";base64")
    else { return nil }
    let type = text.extracting(5..<comma)
    if type.starts(with: "image/") { return .picture }
    if type.starts(with: "audio/") || type.starts(with: "video/") { return .sound }
    return type.starts(with: "application/pdf") ? .document : nil
  }
}
