/// The kinds of tokens that may have a price of their own. The raw value is the name in the policy and in
/// records.
package enum TokenKind: String, Sendable, CaseIterable {
  /// Of the prompt: text that no cache had a part in; read from a cache; written to one for minutes, or
  /// for an hour; sound; pictures.
  case prompt
  case cachedPrompt = "cached_prompt"
  case cacheWritePrompt = "cache_write_prompt"
  case cacheWrite1hPrompt = "cache_write_1h_prompt"
  case promptAudio = "prompt_audio"
  case promptImage = "prompt_image"
  /// Of the answer: text, reasoning included; sound; pictures.
  case completion
  case completionAudio = "completion_audio"
  case completionImage = "completion_image"

  /// Whose price it has where none is stated; nil for the two that stand for themselves.
  package var fallback: TokenKind? {
    switch self {
    case .prompt, .completion: nil
    case .cachedPrompt, .cacheWritePrompt, .promptAudio, .promptImage: .prompt
    case .cacheWrite1hPrompt: .cacheWritePrompt
    case .completionAudio, .completionImage: .completion
    }
  }

  fileprivate var index: Int {
    switch self {
    case .prompt: 0
    case .cachedPrompt: 1
    case .cacheWritePrompt: 2
    case .cacheWrite1hPrompt: 3
    case .promptAudio: 4
    case .promptImage: 5
    case .completion: 6
    case .completionAudio: 7
    case .completionImage: 8
    }
  }
}

/// One number for each kind of tokens.
package struct TokenAmounts: Sendable, Equatable {
  private var amounts = InlineArray<9, Int64>(repeating: 0)

  package init() {}

  package subscript(kind: TokenKind) -> Int64 {
    get { amounts[kind.index] }
    set { amounts[kind.index] = newValue }
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.amounts.indices.allSatisfy { left.amounts[$0] == right.amounts[$0] }
  }

  /// The sum of the products with another one's numbers, each of these at most `most`.
  fileprivate func times(_ other: Self, most: Int64) -> Int128 {
    var sum: Int128 = 0
    for index in amounts.indices {
      sum += Int128(min(amounts[index], most)) * Int128(other.amounts[index])
    }
    return sum
  }
}

/// Prices of tokens, in pico-dollars for each.
package struct TokenPrices: Sendable, Equatable {
  private var picos = TokenAmounts()

  /// Larger numbers count as these, so that no sum of costs overflows: a thousand dollars a token, and as
  /// many tokens as a count can be.
  package static let picosMax: Int64 = 1_000_000_000_000_000
  package static let tokensMax: Int64 = 1 << 53

  /// A kind that is not stated has the price of its fallback; prompt and completion then are free.
  package init(_ stated: [TokenKind: Int64]) {
    for kind in TokenKind.allCases {
      var source: TokenKind? = kind
      while let one = source, stated[one] == nil { source = one.fallback }
      picos[kind] = min(source.flatMap { stated[$0] } ?? 0, Self.picosMax)
    }
  }

  package subscript(kind: TokenKind) -> Int64 { picos[kind] }

  /// The larger price of each kind.
  package func larger(_ other: TokenPrices) -> TokenPrices {
    var result = self
    for kind in TokenKind.allCases { result.picos[kind] = max(picos[kind], other.picos[kind]) }
    return result
  }

  /// What these tokens cost together, in pico-dollars.
  package func picos(of amounts: TokenAmounts) -> Int128 {
    amounts.times(picos, most: Self.tokensMax)
  }
}
