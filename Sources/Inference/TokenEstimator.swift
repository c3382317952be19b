import Terms

/// What one model's tokens come to before its provider has said so: the prompt's from its text, the
/// output's from what the model usually writes.
package struct TokenEstimator: Sendable, Equatable {
  /// So many completions make a habit.
  package static let samplesMin = 100
  /// The output bound of a model of which neither policy nor habit says any.
  package static let outputTokensDefault = 1024

  private var prompts = ByteRatio()
  private var outputs = ByteRatio()
  private var lengths = OutputHistogram()

  package init() {}

  /// What the model has been given and has written, as its request and its response told it.
  package struct Sample: Sendable {
    /// `RequestFacts.textBytes` and `arrayNumbers`.
    package var textBytes: Int
    package var arrayNumbers: Int
    /// How many choices were asked for, and the bound that the client stated on each.
    package var choices: Int
    package var statedBound: Int?
    package var usage: MeteredUsage

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

  /// Learns from a reported usage; any other teaches nothing.
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
    // Where the client's bound cut it, the model's habit did not show.
    if let bound = sample.statedBound, each >= bound { return }
    lengths.add(each)
  }

  /// The prompt's tokens: of text, and where it is given as tokens already, as many as those.
  package func promptTokens(textBytes: Int, arrayNumbers: Int = 0) -> Int {
    prompts.tokens(forBytes: textBytes) + max(0, arrayNumbers)
  }

  /// The tokens of text that the model wrote.
  package func outputTokens(bytes: Int) -> Int { outputs.tokens(forBytes: bytes) }

  /// The bound on the output of one choice for which the client stated none; `maximum` is the
  /// policy's `max_output_tokens`.
  package func outputBound(maximum: Int?) -> Int {
    guard lengths.sampleCount >= Self.samplesMin, let usual = lengths.percentile99 else {
      return maximum ?? Self.outputTokensDefault
    }
    return max(1, min(usual, maximum ?? .max))
  }

  /// Restores what `state` saved; nil if that cannot be.
  package init?(state: [Int64]) {
    guard state.count >= 4, let prompts = ByteRatio(state: Array(state[0..<2])),
      let outputs = ByteRatio(state: Array(state[2..<4])),
      let lengths = OutputHistogram(state: Array(state[4...]))
    else { return nil }
    self.prompts = prompts
    self.outputs = outputs
    self.lengths = lengths
  }

  /// All that was learned, as integers.
  package var state: [Int64] { prompts.state + outputs.state + lengths.state }
}
