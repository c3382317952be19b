import Terms

/// Who asks, as counters are told apart.
package struct Caller: Sendable {
  package let tenant: String
  /// Nil for a caller known otherwise than by an API key: all those of a tenant share one counter of
  /// a limit that counts by key.
  package let keyID: String?
  package let subject: String

  package init(tenant: String, keyID: String?, subject: String) {
    self.tenant = tenant
    self.keyID = keyID
    self.subject = subject
  }
}

/// What an exchange may use at most, as far as is known when it is admitted.
package struct Demand: Sendable, Equatable {
  package var promptTokens: Int64
  /// All choices together: already multiplied by `n`.
  package var completionTokens: Int64
  /// Whether the client stated the bound on `completionTokens`. If it did not, the bound is ours to
  /// cut to what could ever fit.
  package var isBoundStated: Bool
  package var prices: Prices

  package init(
    promptTokens: Int64, completionTokens: Int64, isBoundStated: Bool, prices: Prices = .free
  ) {
    precondition(promptTokens >= 0 && completionTokens >= 0, "tokens are not negative")
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.isBoundStated = isBoundStated
    self.prices = prices
  }

  /// Saturating, as everything here: what exceeds an Int64 exceeds every limit.
  package var nanoDollars: Int64 {
    prices.promptNanos.timesSaturating(promptTokens)
      .plusSaturating(prices.completionNanos.timesSaturating(completionTokens))
      .plusSaturating(prices.perRequestNanos)
  }

  func need(_ kind: LimitKind) -> Int64 {
    switch kind {
    case .requests, .concurrent: 1
    case .tokens: promptTokens.plusSaturating(completionTokens)
    case .promptTokens: promptTokens
    case .completionTokens: completionTokens
    case .usd: nanoDollars
    }
  }

  /// Cuts the output to what a limit of `capacity` could ever admit beside the prompt. The prompt is
  /// never cut: where it alone is too much, the demand never fits.
  mutating func cutOutput(toFit capacity: Int64, of kind: LimitKind) {
    switch kind {
    case .requests, .concurrent, .promptTokens: return
    case .tokens:
      completionTokens = min(completionTokens, max(0, capacity - min(capacity, promptTokens)))
    case .completionTokens: completionTokens = min(completionTokens, capacity)
    case .usd:
      guard prices.completionNanos > 0 else { return }
      var promptOnly = self
      promptOnly.completionTokens = 0
      let left = max(0, capacity - min(capacity, promptOnly.nanoDollars))
      completionTokens = min(completionTokens, left / prices.completionNanos)
    }
  }
}

/// What an exchange really used.
package struct Usage: Sendable, Equatable {
  package let promptTokens: Int64
  package let completionTokens: Int64
  package let nanoDollars: Int64

  package init(promptTokens: Int64, completionTokens: Int64, nanoDollars: Int64) {
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.nanoDollars = nanoDollars
  }
}

/// How an exchange ended, for its counters.
package enum Settlement: Sendable, Equatable {
  case used(Usage)
  /// Tokens and money are given back; the request counts. A backend's failure without usage.
  case requestOnly
  /// Everything is given back: no backend was reached, or the admission was never on record.
  case nothing

  /// The final charge in place of the reservation. A slot's is always 0: it is given back.
  func charge(_ kind: LimitKind) -> Int64 {
    switch (self, kind) {
    case (_, .concurrent), (.nothing, _): 0
    case (_, .requests): 1
    case (.requestOnly, _): 0
    case (.used(let usage), .tokens):
      max(0, usage.promptTokens).plusSaturating(max(0, usage.completionTokens))
    case (.used(let usage), .promptTokens): max(0, usage.promptTokens)
    case (.used(let usage), .completionTokens): max(0, usage.completionTokens)
    case (.used(let usage), .usd): max(0, usage.nanoDollars)
    }
  }
}

extension Int64 {
  /// The sum, or the end of the range it passes.
  func plusSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }

  /// The product of two numbers that are not negative, or the range's end.
  func timesSaturating(_ other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }

  /// `value` where it fits, else the end of the range it passes.
  init(saturating value: Int128) { self.init(clamping: value) }
}
