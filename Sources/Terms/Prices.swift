/// What a model costs, in whole nano-dollars for each token, or for each request.
package struct Prices: Sendable, Equatable {
  /// For each prompt token that the provider's cache had no part in.
  package let promptNanos: Int64
  /// For each prompt token that the provider read from its cache, or wrote to its cache.
  package let cachedPromptNanos, cacheWritePromptNanos: Int64
  /// For each token of the answer.
  package let completionNanos: Int64
  /// For each request.
  package let perRequestNanos: Int64

  /// A nil price of cached tokens means the price of prompt tokens.
  package init(
    promptNanos: Int64, cachedPromptNanos: Int64? = nil, cacheWritePromptNanos: Int64? = nil,
    completionNanos: Int64, perRequestNanos: Int64
  ) {
    self.promptNanos = promptNanos
    self.cachedPromptNanos = cachedPromptNanos ?? promptNanos
    self.cacheWritePromptNanos = cacheWritePromptNanos ?? promptNanos
    self.completionNanos = completionNanos
    self.perRequestNanos = perRequestNanos
  }

  /// Everything costs 0.
  package static let free = Prices(promptNanos: 0, completionNanos: 0, perRequestNanos: 0)
}
