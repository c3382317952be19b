import Terms

/// What an exchange used, as far as its response said. Unknown is nil, never 0.
package struct MeteredUsage: Sendable, Equatable {
  /// Tokens. Cached and cache-written ones are among the prompt's, reasoning among the completion's.
  package var prompt: Int? = nil
  package var completion: Int? = nil
  package var total: Int? = nil
  package var cachedPrompt: Int? = nil
  package var cacheWritePrompt: Int? = nil
  package var reasoning: Int? = nil
  package var source = UsageSource.none
  /// Bytes of text that the model wrote, after unescaping; and those after its last word on usage.
  package var outputBytes = 0
  package var outputBytesAfterUsage = 0
  /// From the start that was given to the first content of a stream.
  package var ttftMs: Int64? = nil
  /// The provider said that it is finished: `[DONE]`, `message_stop`, the end of a JSON body.
  package var sawEnd = false
  /// The body had an error in it, whatever the status was.
  package var sawError = false
  package var finish: FinishReason? = nil

  package init() {}

  /// Fills in what an estimated usage lacks: the prompt's tokens, and those that the model wrote
  /// after its last word. `outputTokens` answers how many tokens so many bytes are.
  package mutating func estimate(promptTokens: Int, outputTokens: (Int) -> Int) {
    guard source == .estimated else { return }
    let prompt = prompt ?? promptTokens
    let completion = (completion ?? 0) + outputTokens(outputBytesAfterUsage)
    self.prompt = prompt
    self.completion = completion
    total = prompt + completion
  }
}
