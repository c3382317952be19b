import Terms

/// The most that an exchange may use, as far as it is known at admission. It is what is reserved.
package struct Demand: Sendable, Equatable {
  /// The estimate of the prompt.
  package var promptTokens: Int64
  /// The bound of the answer, for all choices together: already multiplied by `n`.
  package var completionTokens: Int64
  /// The same for limits on money, which always reserve for the longest answer there may be. Never
  /// less than `completionTokens`.
  package var completionTokensMost: Int64
  /// Whether the client stated the bound of the answer. If it did not, Tollgate chose the bound,
  /// and cuts it to what the limits could ever admit.
  package var isBoundStated: Bool
  /// The model's prices, for limits on money.
  package var prices: Prices
  /// The tier of service that the request asks for; nil for the provider's own choice.
  package var tier: ServiceTier?
  /// How many pictures it asks for, where it asks for pictures; else 0.
  package var pictures: Int64 = 0
  /// How many calls of hosted tools it allows, each of which may be the dearest search.
  package var toolCalls: Int64 = 0

  /// Token counts must not be negative.
  package init(
    promptTokens: Int64, completionTokens: Int64, completionTokensMost: Int64 = 0,
    isBoundStated: Bool, prices: Prices = .free, tier: ServiceTier? = nil, pictures: Int64 = 0,
    toolCalls: Int64 = 0
  ) {
    precondition(promptTokens >= 0 && completionTokens >= 0, "tokens are not negative")
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.completionTokensMost = max(completionTokens, completionTokensMost)
    self.isBoundStated = isBoundStated
    self.prices = prices
    self.tier = tier
    self.pictures = pictures
    self.toolCalls = toolCalls
  }

  /// The price of the request, the prompt and the longest answer, in the dearer one of the standard tier
  /// and the tier that is asked for. A sum that does not fit in an Int64 becomes `Int64.max`, which
  /// exceeds every limit.
  package var nanoDollars: Int64 {
    let dearest = prices.dearest(tier: tier, promptTokens: promptTokens)
    return Int64(
      saturating: fixedNanos
        + Prices.nanosRoundedUp(
          Int128(min(promptTokens, TokenPrices.tokensMax)) * dearest.prompt
            + Int128(min(completionTokensMost, TokenPrices.tokensMax)) * dearest.completion)
    )
  }

  /// What does not depend on tokens.
  private var fixedNanos: Int128 {
    let others = prices.others
    let perThousand = max(others.perThousandWebSearches ?? 0, others.perThousandFileSearches ?? 0)
    return Int128(others.perRequest ?? 0) + Int128(others.perImage ?? 0) * Int128(pictures)
      + (Int128(perThousand) * Int128(toolCalls) + 999) / 1_000
  }

  /// What a limit of that kind must have left.
  func need(_ kind: LimitKind) -> Int64 {
    switch kind {
    case .requests, .concurrent: 1
    case .tokens: promptTokens.plusSaturating(completionTokens)
    case .promptTokens: promptTokens
    case .completionTokens: completionTokens
    case .usd: nanoDollars
    }
  }

  /// Cuts the answer's tokens to what a limit of `capacity` could ever admit together with the
  /// prompt: a limit on tokens cuts what limits on tokens reserve, one on money both. The prompt is
  /// never cut: a prompt that is too large by itself is refused.
  mutating func cutOutput(toFit capacity: Int64, of kind: LimitKind) {
    switch kind {
    case .requests, .concurrent, .promptTokens: return
    case .tokens:
      completionTokens = min(completionTokens, max(0, capacity - min(capacity, promptTokens)))
    case .completionTokens: completionTokens = min(completionTokens, capacity)
    case .usd:
      let price = prices.dearest(tier: tier, promptTokens: promptTokens).completion
      guard price > 0 else { return }
      var promptOnly = self
      promptOnly.completionTokensMost = 0
      let left = max(0, capacity - min(capacity, promptOnly.nanoDollars))
      completionTokensMost = min(
        completionTokensMost, Int64(saturating: Prices.fineUnits(ofNanos: left) / price))
      completionTokens = min(completionTokens, completionTokensMost)
    }
  }
}

extension Demand {
  /// Nothing.
  static let none = Demand(promptTokens: 0, completionTokens: 0, isBoundStated: true)
}
