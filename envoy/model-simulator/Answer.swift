/// What the simulated model answers: how many tokens, and the usage it reports. An extension for
/// each API (`Answer+…`) writes it in that API's form.
struct Answer: Sendable {
  let request: ModelRequest
  /// Where the answer reports its usage.
  let usage: Behaviour.Usage
  /// How many of the prompt's tokens are reported as read from a cache.
  let cachedTokens: Int
  /// Output tokens of one choice.
  let tokens: Int
  /// Whether the request's token bound ended the answer, as `finish_reason: length` says.
  let isCutShort: Bool
  /// Part of the answer's id; each answer of a backend has its own, unless `x-sim-number` sets it.
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
  /// Tokens of the prompt, those read from a cache included.
  var promptTokens: Int { request.promptTokens }
  /// Output tokens of all choices.
  var outputTokens: Int { tokens * request.choices }

  /// The text of the n-th token, from 0: the same words in the same order every time.
  static func word(_ index: Int) -> String {
    let words = [
      "The", " model", " says", " what", " it", " was", " told", " to", " say", ",", " one",
      " word", " after", " another", ".", " ",
    ]
    return words[index % words.count]
  }

  /// The first `tokens` tokens as one text.
  var text: String { (0..<tokens).map(Answer.word).joined() }

  /// The `created` time, in Unix seconds: always the same, so that equal requests get equal
  /// answers. Computed, not stored: LeakSanitizer would report a stored one as a leak, because
  /// Swift tags the pointer to an indirect enum's value.
  static var created: JSON { 1_760_000_000 }
}
