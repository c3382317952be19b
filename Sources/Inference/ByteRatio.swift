/// How many bytes of text a token of one model has on average, learned from the usage that its
/// provider reports.
///
/// Kept as two exponentially weighted sums, of bytes and of tokens: every new sample takes one
/// sixteenth off the weight of all earlier ones. No sample moves the ratio by more than a quarter, so
/// that one odd text cannot spoil it. All arithmetic is on integers, so the same samples give the
/// same estimate on every machine.
struct ByteRatio: Sendable, Equatable {
  /// The start values, before the first sample: 256 bytes for 64 tokens, four bytes a token.
  static let priorBytes = 256
  static let priorTokens = 64
  /// The most bytes a token is taken to have on average, and so a bound on every sample and estimate:
  /// twice what is taken at the start, because whoever teaches a ratio too high reserves too little
  /// later. The other bound is one byte a token.
  static let bytesPerTokenMax = 8
  /// A text is plausible up to this many bytes a token (blanks, and little else)...
  static let plausibleBytesPerTokenMax = 32
  /// ...and up to this many tokens a byte, beside `plausibleTokensMore` that are not of the text: a
  /// chat template, a picture. What is beyond is a mistake or a lie, and teaches nothing.
  static let plausibleTokensPerByteMax = 2
  static let plausibleTokensMore = 256
  /// A sample of more bytes is scaled down to this many, so that one long text does not outweigh all
  /// others.
  static let sampleBytesMax = 1 << 16
  /// The sums are kept in units of 2⁻¹⁶ byte or token.
  private static let scale = 1 << 16
  private static let fadeShift = 4

  private(set) var bytes = priorBytes * scale
  private(set) var tokens = priorTokens * scale

  init() {}

  /// Restores a saved `state`; nil if the numbers cannot come from one.
  init?(state: [Int64]) {
    guard state.count == 2, let bytes = Int(exactly: state[0]), let tokens = Int(exactly: state[1]),
      (1...Self.sumMax).contains(bytes), (1...Self.sumMax).contains(tokens)
    else { return nil }
    self.bytes = bytes
    self.tokens = tokens
  }

  /// What was learned, to be saved: the two sums, bytes first, in units of 2⁻¹⁶.
  var state: [Int64] { [Int64(bytes), Int64(tokens)] }

  /// An upper bound of both sums: the sums of ever the largest samples stay below it.
  private static let sumMax = (sampleBytesMax << (fadeShift + 1)) * scale

  /// Whether a text of that many bytes can have as few tokens as that. Without bytes there is nothing
  /// to compare with, and any count will do.
  static func isEnough(tokens: Int, forBytes bytes: Int) -> Bool {
    bytes <= 0 ? tokens >= 0 : tokens > (bytes - 1) / plausibleBytesPerTokenMax
  }

  /// Learns that a text of `bytes` had `tokens`, if that is plausible. A ratio outside
  /// 1...`bytesPerTokenMax` bytes a token counts as the nearest bound; a sample of 0 or less is
  /// ignored. Returns whether it was learned.
  mutating func learn(bytes sampleBytes: Int, tokens sampleTokens: Int) -> Bool {
    guard sampleBytes > 0, sampleTokens > 0,
      Self.isEnough(tokens: sampleTokens, forBytes: sampleBytes),
      (sampleTokens - Self.plausibleTokensMore) / Self.plausibleTokensPerByteMax <= sampleBytes
    else { return false }
    var sample = (bytes: sampleBytes, tokens: min(sampleTokens, sampleBytes))
    sample.tokens = max(sample.tokens, (sample.bytes - 1) / Self.bytesPerTokenMax + 1)
    var units = sample.tokens << 16
    if sample.bytes > Self.sampleBytesMax {
      units = Self.scaled(sample.tokens, by: Self.sampleBytesMax << 16, over: sample.bytes)
      sample.bytes = Self.sampleBytesMax
    }
    let before = self
    bytes = bytes - bytes >> Self.fadeShift + sample.bytes << 16
    tokens = tokens - tokens >> Self.fadeShift + units
    // Both sums are below 2⁴⁰: no product with a small number overflows.
    let most = Self.scaled(bytes, by: before.tokens * 5, over: before.bytes * 4)
    let least = Self.scaled(bytes, by: before.tokens * 4, over: before.bytes * 5)
    tokens = min(max(tokens, least), most, Self.sumMax)
    return true
  }

  /// Which of two ratios has more tokens for the same bytes.
  static func hasFewerTokens(_ a: ByteRatio, _ b: ByteRatio) -> Bool {
    let (left, right) = (
      a.tokens.multipliedFullWidth(by: b.bytes), b.tokens.multipliedFullWidth(by: a.bytes)
    )
    return (left.high, left.low) < (right.high, right.low)
  }

  /// The estimated tokens of a text of `count` bytes, rounded up.
  func tokens(forBytes count: Int) -> Int {
    guard count > 0 else { return 0 }
    let estimate = Self.scaled(count, by: tokens, over: bytes)
    return min(max(estimate, (count - 1) / Self.bytesPerTokenMax + 1), count)
  }

  /// `value * factor / divisor`, rounded up, without overflow; at most `Int.max`.
  private static func scaled(_ value: Int, by factor: Int, over divisor: Int) -> Int {
    let product = value.multipliedFullWidth(by: factor)
    guard product.high < divisor else { return .max }
    let (quotient, remainder) = divisor.dividingFullWidth(product)
    return remainder > 0 ? quotient + 1 : quotient
  }
}
