/// What a request asks the simulator to do, by its `x-sim-*` headers.
struct Behaviour: Sendable {
  /// Where a stream carries its usage: `x-sim-usage`.
  enum Usage: String, Sendable {
    /// As the API has it: in a chunk of its own, when asked for.
    case standard
    case none
    /// On every chunk, as vLLM's `continuous_usage_stats`.
    case continuous
    /// On the last chunk that has choices.
    case withChoices = "with-choices"
  }

  static let tokensDefault = 16
  /// More tokens than this are cut to it: an answer of 1,000,000 events is enough for any test.
  static let tokensMax = 1_000_000
  /// A longer name of a step is no name.
  static let stepNameBytesMax = 64

  /// `x-sim-tokens`: how many output tokens there are to say, before the request's own bound.
  var tokens = Behaviour.tokensDefault
  /// `x-sim-rate`: tokens a second; nil for at once.
  var tokensPerSecond: Double?
  /// `x-sim-delay-ms`: before the response's head.
  var delayMilliseconds = 0
  /// `x-sim-status`: answer with an error of this status.
  var status: Int?
  /// `x-sim-cut`: close the connection after so many tokens.
  var cutAfterTokens: Int?
  /// `x-sim-stall`: send nothing more after so many tokens, and stay open.
  var stallAfterTokens: Int?
  /// `x-sim-step`: each token of a stream waits until `/__sim/steps/NAME` lets it go.
  var step: String?
  /// `x-sim-number`: the answer's number, so that two answers can be the same bytes.
  var number: Int?
  /// `x-sim-reset: 1`: reset the connection instead of answering.
  var resets = false
  /// `x-sim-echo: 1`: answer with what was received.
  var echoes = false
  /// `x-sim-usage`.
  var usage = Usage.standard
  /// `x-sim-cached`: how many of the prompt's tokens the answer says came from a cache.
  var cachedTokens = 0

  /// Reads the headers; a value that cannot be read is as good as absent.
  init(_ request: Request) {
    for (name, value) in request.headers {
      let name = name.lowercased()
      guard name.hasPrefix("x-sim-") else { continue }
      switch name {
      case "x-sim-tokens":
        tokens = min(Behaviour.count(value) ?? tokens, Behaviour.tokensMax)
      case "x-sim-rate": tokensPerSecond = Double(value).flatMap { $0 > 0 ? $0 : nil }
      case "x-sim-delay-ms": delayMilliseconds = min(Behaviour.count(value) ?? 0, 3_600_000)
      case "x-sim-status": status = Behaviour.count(value).flatMap { 300...599 ~= $0 ? $0 : nil }
      case "x-sim-cut": cutAfterTokens = Behaviour.count(value)
      case "x-sim-stall": stallAfterTokens = Behaviour.count(value)
      case "x-sim-step": step = Behaviour.isStepName(value[...]) ? value : nil
      case "x-sim-number": number = Behaviour.count(value)
      case "x-sim-reset": resets = value == "1"
      case "x-sim-echo": echoes = value == "1"
      case "x-sim-usage": usage = Usage(rawValue: value) ?? .standard
      case "x-sim-cached": cachedTokens = Behaviour.count(value) ?? 0
      default: break
      }
    }
  }

  static func isStepName(_ name: Substring) -> Bool {
    !name.isEmpty && name.utf8.count <= stepNameBytesMax
  }

  private static func count(_ text: String) -> Int? { Int(text).flatMap { $0 >= 0 ? $0 : nil } }
}
