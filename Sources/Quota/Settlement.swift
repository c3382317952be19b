import Terms

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
  /// Nothing but the attempt: all that was reserved is given back, except what a bucket of requests
  /// took. For an exchange that reached no backend.
  case nothing
  /// Nothing at all, because it was never admitted: its record could not be written.
  case undone

  /// The final charge of a limit of that kind. For `concurrent` it is always 0: the slot is given
  /// back.
  ///
  /// - Parameter isBucket: whether the limit is a bucket. A bucket of requests counts attempts,
  ///   because an attempt costs records, however it ends; otherwise requests that no backend can
  ///   take would never be limited.
  func charge(_ kind: LimitKind, isBucket: Bool) -> Int64 {
    switch (self, kind) {
    case (_, .concurrent), (.undone, _): 0
    case (.nothing, .requests): isBucket ? 1 : 0
    case (_, .requests): 1
    case (.nothing, _): 0
    case (.requestOnly, _): 0
    case (.used(let usage), .tokens):
      max(0, usage.promptTokens).plusSaturating(max(0, usage.completionTokens))
    case (.used(let usage), .promptTokens): max(0, usage.promptTokens)
    case (.used(let usage), .completionTokens): max(0, usage.completionTokens)
    case (.used(let usage), .usd): max(0, usage.nanoDollars)
    }
  }
}
