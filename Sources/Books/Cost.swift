import Inference
import Terms

/// What an exchange cost, and what that is made of.
package struct Cost: Sendable, Equatable {
  /// What is charged to limits on money, in nano-dollars, rounded up once. Of what has no price,
  /// nothing.
  package var nanoDollars: Int64
  /// Whether `nanoDollars` is all of it: nothing was used that has no price.
  package var isWhole: Bool
  package var parts: CostParts
}

extension Prices {
  /// Thousandths of a unit, or milliseconds, that are counted in one price.
  private static let millisecondsPerMinute: Int128 = 60_000

  /// What a usage costs. Every number may come from a record on disk: none is taken for negative, and no
  /// sum overflows.
  ///
  /// The prompt's tokens are charged once each: those read from a cache, written to one, of sound and of
  /// pictures at their prices, as far as the whole prompt goes, and the rest as text.
  package func cost(of usage: MeteredUsage) -> Cost {
    var cost = Cost(nanoDollars: 0, isWhole: true, parts: CostParts())
    cost.parts.revision = revision
    let prompt = Int64(max(0, usage.prompt ?? 0))
    let (tokens, isAbove) = tokens(in: usage.tier, promptTokens: prompt)
    cost.parts.tier = pricedTier(usage.tier)
    cost.parts.isAbove = isAbove
    cost.parts.tokens = Self.amounts(usage)
    if let tier = usage.tier, cost.parts.tier == nil, tier.costsApart {
      cost.parts.unpriced = [.tier]
    }

    let picos = tokens.picos(of: cost.parts.tokens)
    // In pico-dollars times milliseconds of a minute, so that nothing is rounded before the end.
    let factor = Int128(factor(in: usage.region))
    if factor != 1_000 { cost.parts.region = usage.region }
    var scaled = picos * factor * (Self.millisecondsPerMinute / 1_000)
    scaled += Int128(others.perRequest ?? 0) * 1_000 * Self.millisecondsPerMinute
    let hasTokens = usage.prompt != nil || usage.completion != nil
    let isByCall = (others.perRequest ?? 0) > 0 && !pricesTokens

    /// `amount` in thousandths; `price` in nano-dollars for `count` of them.
    func add(
      _ amount: Int64?, _ price: Int64?, per count: Int128, _ what: Unpriced, beside: Bool
    ) {
      guard let amount, amount > 0 else { return }
      guard let price else {
        // What tokens or calls pay for needs no price of its own.
        if !beside || !(hasTokens && pricesTokens || isByCall) { cost.parts.unpriced.append(what) }
        return
      }
      scaled +=
        Int128(min(amount, TokenPrices.tokensMax)) * Int128(price) * Self.millisecondsPerMinute
        / count
    }
    let units = usage.units
    add(units[.seconds], others.perMinute, per: 60, .seconds, beside: true)
    let rerank =
      units[.searchUnits].map { max($0, units[.rerankUnits] ?? 0) } ?? units[.rerankUnits]
    add(rerank, others.perThousandRerankUnits, per: 1_000, .rerankUnits, beside: true)
    add(units[.images], others.perImage, per: 1, .images, beside: true)
    add(
      units[.webSearches], others.perThousandWebSearches, per: 1_000, .webSearches, beside: false)
    add(
      units[.fileSearches], others.perThousandFileSearches, per: 1_000, .fileSearches,
      beside: false)
    let perNano: Int128 = 1_000 * Self.millisecondsPerMinute
    cost.nanoDollars = Int64(clamping: (scaled + perNano - 1) / perNano)
    cost.isWhole = cost.parts.unpriced.allSatisfy { $0 == .tier }
    return cost
  }

  /// The tokens of each kind, each counted once.
  private static func amounts(_ usage: MeteredUsage) -> TokenAmounts {
    var amounts = TokenAmounts()
    func count(_ count: Int?) -> Int64 { Int64(max(0, count ?? 0)) }
    func take(_ most: Int64, as kind: TokenKind, from left: inout Int64) {
      amounts[kind] = min(left, most)
      left -= amounts[kind]
    }
    var prompt = count(usage.prompt)
    let written = count(usage.cacheWritePrompt)
    let hour = min(count(usage.cacheWrite1hPrompt), written)
    take(count(usage.cachedPrompt), as: .cachedPrompt, from: &prompt)
    take(hour, as: .cacheWrite1hPrompt, from: &prompt)
    take(written - hour, as: .cacheWritePrompt, from: &prompt)
    take(count(usage.promptAudio), as: .promptAudio, from: &prompt)
    take(count(usage.promptImage), as: .promptImage, from: &prompt)
    amounts[.prompt] = prompt
    var completion = count(usage.completion)
    take(count(usage.completionAudio), as: .completionAudio, from: &completion)
    take(count(usage.completionImage), as: .completionImage, from: &completion)
    amounts[.completion] = completion
    return amounts
  }
}
