/// Prices in nano-dollars per token (per request for `perRequest`): integers, exact.
package struct Prices: Sendable, Equatable {
  package let promptNanos, cachedPromptNanos, cacheWritePromptNanos, completionNanos: Int64
  package let perRequestNanos: Int64
}
