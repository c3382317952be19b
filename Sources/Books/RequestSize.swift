import Inference
import Policy
import Quota
import Terms

/// The size of a request for a model: what tells how many tokens it may use before its provider says
/// so.
package struct RequestSize: Sendable, Equatable {
  /// The model's canonical name: each has estimates of its own.
  package var model: String
  /// Bytes of text in the prompt, after unescaping, and the numbers of a prompt given as tokens.
  package var textBytes: Int
  package var arrayNumbers: Int
  /// How many answers are asked for: the larger of `n` and `best_of`, at least 1.
  package var choices: Int
  /// The bound on each answer's tokens: the client's own, and the policy's `max_output_tokens`.
  package var statedBound: Int?
  package var maxOutputTokens: Int?
  /// The endpoint writes tokens; an embedding does not.
  package var writesOutput: Bool

  package init(
    model: String, textBytes: Int, arrayNumbers: Int, choices: Int, statedBound: Int?,
    maxOutputTokens: Int?, writesOutput: Bool
  ) {
    self.model = model
    self.textBytes = textBytes
    self.arrayNumbers = arrayNumbers
    self.choices = choices
    self.statedBound = statedBound
    self.maxOutputTokens = maxOutputTokens
    self.writesOutput = writesOutput
  }

  /// What is reserved for it, by what is known of the model's requests so far.
  package func demand(by estimator: TokenEstimator, _ prices: Prices?) -> Demand {
    let prompt = estimator.promptTokens(textBytes: textBytes, arrayNumbers: arrayNumbers)
    var each = 0
    if writesOutput {
      each = statedBound ?? estimator.outputBound(maximum: maxOutputTokens)
    }
    return Demand(
      promptTokens: Int64(prompt),
      // A bound is at most 2³¹, and so are the choices.
      completionTokens: Int64(each) * Int64(choices),
      isBoundStated: statedBound != nil || !writesOutput, prices: prices ?? .free)
  }

  /// What an answer to it teaches.
  func sample(_ usage: MeteredUsage) -> TokenEstimator.Sample {
    TokenEstimator.Sample(
      textBytes: textBytes, arrayNumbers: arrayNumbers, choices: choices,
      statedBound: statedBound, usage: usage)
  }
}
