import Terms

/// A field of a price map's entry that is a price of tokens: of which kind, in which tier, above which
/// length of the prompt.
///
/// Names are put together: `input_cost_per_token_above_200k_tokens_priority`.
struct PriceMapField: Equatable, Sendable {
  /// Where prices of tokens stand in a policy.
  struct Place: Hashable, Sendable {
    /// The tier's name in the policy; nil for the standard prices.
    var tier: String?
    /// The prompt tokens above which they apply; nil for any prompt.
    var above: Int64?
  }

  let kind: TokenKind
  let place: Place

  private static let kinds: [String: TokenKind] = [
    "input_cost_per_token": .prompt,
    "cache_read_input_token_cost": .cachedPrompt,
    "input_cost_per_token_cache_hit": .cachedPrompt,
    "cache_creation_input_token_cost": .cacheWritePrompt,
    "cache_creation_input_token_cost_above_1hr": .cacheWrite1hPrompt,
    "input_cost_per_audio_token": .promptAudio,
    "input_cost_per_image_token": .promptImage,
    "output_cost_per_token": .completion,
    "output_cost_per_audio_token": .completionAudio,
    "output_cost_per_image_token": .completionImage,
  ]
  /// The map's word for a tier, and the policy's.
  static let tiers = [("_flex", "flex"), ("_priority", "priority"), ("_batches", "batch")]

  /// Nil where the name is not one of these.
  init?(_ name: String) {
    var rest = name[...]
    var place = Place()
    while Self.kinds[String(rest)] == nil {
      if let tier = Self.tiers.first(where: { rest.hasSuffix($0.0) }), place.tier == nil {
        rest = rest.dropLast(tier.0.count)
        place.tier = tier.1
      } else if let (before, above) = Self.above(rest), place.above == nil {
        rest = before
        place.above = above
      } else {
        return nil
      }
    }
    guard let kind = Self.kinds[String(rest)] else { return nil }
    self.kind = kind
    self.place = place
  }

  /// `…_above_200k_tokens`: what stands before it, and the number of tokens.
  private static func above(_ name: Substring) -> (Substring, Int64)? {
    guard name.hasSuffix("_tokens"), let at = name.ranges(of: "_above_").last else { return nil }
    var digits = name[at.upperBound...].dropLast("_tokens".count)
    let unit: Int64 = digits.hasSuffix("k") ? 1_000 : 1
    if unit > 1 { digits.removeLast() }
    guard digits.utf8.count <= 9, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let count = Int64(digits), count > 0
    else { return nil }
    return (name[..<at.lowerBound], count * unit)
  }
}
