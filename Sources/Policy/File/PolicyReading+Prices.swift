import Bytes
import Terms

/// A model's prices.
extension PolicyReading {
  /// A tier's prices under the names that providers give tiers; `fast` is `priority` by another name.
  private static let tiers: [(String, ServiceTier)] = [
    ("flex", .flex), ("priority", .priority), ("fast", .priority), ("batch", .batch),
    ("scale", .scale),
  ]
  private static let regions: [(String, ServedRegion)] = [("us", .us), ("eu", .eu)]
  private static let searches = ["web_search", "file_search", "rerank_unit"]
  /// The largest factor of a region.
  static let regionFactorMax = 10

  /// Nil where the model has no prices at all. In the place of a price that is invalid, which has been
  /// reported, stands 0, so that the model does not count as one without prices, which would be reported
  /// as well.
  func readPrices(_ fields: Fields, into draft: inout ModelDraft) -> Prices? {
    var others = Prices.Others()
    others.perRequest = fields["price_usd_per_request"].map { price($0, .once) ?? 0 }
    others.perMinute = fields["price_usd_per_minute"].map { price($0, .once) ?? 0 }
    others.perImage = fields["price_usd_per_image"].map { price($0, .once) ?? 0 }
    if let perThousand = fields["price_usd_per_thousand"],
      let prices = self.fields(perThousand, known: Self.searches)
    {
      others.perThousandWebSearches = prices["web_search"].map { price($0, .once) ?? 0 }
      others.perThousandFileSearches = prices["file_search"].map { price($0, .once) ?? 0 }
      others.perThousandRerankUnits = prices["rerank_unit"].map { price($0, .once) ?? 0 }
    }
    guard let perMillion = fields["price_usd_per_million"] else {
      guard others != Prices.Others() else { return nil }
      return Prices(
        standard: Prices.Rates(tokens: TokenPrices([:])), others: others, pricesTokens: false,
        revision: Self.revision(of:))
    }
    let kinds = TokenKind.allCases.map(\.rawValue)
    var tiers: [ServiceTier: Prices.Rates] = [:]
    var regions: [ServedRegion: Int64] = [:]
    var standard = Prices.Rates(tokens: TokenPrices([:]))
    if let prices = self.fields(perMillion, known: kinds + ["above", "tiers", "regions"]) {
      let base = tokenPrices(prices)
      requirePrompt(prices, perMillion)
      draft.lacksCompletionPrice = prices["completion"] == nil
      standard = Prices.Rates(
        tokens: TokenPrices(base), above: prices["above"].flatMap { above($0, beside: base) })
      tiers = readTiers(prices["tiers"], beside: base, above: standard.above)
      regions = readRegions(prices["regions"])
    }
    return Prices(
      standard: standard, tiers: tiers, regions: regions, others: others,
      revision: Self.revision(of:))
  }

  /// The first digits of a hash of all prices.
  private static func revision(of text: String) -> String {
    String(SHA256.digest(of: Array(text.utf8).span).hex.prefix(revisionDigits))
  }
  private static let revisionDigits = 12

  private func requirePrompt(_ prices: Fields, _ node: Node) {
    if prices["prompt"] == nil { missing(node, "prompt", "`prompt: 0` if it is free") }
  }

  /// The prices that are stated.
  private func tokenPrices(_ fields: Fields) -> [TokenKind: Int64] {
    var stated: [TokenKind: Int64] = [:]
    for kind in TokenKind.allCases {
      if let node = fields[kind.rawValue] { stated[kind] = price(node, .perMillionTokens) ?? 0 }
    }
    return stated
  }

  private func above(_ node: Node, beside base: [TokenKind: Int64]) -> Prices.Above? {
    let kinds = TokenKind.allCases.map(\.rawValue)
    guard let fields = fields(node, known: kinds + ["prompt_tokens"]) else { return nil }
    requirePrompt(fields, node)
    let stated = tokenPrices(fields)
    warn(node, stated, beside: base)
    guard let threshold = fields["prompt_tokens"] else {
      missing(node, "prompt_tokens", "such as `prompt_tokens: 200000`")
      return nil
    }
    guard let tokens = integer(threshold, in: bounds.outputTokens) else { return nil }
    return Prices.Above(promptTokens: Int64(tokens), tokens: TokenPrices(stated))
  }

  private func readTiers(
    _ node: Node?, beside base: [TokenKind: Int64], above: Prices.Above?
  ) -> [ServiceTier: Prices.Rates] {
    guard let node, let fields = fields(node, known: Self.tiers.map(\.0)) else { return [:] }
    var tiers: [ServiceTier: Prices.Rates] = [:]
    let kinds = TokenKind.allCases.map(\.rawValue)
    for (name, tier) in Self.tiers {
      guard let node = fields[name], let prices = self.fields(node, known: kinds + ["above"])
      else { continue }
      if tiers[tier] != nil { log.error(node, "`fast` and `priority` are one tier; state it once") }
      requirePrompt(prices, node)
      let stated = tokenPrices(prices)
      warn(node, stated, beside: base)
      if above != nil, prices["above"] == nil {
        log.useWarning(
          node,
          "has no `above` as the standard prices do: for long prompts the larger price of the two "
            + "is taken")
      }
      tiers[tier] = Prices.Rates(
        tokens: TokenPrices(stated), above: prices["above"].flatMap { self.above($0, beside: base) }
      )
    }
    return tiers
  }

  /// What the standard prices state and these do not costs what it falls back to, as a rule too much.
  private func warn(
    _ node: Node, _ stated: [TokenKind: Int64], beside base: [TokenKind: Int64]
  ) {
    for kind in TokenKind.allCases where base[kind] != nil && stated[kind] == nil {
      guard let fallback = kind.fallback else {
        if kind == .completion {
          log.error(node, "has no `completion` as the standard prices do: the answer would be free")
        }
        continue
      }
      log.useWarning(
        node,
        "has no `\(kind.rawValue)` as the standard prices do: it costs what "
          + "`\(fallback.rawValue)` costs here")
    }
  }

  private func readRegions(_ node: Node?) -> [ServedRegion: Int64] {
    guard let node, let fields = fields(node, known: Self.regions.map(\.0)) else { return [:] }
    var regions: [ServedRegion: Int64] = [:]
    for (name, region) in Self.regions {
      guard let node = fields[name] else { continue }
      guard case .number(let number) = node.value.kind, !number.isNegative,
        let factor = try? number.integer(timesTenToThe: 3),
        (1...Self.regionFactorMax * 1_000).contains(Int(factor))
      else {
        log.error(
          node,
          "must be what the prices are multiplied by there, such as 1.1: above 0, at most "
            + "\(Self.regionFactorMax), with at most three decimals")
        continue
      }
      regions[region] = factor
    }
    return regions
  }

  private enum PriceUnit { case perMillionTokens, once }

  /// A price, exact: dollars for a million tokens as pico-dollars for one; any other as nano-dollars.
  private func price(_ node: Node, _ unit: PriceUnit) -> Int64? {
    guard case .number(let number) = node.value.kind else {
      refuseKind(node, "an amount of dollars")
      return nil
    }
    guard !number.isNegative || number.isZero else {
      log.error(node, "must not be negative")
      return nil
    }
    let power = unit == .perMillionTokens ? 6 : 9
    let finest =
      unit == .perMillionTokens
      ? "0.000001 (one pico-dollar a token)" : "0.000000001 (one nano-dollar)"
    var max = bounds.priceUSDMax
    for _ in 0..<power { max *= 10 }
    do throws(ExactDecimal.Misfit) {
      let amount = try number.integer(timesTenToThe: power)
      if amount <= max { return amount }
    } catch .tooPrecise {
      log.error(node, "has too many decimals; write a multiple of \(finest)")
      return nil
    } catch {}
    log.error(node, "must be at most \(bounds.priceUSDMax) dollars (priceUSDMax)")
    return nil
  }
}
