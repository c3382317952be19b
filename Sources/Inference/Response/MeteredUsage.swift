import Terms

/// What an exchange used, as far as its response said. A number that is not known is nil, never 0.
package struct MeteredUsage: Sendable, Equatable {
  /// Prompt tokens, cached and cache-written ones included.
  package var prompt: Int? = nil
  /// Completion tokens, reasoning ones included.
  package var completion: Int? = nil
  /// Prompt and completion tokens together.
  package var total: Int? = nil
  /// Prompt tokens that the provider read from its cache.
  package var cachedPrompt: Int? = nil
  /// Prompt tokens that the provider wrote to its cache.
  package var cacheWritePrompt: Int? = nil
  /// Those of them that the cache keeps for an hour.
  package var cacheWrite1hPrompt: Int? = nil
  /// Prompt tokens of sound and of pictures, and completion tokens of them.
  package var promptAudio: Int? = nil
  package var promptImage: Int? = nil
  package var completionAudio: Int? = nil
  package var completionImage: Int? = nil
  /// Completion tokens that were spent on reasoning.
  package var reasoning: Int? = nil
  /// What was reported in units other than tokens.
  package var units = UsageUnits()
  /// The tier of service that the provider says it gave.
  package var tier: ServiceTier? = nil
  /// Where the provider says that it was computed.
  package var region: ServedRegion? = nil
  /// Where the numbers come from, and so how they are charged.
  package var source = UsageSource.none
  /// Bytes of text that the model wrote, after unescaping.
  package var outputBytes = 0
  /// Those of them that came after the last usage report.
  package var outputBytesAfterUsage = 0
  /// Tokens for what came after the last usage report and is no text that could be read.
  package var unreadTokens = 0
  /// Why some of the answer could not be read; nil where nothing was left unread.
  package var unread: UnreadReason? = nil
  /// The provider took the request and has not worked on it yet: what it will use is not in this answer.
  package var isPending = false
  /// Milliseconds from `ResponseMeter.Settings.startedMs` to the first content of a stream; nil for
  /// other responses and where no content came.
  package var ttftMs: Int64? = nil
  /// The provider said that it has finished: `[DONE]`, `message_stop`, the end of a JSON body.
  package var sawEnd = false
  /// The body reported an error, whatever the HTTP status was.
  package var sawError = false
  /// Why the model stopped, as the response says.
  package var finish: FinishReason? = nil

  package init() {}

  /// Completes an estimated usage: `promptTokens` where the prompt's are not known, and the tokens of
  /// what came after the last usage report. `outputTokens` estimates the tokens of a number of bytes of
  /// text. A usage of another source is left alone.
  package mutating func estimate(promptTokens: Int, outputTokens: (Int) -> Int) {
    guard source == .estimated else { return }
    let parts = Self.sum(cachedPrompt ?? 0, cacheWritePrompt ?? 0)
    prompt = prompt ?? max(promptTokens, parts)
    completion = Self.sum(
      completion ?? 0, Self.sum(outputTokens(outputBytesAfterUsage), unreadTokens))
    addUp()
  }

  /// Raises an estimated usage to at least these counts.
  package mutating func raise(toPrompt promptTokens: Int, completion completionTokens: Int) {
    guard source == .estimated else { return }
    prompt = max(prompt ?? 0, promptTokens)
    completion = max(completion ?? 0, completionTokens)
    addUp()
  }

  private mutating func addUp() { total = Self.sum(prompt ?? 0, completion ?? 0) }

  /// At most what an Int holds: a record on disk may say any number.
  private static func sum(_ a: Int, _ b: Int) -> Int {
    Int(clamping: Int128(a) + Int128(b))
  }
}
