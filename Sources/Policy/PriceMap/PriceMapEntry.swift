import Terms

/// The prices of one model of a price map, as a policy states them, and what was left out.
struct PriceMapEntry: Sendable {
  /// Why a model cannot be priced by its entry.
  struct Unusable: Error { let reason: String }

  /// In pico-dollars a token.
  var tokens: [PriceMapField.Place: [TokenKind: Int64]] = [:]
  /// Factors by region, in thousandths.
  var regions: [String: Int64] = [:]
  /// Prices of everything but tokens by their field in a policy, in nano-dollars.
  var others: [OtherPrice: Int64] = [:]
  /// What was left out or changed, and why.
  private(set) var notes: [String] = []

  /// The field of a policy.
  enum OtherPrice: String, CaseIterable, Sendable {
    case request = "price_usd_per_request"
    case minute = "price_usd_per_minute"
    case image = "price_usd_per_image"
    case webSearch = "web_search"
    case fileSearch = "file_search"
    case rerankUnit = "rerank_unit"

    /// Whether it stands in `price_usd_per_thousand`.
    var isPerThousand: Bool {
      switch self {
      case .webSearch, .fileSearch, .rerankUnit: true
      case .request, .minute, .image: false
      }
    }
  }

  /// What an entry says beside prices that stand for themselves.
  private var mode = ""
  private var reasoning: Int64?
  private var factors = Factors()

  private struct Factors {
    var fast: ExactDecimal?
    var longPrompt: ExactDecimal?
    var longCompletion: ExactDecimal?
    var longThreshold: Int64?
  }

  init(_ value: JSON5Value) throws(Unusable) {
    guard case .object(let members) = value.kind else {
      throw Unusable(reason: "its entry is \(value.noun) and not an object")
    }
    if case .string(let mode)? = members.first(where: { $0.key == "mode" })?.value.kind {
      self.mode = mode
    }
    for member in members { try read(member) }
    complete()
  }

  var isEmpty: Bool { tokens.isEmpty && others.isEmpty }

  // MARK: Reading

  private mutating func read(_ member: JSON5Member) throws(Unusable) {
    if case .null = member.value.kind { return }
    let name = member.key
    if let field = PriceMapField(name) {
      tokens[field.place, default: [:]][field.kind] = try amount(member, places: 12)
      return
    }
    switch name {
    case "output_cost_per_reasoning_token": reasoning = try amount(member, places: 12)
    case "input_cost_per_request": others[.request] = try amount(member)
    case "output_cost_per_image": try takeLarger(.image, member)
    case "input_cost_per_image" where mode == "image_generation": try takeLarger(.image, member)
    case "input_cost_per_second", "output_cost_per_second":
      guard mode == "audio_transcription" else { return leaveOut(member) }
      try takeLarger(.minute, member, factor: 60)
    case "input_cost_per_query":
      guard mode == "rerank" else { return leaveOut(member) }
      others[.rerankUnit] = try amount(member, factor: 1_000)
    case "file_search_cost_per_1k_calls": others[.fileSearch] = try amount(member)
    case "search_context_cost_per_query": try readSearches(member)
    case "provider_specific_entry": try readFactors(member)
    case "regional_processing_uplift_multiplier_us": try readRegion("us", member)
    case "regional_processing_uplift_multiplier_eu": try readRegion("eu", member)
    case "long_context_input_token_threshold":
      factors.longThreshold = try amount(member, places: 0, max: .max)
    case "long_context_input_cost_multiplier": factors.longPrompt = try number(member)
    case "long_context_output_cost_multiplier": factors.longCompletion = try number(member)
    default: leaveOut(member)
    }
  }

  /// Notes a field of a price that the policy has none for. Fields of other things are passed over.
  private mutating func leaveOut(_ member: JSON5Member) {
    let words = ["cost", "price", "pricing", "multiplier"]
    guard words.contains(where: member.key.contains) else { return }
    if case .number(let number) = member.value.kind, number.isZero { return }
    notes.append("\(member.key): left out, the policy has no such price")
  }

  private func number(_ member: JSON5Member) throws(Unusable) -> ExactDecimal {
    guard case .number(let number) = member.value.kind else {
      throw Unusable(reason: "\(member.key) is \(member.value.noun) and not a number")
    }
    guard !number.isNegative || number.isZero else {
      throw Unusable(reason: "\(member.key) is negative")
    }
    return number
  }

  /// The number in units of the last decimal place.
  private mutating func amount(
    _ member: JSON5Member, places: Int = 9, factor: UInt64 = 1, max: Int64? = nil
  ) throws(Unusable) -> Int64 {
    try amount(
      try number(member).times(ExactDecimal(factor)), places: places,
      max: max ?? Self.largest(places), member.key)
  }

  private mutating func amount(
    _ number: ExactDecimal, places: Int, max: Int64, _ name: String
  ) throws(Unusable) -> Int64 {
    do throws(ExactDecimal.Misfit) {
      let (value, isExact) = try number.nearestInteger(timesTenToThe: places)
      if !isExact {
        notes.append(
          "\(name): rounded to a \(places == 12 ? "pico-dollar a token" : "nano-dollar")")
      }
      if value <= max { return value }
    } catch {}
    throw Unusable(reason: "\(name) is more than a price can be")
  }

  /// The largest price of a policy: of a million tokens, or of anything else once.
  private static func largest(_ places: Int) -> Int64 {
    let dollars = PolicyBounds.standard.priceUSDMax
    return places == 12 ? dollars * 1_000_000 : dollars * 1_000_000_000
  }

  private mutating func takeLarger(
    _ price: OtherPrice, _ member: JSON5Member, factor: UInt64 = 1
  ) throws(Unusable) {
    others[price] = max(others[price] ?? 0, try amount(member, factor: factor))
  }

  /// One price for each size of the context that is searched for; the policy has one.
  private mutating func readSearches(_ member: JSON5Member) throws(Unusable) {
    guard case .object(let sizes) = member.value.kind else {
      throw Unusable(reason: "\(member.key) is \(member.value.noun) and not an object")
    }
    var prices: [Int64] = []
    for size in sizes { prices.append(try amount(size, factor: 1_000)) }
    guard let largest = prices.max() else { return }
    others[.webSearch] = largest
    if prices.min() != largest {
      notes.append("\(member.key): its sizes have several prices; the largest is taken")
    }
  }

  private mutating func readFactors(_ member: JSON5Member) throws(Unusable) {
    guard case .object(let entries) = member.value.kind else { return leaveOut(member) }
    for entry in entries {
      switch entry.key {
      case "fast": factors.fast = try number(entry)
      case "us", "eu": try readRegion(entry.key, entry)
      default:
        guard case .number(let factor) = entry.value.kind, (try? factor.integer()) != 1 else {
          continue
        }
        notes.append("\(member.key).\(entry.key): left out, the policy has no such factor")
      }
    }
  }

  private mutating func readRegion(_ region: String, _ member: JSON5Member) throws(Unusable) {
    guard let factor = try? number(member).integer(timesTenToThe: 3),
      (1...Int64(PolicyReading.regionFactorMax) * 1_000).contains(factor)
    else {
      throw Unusable(reason: "\(member.key) is no factor of a region")
    }
    if factor != 1_000 { regions[region] = factor }
  }

  // MARK: What follows from it

  /// Prices of long prompts that are stated as a factor.
  private mutating func lengthen() {
    guard let threshold = factors.longThreshold, threshold > 0,
      factors.longPrompt != nil || factors.longCompletion != nil
    else { return }
    let factors = factors
    for (place, prices) in tokens where place.above == nil {
      let above = PriceMapField.Place(tier: place.tier, above: threshold)
      guard tokens[above] == nil else { continue }
      tokens[above] = multiplied(prices) {
        Self.isPrompt($0) ? factors.longPrompt : factors.longCompletion
      }
    }
  }

  /// The prices of Anthropic's fast mode, which are stated as a factor.
  private mutating func quicken() {
    guard let factor = factors.fast else { return }
    guard !tokens.keys.contains(where: { $0.tier == "priority" }) else {
      notes.append(
        "provider_specific_entry.fast: left out, the policy has one tier for fast and priority")
      return
    }
    for (place, prices) in tokens where place.tier == nil {
      tokens[PriceMapField.Place(tier: "fast", above: place.above)] = multiplied(prices) { _ in
        factor
      }
    }
  }

  private static func isPrompt(_ kind: TokenKind) -> Bool {
    switch kind {
    case .completion, .completionAudio, .completionImage: false
    case .prompt, .cachedPrompt, .cacheWritePrompt, .cacheWrite1hPrompt, .promptAudio, .promptImage:
      true
    }
  }

  private mutating func multiplied(
    _ prices: [TokenKind: Int64], _ factor: (TokenKind) -> ExactDecimal?
  ) -> [TokenKind: Int64] {
    var result = prices
    for (kind, price) in prices {
      guard let factor = factor(kind) else { continue }
      let product = ExactDecimal(UInt64(price)).times(factor)
      let largest = Self.largest(12)
      guard let (value, isExact) = try? product.nearestInteger(timesTenToThe: 0), value <= largest
      else {
        result[kind] = largest
        notes.append("\(kind.rawValue): a factor makes it more than a price can be")
        continue
      }
      if !isExact { notes.append("\(kind.rawValue): rounded to a pico-dollar a token") }
      result[kind] = value
    }
    return result
  }

  /// Makes each list of prices one that the policy takes: all that the standard one states, one
  /// threshold, and nothing free that the map does not say is free.
  private mutating func complete() {
    let standard = PriceMapField.Place()
    if let reasoning, reasoning != tokens[standard]?[.completion], reasoning > 0 {
      notes.append(
        "output_cost_per_reasoning_token: left out, reasoning costs what `completion` does")
    }
    guard !tokens.isEmpty else { return }
    var base = tokens[standard] ?? [:]
    if base[.prompt] == nil {
      base[.prompt] = 0
      notes.append("input_cost_per_token: the map has none; `prompt` is 0")
    }
    // Where only pictures or sound come out, all of the answer is that.
    if base[.completion] == nil {
      base[.completion] = base[.completionImage] ?? base[.completionAudio]
    }
    tokens[standard] = base
    // Also those of which only the prices of long prompts are stated.
    for tier in Set(tokens.keys.compactMap(\.tier)).sorted() {
      fill(PriceMapField.Place(tier: tier), from: base)
    }
    lengthen()
    quicken()
    keepOneThreshold()
    guard let above = tokens.keys.compactMap(\.above).first else { return }
    let long = PriceMapField.Place(tier: nil, above: above)
    if tokens[long] != nil { fill(long, from: base) }
    for tier in Set(tokens.keys.compactMap(\.tier)).sorted() {
      let place = PriceMapField.Place(tier: tier, above: above)
      guard tokens[place] != nil else { continue }
      fill(place, from: tokens[long] ?? tokens[PriceMapField.Place(tier: tier)] ?? base)
    }
  }

  private mutating func keepOneThreshold() {
    let thresholds = Set(tokens.keys.compactMap(\.above)).sorted()
    guard let first = thresholds.first, thresholds.count > 1 else { return }
    for place in tokens.keys where place.above.map({ $0 != first }) ?? false { tokens[place] = nil }
    for threshold in thresholds.dropFirst() {
      notes.append(
        "prices above \(threshold) tokens: left out, the policy has one threshold; "
          + "those above \(first) are kept")
    }
  }

  /// What a tier or a long prompt has no price for costs what it does otherwise.
  private mutating func fill(_ place: PriceMapField.Place, from others: [TokenKind: Int64]) {
    var prices = tokens[place] ?? [:]
    var missing: [String] = []
    for kind in TokenKind.allCases where prices[kind] == nil {
      guard let price = others[kind] else { continue }
      prices[kind] = price
      missing.append(kind.rawValue)
    }
    tokens[place] = prices
    guard !missing.isEmpty else { return }
    let name = place.tier.map { "tier \($0)" } ?? "prices"
    let length = place.above.map { " above \($0) tokens" } ?? ""
    notes.append(
      "\(name)\(length): the map has no \(missing.joined(separator: ", ")); "
        + "the standard price stands there")
  }
}

extension PriceMapField.Place {
  init(tier: String?) {
    self.init(tier: tier, above: nil)
  }
}
