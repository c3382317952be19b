/// What a model costs, in nano-dollars a token (a request for `perRequestNanos`): integers, exact.
package struct Prices: Sendable, Equatable {
  package let promptNanos: Int64
  /// Of prompt tokens that the provider read from, or wrote to, its cache.
  package let cachedPromptNanos, cacheWritePromptNanos: Int64
  package let completionNanos: Int64
  package let perRequestNanos: Int64

  /// Cached tokens cost what the prompt's do where no price of theirs is given.
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

  package static let free = Prices(promptNanos: 0, completionNanos: 0, perRequestNanos: 0)
}
