/// How many bytes of text one model's token is, learned from what its provider reports.
///
/// Two sums in which a sample's weight fades by one sixteenth with every later one; integers, so
/// that the same samples give the same estimate everywhere.
package struct ByteRatio: Sendable, Equatable {
  /// Before anything is known: four bytes a token, with the weight of 64 tokens.
  static let priorBytes = 256
  static let priorTokens = 64
  /// No tokenizer packs more on average; and no token is less than a byte.
  static let bytesPerTokenMax = 16
  /// A long sample counts like one of so many bytes.
  static let sampleBytesMax = 1 << 16
  /// The sums are kept in units of 2⁻¹⁶ byte or token.
  private static let scale = 1 << 16
  private static let fadeShift = 4

  private(set) var bytes = priorBytes * scale
  private(set) var tokens = priorTokens * scale

  package init() {}

  /// Restores what `state` saved; nil if that cannot be.
  package init?(state: [Int64]) {
    guard state.count == 2, let bytes = Int(exactly: state[0]), let tokens = Int(exactly: state[1]),
      (1...Self.sumMax).contains(bytes), (1...Self.sumMax).contains(tokens)
    else { return nil }
    self.bytes = bytes
    self.tokens = tokens
  }

  package var state: [Int64] { [Int64(bytes), Int64(tokens)] }

  /// No sum of samples comes to more.
  private static let sumMax = (sampleBytesMax << (fadeShift + 1)) * scale

  /// So many bytes were so many tokens. A sample beyond all reason counts as one at its edge.
  package mutating func learn(bytes sampleBytes: Int, tokens sampleTokens: Int) {
    guard sampleBytes > 0, sampleTokens > 0 else { return }
    var sample = (bytes: sampleBytes, tokens: min(sampleTokens, sampleBytes))
    sample.tokens = max(sample.tokens, (sample.bytes - 1) / Self.bytesPerTokenMax + 1)
    var units = sample.tokens << 16
    if sample.bytes > Self.sampleBytesMax {
      units = Self.scaled(sample.tokens, by: Self.sampleBytesMax << 16, over: sample.bytes)
      sample.bytes = Self.sampleBytesMax
    }
    bytes = bytes - bytes >> Self.fadeShift + sample.bytes << 16
    tokens = tokens - tokens >> Self.fadeShift + units
  }

  /// The tokens that so many bytes are likely to be, rounded up.
  package func tokens(forBytes count: Int) -> Int {
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
