/// An answer that is yet to be sent.
struct Reply: Sendable {
  /// What follows the head.
  enum Body: Sendable {
    case whole([UInt8])
    /// Server-sent events, sent chunked as they fall due.
    case events(EventScript)
  }

  var status = 200
  var contentType = "application/json"
  var headers: [(name: String, value: String)] = []
  var body: Body
  /// How many tokens the answer stands for: what `x-sim-rate` makes a whole body wait for.
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

/// A stream of server-sent events, made one by one so that a long one costs no memory.
struct EventScript: Sendable {
  /// Sent with the head.
  var opening: [[UInt8]] = []
  var tokens: Int
  /// The event of the n-th token, from 0.
  var token: @Sendable (Int) -> [UInt8]
  /// Sent with the last token.
  var closing: [[UInt8]] = []

  /// An event as the wire has it: `event:` where there is a name, one `data:` line, an empty line.
  static func event(_ data: JSON, name: String? = nil) -> [UInt8] {
    var out: [UInt8] = []
    if let name { out.append(contentsOf: "event: \(name)\n".utf8) }
    out.append(contentsOf: "data: ".utf8)
    out.append(contentsOf: data.bytes)
    out.append(contentsOf: "\n\n".utf8)
    return out
  }

  /// OpenAI's end of a stream.
  static let done = Array("data: [DONE]\n\n".utf8)
}
