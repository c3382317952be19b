import Terms

/// Who makes a request: selects the counter of each limit that is counted by tenant, key or
/// subject.
package struct Caller: Sendable {
  /// The tenant's name in the policy.
  package let tenant: String
  /// The API key's id. Nil for a caller that was identified in another way: all such callers of a
  /// tenant share one counter of a limit with scope `key`.
  package let keyID: String?
  /// The caller inside of the tenant, such as `svc:agent-platform`.
  package let subject: String

  package init(tenant: String, keyID: String?, subject: String) {
    self.tenant = tenant
    self.keyID = keyID
    self.subject = subject
  }
}

/// The most that an exchange may use, as far as it is known at admission. It is what is reserved.
package struct Demand: Sendable, Equatable {
  /// The estimate of the prompt.
  package var promptTokens: Int64
  /// The bound of the answer, for all choices together: already multiplied by `n`.
  package var completionTokens: Int64
  /// Whether the client stated the bound of the answer. If it did not, Tollgate chose the bound,
  /// and cuts it to what the limits could ever admit.
  package var isBoundStated: Bool
  /// The model's prices, for limits on money.
  package var prices: Prices

  /// Token counts must not be negative.
  package init(
    promptTokens: Int64, completionTokens: Int64, isBoundStated: Bool, prices: Prices = .free
  ) {
    precondition(promptTokens >= 0 && completionTokens >= 0, "tokens are not negative")
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.isBoundStated = isBoundStated
    self.prices = prices
  }

  /// The price of the request, the prompt and the answer. A sum that does not fit in an Int64
  /// becomes `Int64.max`, which exceeds every limit.
  package var nanoDollars: Int64 {
    prices.promptNanos.timesSaturating(promptTokens)
      .plusSaturating(prices.completionNanos.timesSaturating(completionTokens))
      .plusSaturating(prices.perRequestNanos)
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

  /// Cuts `completionTokens` to what a limit of `capacity` could ever admit together with the
  /// prompt. The prompt is never cut: a prompt that is too large by itself is refused.
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
  /// A negative number is charged as 0, here and in the next two.
  package let promptTokens: Int64
  /// Of all choices together.
  package let completionTokens: Int64
  /// What it cost.
  package let nanoDollars: Int64

  package init(promptTokens: Int64, completionTokens: Int64, nanoDollars: Int64) {
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.nanoDollars = nanoDollars
  }
}

/// What an exchange is charged in the end.
package enum Settlement: Sendable, Equatable {
  /// The request, and this usage.
  case used(Usage)
  /// The request only; reserved tokens and money are given back. For a backend that failed and
  /// reported no usage.
  case requestOnly
  /// Nothing; all that was reserved is given back. For an exchange that reached no backend, and for
  /// an admission whose record could not be written.
  case nothing

  /// The final charge of a limit of that kind. For `concurrent` it is always 0: the slot is given
  /// back.
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
  /// The sum; `.max` or `.min` where it does not fit.
  func plusSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }

  /// The product of two numbers that are not negative; `.max` where it does not fit.
  func timesSaturating(_ other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }

  /// The value; `.max` or `.min` where it does not fit.
  init(saturating value: Int128) { self.init(clamping: value) }
}
