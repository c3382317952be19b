/// One entry of a backend's log. Bodies are not kept.
final class LoggedRequest {
  /// How an exchange ended, as the simulator saw it.
  enum Outcome: String {
    /// Not yet: the request is incomplete, or its answer is on the way or stalled.
    case open
    /// The answer was handed over whole.
    case complete
    /// By `x-sim-cut`.
    case cut
    /// By `x-sim-reset`.
    case reset
    /// The client closed the connection first.
    case abandoned
  }

  private let method: String
  private let target: String
  private let headers: [(name: String, value: String)]
  /// The model that the request named; empty when it named none.
  var model = ""
  /// The status of the answer; 0 while there is none.
  var status = 0
  var outcome = Outcome.open

  init(_ request: Request) {
    method = request.method
    target = request.target
    headers = request.headers
  }

  /// The entry as `GET /__sim/requests` shows it.
  var json: JSON {
    [
      "method": .string(method), "path": .string(target), "headers": Backend.pairs(headers),
      "model": .string(model), "status": .int(status), "outcome": .string(outcome.rawValue),
    ]
  }
}
