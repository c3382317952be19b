/// What a model answers: how much text, and what it cost.
struct Answer: Sendable {
  let request: ModelRequest
  let usage: Behaviour.Usage
  let cachedTokens: Int
  /// Output tokens of one choice.
  let tokens: Int
  /// The request's bound came before the answer's end.
  let isCutShort: Bool
  /// A number that tells this answer from the backend's others.
  let number: Int

  init(_ request: ModelRequest, _ behaviour: Behaviour, number: Int) {
    self.request = request
    usage = behaviour.usage
    cachedTokens = min(behaviour.cachedTokens, request.promptTokens)
    let bound = max(0, request.outputBound ?? Int.max)
    tokens = min(behaviour.tokens, bound)
    isCutShort = bound < behaviour.tokens
    self.number = number
  }

  var model: JSON { .string(request.model) }
  var promptTokens: Int { request.promptTokens }
  /// Output tokens of all choices.
  var outputTokens: Int { tokens * request.choices }

  /// The text of the n-th token, from 0: the same words in the same order every time.
  static func word(_ index: Int) -> String {
    let words = [
      "The", " model", " says", " what", " it", " was", " told", " to", " say", ",", " one",
      " word",
      " after", " another", ".", " ",
    ]
    return words[index % words.count]
  }

  /// The first `tokens` tokens as one text.
  var text: String { (0..<tokens).map(Answer.word).joined() }

  /// A fixed moment, so that equal requests get equal answers. Made anew each time: LeakSanitizer
  /// does not see that a global holds an enum's box, for the pointer to it is tagged.
  static var created: JSON { 1_760_000_000 }
}
