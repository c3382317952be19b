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
  /// Whether the answer is made after the exchange has ended (`background`).
  package var isBackground: Bool
  /// The policy's `max_output_tokens`; nil where it has none.
  package var maxOutputTokens: Int?
  /// Whether the endpoint produces tokens; an embedding does not.
  package var writesOutput: Bool

  package init(
    model: String, textBytes: Int, arrayNumbers: Int, choices: Int, statedBound: Int?,
    raisedBound: Int? = nil, isBackground: Bool = false, maxOutputTokens: Int?, writesOutput: Bool
  ) {
    self.model = model
    self.textBytes = textBytes
    self.arrayNumbers = arrayNumbers
    self.choices = choices
    self.statedBound = statedBound
    self.raisedBound = raisedBound
    self.isBackground = isBackground
    self.maxOutputTokens = maxOutputTokens
    self.writesOutput = writesOutput
  }

  /// What is to be reserved for it, by what the model's estimator has learned.
  package func demand(by estimator: TokenEstimator, _ prices: Prices?) -> Demand {
    let prompt = estimator.promptTokens(textBytes: textBytes, arrayNumbers: arrayNumbers)
    var each = 0
    if writesOutput {
      each = max(
        statedBound ?? estimator.outputBound(maximum: maxOutputTokens), raisedBound ?? 0)
    }
    return Demand(
      promptTokens: Int64(prompt),
      completionTokens: Int64(each).timesSaturating(Int64(choices)),
      isBoundStated: statedBound != nil || !writesOutput, prices: prices ?? .free)
  }

  /// What the estimator learns from an answer to this request.
  func sample(_ usage: MeteredUsage) -> TokenEstimator.Sample {
    TokenEstimator.Sample(
      textBytes: textBytes, arrayNumbers: arrayNumbers, choices: choices,
      statedBound: statedBound, usage: usage)
  }
}
