/// What a limit counts. The raw value is its name in the policy, in records and in metrics.
package enum LimitKind: String, Sendable, CaseIterable {
  case requests, tokens
  case promptTokens = "prompt_tokens"
  case completionTokens = "completion_tokens"
  /// Counted in nano-dollars.
  case usd
  /// Exchanges that are open at the same time.
  case concurrent
}
