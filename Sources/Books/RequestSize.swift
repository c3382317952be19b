import Inference
import Quota
import Terms

/// The size of a request for a model, from which its use of tokens is estimated before the backend
/// reports it.
package struct RequestSize: Sendable, Equatable {
  /// The model's canonical name, which selects the estimator.
  package var model: String
  /// Bytes of text in the prompt, after JSON unescaping.
  package var textBytes: Int
  /// Tokens of the prompt beside its text: those that are given as numbers, those of pictures, sound and
  /// files.
  package var arrayNumbers: Int
  /// How many answers are asked for, of all prompts together; at least 1.
  package var choices: Int
  /// The most tokens of each answer as the client stated it; nil where it stated none.
  package var statedBound: Int?
  /// The most tokens of each answer that a field asks for which does not bind here; nil for none.
  package var raisedBound: Int?
  /// Whether what is reserved for the answer is written into the body, so that its use cannot pass it.
  package var isBoundWritten: Bool
  /// Whether the answer is made after the exchange has ended (`background`).
  package var isBackground: Bool
  /// The policy's `max_output_tokens`; nil where it has none.
  package var maxOutputTokens: Int?
  /// The policy's `context_tokens`, the most that the model can read; nil where it has none.
  package var contextTokens: Int?
  /// The tokens of what the request continues and the backend keeps, as far as they are known; nil where
  /// it continues nothing.
  package var continuedTokens: Int?
  /// Whether the endpoint produces tokens; an embedding does not.
  package var writesOutput: Bool
  /// The tier of service that the request asks for.
  package var tier: ServiceTier?
  /// How many pictures it asks for, where it asks for pictures; else 0.
  package var pictures: Int
  /// How many calls of hosted tools it allows.
  package var toolCalls: Int

  package init(
    model: String, textBytes: Int, arrayNumbers: Int, choices: Int, statedBound: Int?,
    raisedBound: Int? = nil, isBoundWritten: Bool = false, isBackground: Bool = false,
    maxOutputTokens: Int?,
    contextTokens: Int? = nil, continuedTokens: Int? = nil, writesOutput: Bool,
    tier: ServiceTier? = nil, pictures: Int = 0, toolCalls: Int = 0
  ) {
    self.model = model
    self.textBytes = textBytes
    self.arrayNumbers = arrayNumbers
    self.choices = choices
    self.statedBound = statedBound
    self.raisedBound = raisedBound
    self.isBoundWritten = isBoundWritten
    self.isBackground = isBackground
    self.maxOutputTokens = maxOutputTokens
    self.contextTokens = contextTokens
    self.continuedTokens = continuedTokens
    self.writesOutput = writesOutput
    self.tier = tier
    self.pictures = pictures
    self.toolCalls = toolCalls
  }

  /// What is to be reserved for it, by what its tenant's estimator for the model has
  /// learned.
  package func demand(by estimator: TokenEstimator, _ prices: Prices?) -> Demand {
    // More than the model can read is not charged, so it is not reserved either.
    let text = estimator.promptTokens(textBytes: textBytes, arrayNumbers: arrayNumbers)
    let prompt = min(
      Int128(text) + Int128(max(0, continuedTokens ?? 0)), Int128(cap.promptTokens))
    var (usual, most) = (0, 0)
    if writesOutput {
      let longest = maxOutputTokens ?? TokenEstimator.outputTokensDefault
      // A bound that is written cuts the answer off, so it is not what was learned.
      let chosen =
        isBoundWritten ? longest : estimator.outputBound(maximum: maxOutputTokens)
      usual = max(statedBound ?? chosen, raisedBound ?? 0)
      // What was learned says how long answers are as a rule. Money is reserved for the longest one.
      most = statedBound == nil ? max(usual, longest) : usual
    }
    return Demand(
      promptTokens: Int64(prompt),
      completionTokens: Int64(usual).timesSaturating(Int64(choices)),
      completionTokensMost: Int64(most).timesSaturating(Int64(choices)),
      isBoundStated: statedBound != nil || !writesOutput, prices: prices ?? .free, tier: tier,
      pictures: Int64(pictures), toolCalls: Int64(toolCalls))
  }

  /// What the estimator learns from an answer to this request.
  func sample(_ usage: MeteredUsage) -> TokenEstimator.Sample {
    var usage = usage
    // A prompt with what the backend keeps says nothing of the text in this request.
    if continuedTokens != nil { usage.prompt = nil }
    return TokenEstimator.Sample(
      textBytes: textBytes, arrayNumbers: arrayNumbers, choices: choices,
      statedBound: statedBound, usage: usage)
  }
}
