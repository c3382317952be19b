/// What a cost is made of, so that an invoice can be explained line by line. The prices themselves are in
/// the policy; `revision` says in which.
package struct CostParts: Sendable, Equatable {
  /// Tokens by the price that they have, each counted once.
  package var tokens = TokenAmounts()
  /// The tier whose prices apply; nil for the standard ones.
  package var tier: ServiceTier?
  /// Whether the prices of long prompts apply.
  package var isAbove = false
  /// The region whose factor applies; nil for none.
  package var region: ServedRegion?
  /// What was used and has no price; where that is not only the tier, the whole cost is not known.
  package var unpriced: [Unpriced] = []
  /// `Prices.revision`.
  package var revision = ""

  package init() {}
}

/// Something that an answer reported and the policy has no price for. The raw value is the label of
/// `ai_gateway_unpriced_total`, and the word in records.
package enum Unpriced: String, Sendable, CaseIterable {
  /// The answer names a tier of service without prices: the standard ones are charged.
  case tier
  /// Sound, where neither tokens nor a price by minute say what it costs.
  case seconds
  case rerankUnits = "rerank_units"
  case webSearches = "web_searches"
  case fileSearches = "file_searches"
  case images
}
