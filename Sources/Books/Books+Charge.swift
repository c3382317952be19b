import Inference
import Policy
import Quota

extension Books {
  /// The charge for a usage.
  package static func used(_ usage: MeteredUsage, _ prices: Prices?) -> Settlement {
    let prompt = Int64(usage.prompt ?? 0)
    let completion = Int64(usage.completion ?? 0)
    return .used(
      Usage(
        promptTokens: prompt, completionTokens: completion,
        nanoDollars: prices.map { cost(usage, prompt: prompt, completion: completion, $0) } ?? 0))
  }

  /// Nano-dollars: cached and cache-written prompt tokens at their own prices, each token once.
  /// Saturating: token counts are the backend's word.
  private static func cost(
    _ usage: MeteredUsage, prompt: Int64, completion: Int64, _ prices: Prices
  ) -> Int64 {
    let cached = min(prompt, Int64(usage.cachedPrompt ?? 0))
    let written = min(prompt - cached, Int64(usage.cacheWritePrompt ?? 0))
    let plain = prompt - cached - written
    let nanos =
      Int128(plain) * Int128(prices.promptNanos)
      + Int128(cached) * Int128(prices.cachedPromptNanos)
      + Int128(written) * Int128(prices.cacheWritePromptNanos)
      + Int128(completion) * Int128(prices.completionNanos) + Int128(prices.perRequestNanos)
    return Int64(clamping: nanos)
  }
}
