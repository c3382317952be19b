/// The fields of a request body that may state how many tokens an answer has at most. Which of them
/// count is the dialect's, or a model's `bound_fields`; the others are another server's words.
package enum BoundField: String, Sendable, CaseIterable {
  case maxTokens = "max_tokens"
  case maxCompletionTokens = "max_completion_tokens"
  case maxOutputTokens = "max_output_tokens"
  case nPredict = "n_predict"
  case maxNewTokens = "max_new_tokens"
  case maxLength = "max_length"
}
