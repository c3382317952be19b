import Terms

/// Estimates the tokens of one tenant and model where the provider has not reported them (yet): prompt
/// and output tokens from bytes of text, the length of a completion from earlier completions. Learns
/// from every reported usage that is plausible.
package struct TokenEstimator: Sendable, Equatable {
  /// Completions that must have been seen before their 99th percentile is used as the output bound.
  package static let samplesMin = 100
  /// The output bound, in tokens, where the policy states no `max_output_tokens` and fewer than
  /// `samplesMin` completions have been seen.
  package static let outputTokensDefault = 1024
  /// What was learned lowers the output bound to this part of the maximum at most: a caller whose
  /// answers were short for a while may still get long ones.
  package static let outputPartMin = 4

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

  /// Learns from a sample whose usage the provider reported, as far as that is plausible; estimated
  /// usage is ignored. Nothing is learned where 0 was reported of something that was there. Returns
  /// whether anything was learned.
  @discardableResult
  package mutating func learn(_ sample: Sample) -> Bool {
    let usage = sample.usage
    guard usage.source == .reported else { return false }
    if sample.textBytes > 0, let prompt = usage.prompt, prompt <= 0 { return false }
    let completion = max(0, usage.completion ?? 0)
    guard ByteRatio.isEnough(tokens: completion, forBytes: usage.outputBytes) else { return false }
    var hasLearned = false
    if sample.arrayNumbers == 0, let prompt = usage.prompt {
      hasLearned = prompts.learn(bytes: sample.textBytes, tokens: prompt)
    }
    guard completion > 0 else { return hasLearned }
    let written = completion - min(completion, max(0, usage.reasoning ?? 0))
    hasLearned = outputs.learn(bytes: usage.outputBytes, tokens: written) || hasLearned
    let choices = max(1, sample.choices)
    let each = completion / choices + (completion % choices > 0 ? 1 : 0)
    // The client's bound ended this completion: its length says nothing about the usual one.
    if let bound = sample.statedBound, each >= bound { return hasLearned }
    lengths.add(each)
    return true
  }

  /// The estimated tokens of a prompt: those of its text, and one for each token id it gives
  /// (`arrayNumbers`).
  package func promptTokens(textBytes: Int, arrayNumbers: Int = 0) -> Int {
    let (sum, overflow) = prompts.tokens(forBytes: textBytes)
      .addingReportingOverflow(max(0, arrayNumbers))
    return overflow ? .max : sum
  }

  /// The estimated tokens of `bytes` of text that the model wrote.
  package func outputTokens(bytes: Int) -> Int { outputs.tokens(forBytes: bytes) }

  /// How many tokens to reserve for the output of one choice for which the client stated no bound:
  /// `maximum`, the policy's `max_output_tokens`, until `samplesMin` completions are known; then
  /// their 99th percentile, between a part of the maximum (`outputPartMin`) and all of it.
  package func outputBound(maximum: Int?) -> Int {
    let most = maximum ?? Self.outputTokensDefault
    guard lengths.sampleCount >= Self.samplesMin, let usual = lengths.percentile99 else {
      return most
    }
    let least = max(1, most / Self.outputPartMin + (most % Self.outputPartMin > 0 ? 1 : 0))
    return max(least, min(usual, maximum ?? .max))
  }

  /// What is known at the start of another tenant of the same model: the ratios without the lengths,
  /// which are each tenant's own habit.
  package var start: TokenEstimator {
    var start = TokenEstimator()
    (start.prompts, start.outputs) = (prompts, outputs)
    return start
  }

  /// The middle one of several tenants' ratios, of prompts and of outputs: none of them alone moves it
  /// beyond the others. Nil without any.
  package static func median(of estimators: [TokenEstimator]) -> TokenEstimator? {
    guard !estimators.isEmpty else { return nil }
    func middle(_ ratios: [ByteRatio]) -> ByteRatio {
      ratios.sorted(by: ByteRatio.hasFewerTokens)[ratios.count / 2]
    }
    var median = TokenEstimator()
    median.prompts = middle(estimators.map(\.prompts))
    median.outputs = middle(estimators.map(\.outputs))
    return median
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
