/// What a model costs. Prices of tokens are in whole pico-dollars, all others in nano-dollars.
///
/// A class, because every open exchange refers to its model's prices and none changes them.
package final class Prices: Sendable, Equatable {
  /// Where the prompt is longer than `promptTokens`, cached parts included, these prices are for the
  /// whole request.
  package struct Above: Sendable, Equatable {
    package let promptTokens: Int64
    package let tokens: TokenPrices

    package init(promptTokens: Int64, tokens: TokenPrices) {
      self.promptTokens = promptTokens
      self.tokens = tokens
    }
  }

  /// The prices of tokens in one tier of service.
  package struct Rates: Sendable, Equatable {
    package let tokens: TokenPrices
    package let above: Above?

    package init(tokens: TokenPrices, above: Above? = nil) {
      self.tokens = tokens
      self.above = above
    }
  }

  /// The prices of everything but tokens, in nano-dollars; nil where there is none.
  package struct Others: Sendable, Equatable {
    package var perRequest: Int64?
    /// Of audio.
    package var perMinute: Int64?
    package var perImage: Int64?
    package var perThousandWebSearches: Int64?
    package var perThousandFileSearches: Int64?
    /// Of a rerank: each provider's own unit.
    package var perThousandRerankUnits: Int64?

    package init() {}
  }

  /// Where no tier has prices of its own.
  package let standard: Rates
  /// Of tiers that have prices of their own; `fast` is among them as `priority`.
  private let tiers: [ServiceTier: Rates]
  /// What the price is multiplied by in a region, in thousandths.
  private let regions: [ServedRegion: Int64]
  package let others: Others
  /// Whether any price of tokens is stated; a model may be billed by call, by minute or by picture only.
  package let pricesTokens: Bool
  /// Which prices these are, in records: equal for equal prices.
  package let revision: String

  /// `revision` makes a short name of all prices, which it is given as one text.

  package init(
    standard: Rates, tiers: [ServiceTier: Rates] = [:], regions: [ServedRegion: Int64] = [:],
    others: Others = Others(), pricesTokens: Bool = true, revision: (String) -> String = { _ in "" }
  ) {
    self.standard = standard
    self.tiers = tiers
    self.regions = regions
    self.others = others
    self.pricesTokens = pricesTokens
    self.revision = revision(Self.text(standard, tiers, regions, others))
    factorMax = max(1_000, regions.values.max() ?? 0)
  }

  /// Prices in nano-dollars, of a model without tiers. A nil price of cached tokens means the price of
  /// prompt tokens.
  package convenience init(
    promptNanos: Int64, cachedPromptNanos: Int64? = nil, cacheWritePromptNanos: Int64? = nil,
    completionNanos: Int64, perRequestNanos: Int64?
  ) {
    var others = Others()
    others.perRequest = perRequestNanos
    let picos = { (nanos: Int64) in nanos.multipliedReportingOverflow(by: 1_000) }
    func saturated(_ nanos: Int64) -> Int64 {
      let (value, isOver) = picos(nanos)
      return isOver ? .max : value
    }
    self.init(
      standard: Rates(
        tokens: TokenPrices([
          .prompt: saturated(promptNanos), .completion: saturated(completionNanos),
          .cachedPrompt: saturated(cachedPromptNanos ?? promptNanos),
          .cacheWritePrompt: saturated(cacheWritePromptNanos ?? promptNanos),
        ])), others: others)
  }

  /// Everything costs 0.
  package static let free = Prices(promptNanos: 0, completionNanos: 0, perRequestNanos: 0)

  /// All prices as one text, the same for equal prices.
  private static func text(
    _ standard: Rates, _ tiers: [ServiceTier: Rates], _ regions: [ServedRegion: Int64],
    _ others: Others
  ) -> String {
    func list(_ rates: Rates) -> String {
      var words = TokenKind.allCases.map { "\(rates.tokens[$0])" }
      if let above = rates.above {
        words.append(">\(above.promptTokens)")
        words += TokenKind.allCases.map { "\(above.tokens[$0])" }
      }
      return words.joined(separator: " ")
    }
    var lines = ["standard " + list(standard)]
    lines += tiers.map { "\($0.rawValue) \(list($1))" }.sorted()
    lines += regions.map { "\($0.rawValue) \($1)" }.sorted()
    let rest = [
      others.perRequest, others.perMinute, others.perImage, others.perThousandWebSearches,
      others.perThousandFileSearches, others.perThousandRerankUnits,
    ]
    lines.append(rest.map { $0.map(String.init) ?? "-" }.joined(separator: " "))
    return lines.joined(separator: "\n")
  }

  package static func == (left: Prices, right: Prices) -> Bool {
    left === right
      || left.standard == right.standard && left.tiers == right.tiers
        && left.regions == right.regions && left.others == right.others
        && left.pricesTokens == right.pricesTokens
  }

  /// The tier of that name which has prices of its own; nil where the standard ones apply.
  package func pricedTier(_ tier: ServiceTier?) -> ServiceTier? {
    guard let tier else { return nil }
    let named = tier == .fast ? ServiceTier.priority : tier
    return tiers[named] == nil ? nil : named
  }

  /// The prices of tokens in that tier, for a prompt of that length, and whether it is a long one.
  ///
  /// Where a tier says nothing of long prompts and the standard prices do, each price is the larger one
  /// of the two: never too little.
  package func tokens(
    in tier: ServiceTier?, promptTokens: Int64
  ) -> (prices: TokenPrices, isAbove: Bool) {
    let rates = pricedTier(tier).flatMap { tiers[$0] } ?? standard
    if let above = rates.above {
      return promptTokens > above.promptTokens ? (above.tokens, true) : (rates.tokens, false)
    }
    if let above = standard.above, promptTokens > above.promptTokens {
      return (rates.tokens.larger(above.tokens), true)
    }
    return (rates.tokens, false)
  }

  /// The dearest that a token of the prompt's text and one of the answer can be, in thousandths of a
  /// pico-dollar: of the standard tier and the one that is asked for, in the dearest region.
  package func dearest(
    tier: ServiceTier?, promptTokens: Int64
  ) -> (prompt: Int128, completion: Int128) {
    let standard = tokens(in: nil, promptTokens: promptTokens).prices
    let factor = Int128(factorMax)
    guard pricedTier(tier) != nil else {
      return (Int128(standard[.prompt]) * factor, Int128(standard[.completion]) * factor)
    }
    let asked = tokens(in: tier, promptTokens: promptTokens).prices
    return (
      Int128(max(standard[.prompt], asked[.prompt])) * factor,
      Int128(max(standard[.completion], asked[.completion])) * factor
    )
  }

  /// Thousandths of a pico-dollar as nano-dollars, rounded up; and the other way.
  package static func nanosRoundedUp(_ fine: Int128) -> Int128 { (fine + 999_999) / 1_000_000 }
  package static func fineUnits(ofNanos nanos: Int64) -> Int128 { Int128(nanos) * 1_000_000 }

  /// What prices are multiplied by in that region, in thousandths.
  package func factor(in region: ServedRegion?) -> Int64 {
    region.flatMap { regions[$0] } ?? 1_000
  }

  /// The largest of all factors, in thousandths.
  private let factorMax: Int64
}

/// Where an answer says it was computed.
package enum ServedRegion: String, Sendable, CaseIterable { case us, eu, global, other }
