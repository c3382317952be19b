/// An answer before it is sent.
struct Reply: Sendable {
  /// What follows the head.
  enum Body: Sendable {
    case whole([UInt8])
    /// Server-sent events, each sent as a chunk when it is due.
    case events(EventScript)
  }

  var status = 200
  var contentType = "application/json"
  var headers: [(name: String, value: String)] = []
  var body: Body
  /// The answer's output tokens. With `x-sim-rate` a whole body is sent when all of them would be.
  var tokens = 0

  init(json: JSON, status: Int = 200, tokens: Int = 0) {
    self.status = status
    self.body = .whole(json.bytes)
    self.tokens = tokens
  }

  init(_ bytes: [UInt8], contentType: String, tokens: Int = 0) {
    self.body = .whole(bytes)
    self.contentType = contentType
    self.tokens = tokens
  }

  init(events: EventScript) {
    self.body = .events(events)
    self.contentType = "text/event-stream"
    self.tokens = events.tokens
  }
}
