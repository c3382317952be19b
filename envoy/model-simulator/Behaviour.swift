/// What a request asks the simulator to do, by its `x-sim-*` headers.
struct Behaviour: Sendable {
  /// Where an answer reports its usage: `x-sim-usage`.
  enum Usage: String, Sendable {
    /// Where the API puts it; in a chat's stream: in a chunk of its own, when the request asks for
    /// it.
    case standard
    /// Nowhere.
    case none
    /// On every chunk, as vLLM does with `continuous_usage_stats`.
    case continuous
    /// On the last chunk that has choices, instead of in a chunk of its own.
    case withChoices = "with-choices"
  }

  static let tokensDefault = 16
  /// The most tokens of an answer; a larger `x-sim-tokens` means this many.
  static let tokensMax = 1_000_000
  /// A longer name of a step is ignored in `x-sim-step`, and refused in `/__sim/steps/NAME`.
  static let stepNameBytesMax = 64

  /// `x-sim-tokens`: how many output tokens the answer has, unless the request's own bound is
  /// lower.
  var tokens = Behaviour.tokensDefault
  /// `x-sim-rate`: tokens a second; nil sends all at once.
  var tokensPerSecond: Double?
  /// `x-sim-delay-ms`: how long to wait before the response's head; at most an hour.
  var delayMilliseconds = 0
  /// `x-sim-status`: answer with an error of this status, 300 to 599.
  var status: Int?
  /// `x-sim-cut`: close the connection after this many tokens.
  var cutAfterTokens: Int?
  /// `x-sim-stall`: send nothing after this many tokens, and keep the connection open.
  var stallAfterTokens: Int?
  /// `x-sim-step`: each token of a stream waits until a `POST /__sim/steps/NAME` allows it.
  var step: String?
  /// `x-sim-number`: the number in the answer's id, so that two answers can have the same bytes.
  var number: Int?
  /// `x-sim-reset: 1`: reset the connection instead of answering.
  var resets = false
  /// `x-sim-echo: 1`: answer with what was received.
  var echoes = false
  /// `x-sim-usage`; a value that is not known means `standard`.
  var usage = Usage.standard
  /// `x-sim-cached`: how many of the prompt's tokens the answer reports as read from a cache.
  var cachedTokens = 0

  /// Reads the headers. A value that cannot be read is ignored.
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

  /// Whether a name is not empty and at most `stepNameBytesMax` bytes long.
  static func isStepName(_ name: Substring) -> Bool {
    !name.isEmpty && name.utf8.count <= stepNameBytesMax
  }

  private static func count(_ text: String) -> Int? { Int(text).flatMap { $0 >= 0 ? $0 : nil } }
}
