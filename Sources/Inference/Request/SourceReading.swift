import Bytes

/// What is known of the `source` of a part (Anthropic) while it is read. Its `data` is a picture or a
/// file only where its type is `base64`; else it is text. The type may come last.
struct SourceReading {
  private var isBase64 = false
  private var isOther = false
  private var asText = 0
  private var asMedia = MediaReading.Weight()

  mutating func take(type: Span<UInt8>) {
    if type.elementsEqual("base64") { isBase64 = true } else { isOther = true }
  }

  mutating func take(data: MediaReading) {
    asText += data.byteCount
    asMedia.textBytes += data.weight.textBytes
    asMedia.tokens += data.weight.tokens
  }

  /// What its data weighs, once it has ended.
  var weight: MediaReading.Weight {
    isBase64 && !isOther ? asMedia : MediaReading.Weight(textBytes: asText)
  }
}
