import Terms

/// What an exchange used, as far as its response said. A number that is not known is nil, never 0.
package struct MeteredUsage: Sendable, Equatable {
  /// Prompt tokens, cached and cache-written ones included.
  package var prompt: Int? = nil
  /// Completion tokens, reasoning ones included.
  package var completion: Int? = nil
  /// Prompt and completion tokens; the provider's own total where it gives one.
  package var total: Int? = nil
  /// Prompt tokens that the provider read from its cache.
  package var cachedPrompt: Int? = nil
  /// Prompt tokens that the provider wrote to its cache.
  package var cacheWritePrompt: Int? = nil
  /// Completion tokens that were spent on reasoning.
  package var reasoning: Int? = nil
  /// Where the numbers come from, and so how they are charged.
  package var source = UsageSource.none
  /// Bytes of text that the model wrote, after unescaping.
  package var outputBytes = 0
  /// Those of them that came after the last usage report.
  package var outputBytesAfterUsage = 0
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
  /// the text that came after the last usage report. `outputTokens` estimates the tokens of a number
  /// of bytes. A usage of another source is left alone.
  package mutating func estimate(promptTokens: Int, outputTokens: (Int) -> Int) {
    guard source == .estimated else { return }
    let prompt = prompt ?? promptTokens
    let completion = Self.sum(completion ?? 0, outputTokens(outputBytesAfterUsage))
    self.prompt = prompt
    self.completion = completion
    total = Self.sum(prompt, completion)
  }

  /// At most what an Int holds: a record on disk may say any number.
  private static func sum(_ a: Int, _ b: Int) -> Int {
    Int(clamping: Int128(a) + Int128(b))
  }
}
