import Terms

/// Estimates the tokens of one model where its provider has not reported them (yet): prompt and
/// output tokens from bytes of text, the length of a completion from earlier completions. Learns from
/// every reported usage.
package struct TokenEstimator: Sendable, Equatable {
  /// Completions that must have been seen before their 99th percentile is used as the output bound.
  package static let samplesMin = 100
  /// The output bound, in tokens, where the policy states no `max_output_tokens` and fewer than
  /// `samplesMin` completions have been seen.
  package static let outputTokensDefault = 1024

  private var prompts = ByteRatio()
  private var outputs = ByteRatio()
  private var lengths = OutputHistogram()

  package init() {}

  /// One finished exchange to learn from.
  package struct Sample: Sendable {
    /// `RequestFacts.textBytes`
    var textBytes: Int
    /// `RequestFacts.arrayNumbers`
    var arrayNumbers: Int
    /// How many choices the client asked for.
    var choices: Int
    /// The output bound in tokens that the client stated for each choice; nil where it stated none.
    var statedBound: Int?
    /// What the response reported.
    var usage: MeteredUsage

    package init(
      textBytes: Int, arrayNumbers: Int = 0, choices: Int = 1, statedBound: Int? = nil,
      usage: MeteredUsage
    ) {
      self.textBytes = textBytes
      self.arrayNumbers = arrayNumbers
      self.choices = choices
      self.statedBound = statedBound
      self.usage = usage
    }
  }

  /// Learns from a sample whose usage the provider reported; estimated usage is ignored.
  package mutating func learn(_ sample: Sample) {
    let usage = sample.usage
    guard usage.source == .reported else { return }
    if let prompt = usage.prompt, sample.arrayNumbers == 0 {
      prompts.learn(bytes: sample.textBytes, tokens: prompt)
    }
    guard let completion = usage.completion else { return }
    outputs.learn(bytes: usage.outputBytes, tokens: completion - (usage.reasoning ?? 0))
    let choices = max(1, sample.choices)
    let each = completion / choices + (completion % choices > 0 ? 1 : 0)
    // The client's bound ended this completion: its length says nothing about the usual one.
    if let bound = sample.statedBound, each >= bound { return }
    lengths.add(each)
  }

  /// The estimated tokens of a prompt: those of its text, and one for each token id it gives
  /// (`arrayNumbers`).
  package func promptTokens(textBytes: Int, arrayNumbers: Int = 0) -> Int {
    prompts.tokens(forBytes: textBytes) + max(0, arrayNumbers)
  }

  /// The estimated tokens of `bytes` of text that the model wrote.
  package func outputTokens(bytes: Int) -> Int { outputs.tokens(forBytes: bytes) }

  /// How many tokens to reserve for the output of one choice for which the client stated no bound.
  /// `maximum` is the policy's `max_output_tokens`.
  package func outputBound(maximum: Int?) -> Int {
    guard lengths.sampleCount >= Self.samplesMin, let usual = lengths.percentile99 else {
      return maximum ?? Self.outputTokensDefault
    }
    return max(1, min(usual, maximum ?? .max))
  }

  /// Restores a saved `state`; nil if the numbers cannot come from one.
  package init?(state: [Int64]) {
    guard state.count >= 4, let prompts = ByteRatio(state: Array(state[0..<2])),
      let outputs = ByteRatio(state: Array(state[2..<4])),
      let lengths = OutputHistogram(state: Array(state[4...]))
    else { return nil }
    self.prompts = prompts
    self.outputs = outputs
    self.lengths = lengths
  }

  /// All that was learned, to be saved: the states of the two ratios (two numbers each), then the
  /// histogram's.
  package var state: [Int64] { prompts.state + outputs.state + lengths.state }
}
