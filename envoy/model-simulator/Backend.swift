import Bytes

/// One simulated model server: its name, the log of what reached it, and the steps of its streams.
final class Backend {
  /// How many requests the log keeps. A further one replaces the oldest; `requestCount` goes on.
  static let logEntriesMax = 10_000
  /// How many names of steps are kept. A further name gets 400.
  static let stepNamesMax = 1_000
  private static let stepsPath = "/__sim/steps/"

  let name: String
  /// Requests since the start or the last DELETE of the log.
  private(set) var requestCount = 0
  /// A ring once it is full: the oldest entry is at `logStart`.
  private var log: [LoggedRequest] = []
  private var logStart = 0
  private var stepsByName: [String: Int] = [:]

  init(name: String) { self.name = name }

  /// Records a request as soon as its head is read, so that one whose body never ends is in the log
  /// too.
  func record(_ request: Request) -> LoggedRequest {
    requestCount += 1
    let entry = LoggedRequest(request)
    if log.count < Backend.logEntriesMax {
      log.append(entry)
    } else {
      log[logStart] = entry
      logStart = (logStart + 1) % Backend.logEntriesMax
    }
    return entry
  }

  /// Whether a path is the simulator's own (`/__sim/…`). Requests for it are not recorded.
  static func isOwn(_ path: String) -> Bool {
    path == "/__sim/requests" || path.hasPrefix(stepsPath)
  }

  /// How many tokens each stream with this step's name may have sent by now.
  func steps(_ name: String) -> Int { stepsByName[name] ?? 0 }

  /// The answer to a request that was received whole; fills in the model and the status of its
  /// entry.
  func reply(to request: Request, _ behaviour: Behaviour, entry: LoggedRequest?) -> Reply {
    var reply: Reply
    if request.path == "/__sim/requests" {
      reply = requestsReply(request)
    } else if request.path.hasPrefix(Backend.stepsPath) {
      reply = stepsReply(request)
    } else {
      let (found, model) = answer(request, behaviour)
      reply = behaviour.echoes ? echo(request) : found
      entry?.model = model
      reply.headers.append(("x-sim-model", model))
    }
    reply.headers.append(("x-sim-backend", name))
    entry?.status = reply.status
    return reply
  }

  private func requestsReply(_ request: Request) -> Reply {
    if request.method == "DELETE" {
      log = []
      logStart = 0
      requestCount = 0
      stepsByName = [:]
    }
    let entries = log[logStart...] + log[..<logStart]
    return Reply(json: [
      "backend": .string(name), "count": .int(requestCount),
      "requests": .array(entries.map(\.json)),
    ])
  }

  /// `POST /__sim/steps/NAME` lets the streams of that name send one more token, or as many more as
  /// the body says.
  private func stepsReply(_ request: Request) -> Reply {
    let name = request.path.dropFirst(Backend.stepsPath.count)
    let said = request.body.isEmpty ? 1 : Int(String(decoding: request.body, as: UTF8.self))
    guard request.method == "POST", Behaviour.isStepName(name), let said, said >= 0,
      stepsByName[String(name)] != nil || stepsByName.count < Backend.stepNamesMax
    else {
      return refusal(
        request, 400, "a step takes POST, a name of at most 64 bytes, and a number as its body")
    }
    let steps = min(steps(String(name)) + min(said, Behaviour.tokensMax), Behaviour.tokensMax)
    stepsByName[String(name)] = steps
    return Reply(json: ["backend": .string(self.name), "steps": .int(steps)])
  }

  private func echo(_ request: Request) -> Reply {
    Reply(json: [
      "backend": .string(name), "method": .string(request.method), "path": .string(request.target),
      "headers": Backend.pairs(request.headers),
      "body_sha256": .string(SHA256.digest(of: request.body.span).hex),
      "body_bytes": .int(request.body.count),
      "trailers": Backend.pairs(request.trailers),
    ])
  }

  /// Header fields as an array of `[name, value]`, so that order and repeats stay visible.
  static func pairs(_ fields: [(name: String, value: String)]) -> JSON {
    .array(fields.map { [.string($0.name), .string($0.value)] })
  }

  private func answer(_ request: Request, _ behaviour: Behaviour) -> (Reply, model: String) {
    guard let (endpoint, deployment) = Endpoint.match(request.path) else {
      return (refusal(request, 404, "this server has no \(request.path)"), "")
    }
    guard request.method == "POST" else {
      return (refusal(request, 405, "\(endpoint.rawValue) takes POST"), "")
    }
    let type = request.header("content-type") ?? ""
    let read =
      type.hasPrefix("multipart/form-data")
      ? ModelRequest(form: request.body, contentType: type) : ModelRequest(json: request.body)
    guard var asked = read else {
      return (refusal(request, 400, "the body is neither a JSON object nor a form"), "")
    }
    if asked.model.isEmpty, let deployment { asked.model = deployment }
    if let status = behaviour.status {
      return (
        refusal(request, status, "the request asked for this status in x-sim-status"), asked.model
      )
    }
    let answer = Answer(asked, behaviour, number: behaviour.number ?? requestCount)
    return (endpoint.reply(answer, stream: asked.stream), asked.model)
  }

  /// An error in the form of the path's API: Anthropic's below `/v1/messages`, otherwise OpenAI's.
  private func refusal(_ request: Request, _ status: Int, _ message: String) -> Reply {
    if request.path.hasPrefix("/v1/messages") {
      let type: JSON = status >= 500 ? "api_error" : "invalid_request_error"
      let error: JSON = ["type": type, "message": .string(message)]
      return Reply(json: ["type": "error", "error": error], status: status)
    }
    let type: JSON = status >= 500 ? "server_error" : "invalid_request_error"
    let error: JSON = [
      "message": .string(message), "type": type, "param": nil, "code": nil,
    ]
    return Reply(json: ["error": error], status: status)
  }
}
