/// The events of a stream. Each token's event is made when it is sent, so that a long stream needs
/// little memory.
struct EventScript: Sendable {
  /// Sent with the head.
  var opening: [[UInt8]] = []
  var tokens: Int
  /// The event of the n-th token, from 0.
  var token: @Sendable (Int) -> [UInt8]
  /// Sent with the last token.
  var closing: [[UInt8]] = []

  /// A server-sent event: an `event:` line if it has a name, one `data:` line, an empty line.
  static func event(_ data: JSON, name: String? = nil) -> [UInt8] {
    var out: [UInt8] = []
    if let name { out.append(contentsOf: "event: \(name)\n".utf8) }
    out.append(contentsOf: "data: ".utf8)
    out.append(contentsOf: data.bytes)
    out.append(contentsOf: "\n\n".utf8)
    return out
  }

  /// What ends OpenAI's streams.
  static let done = Array("data: [DONE]\n\n".utf8)
}
