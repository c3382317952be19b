import Bytes

/// The header names this program reads, sets and removes.
enum HeaderName {
  static let tenant: StaticString = "x-ai-tenant"
  static let subject: StaticString = "x-ai-subject"
  static let model: StaticString = "x-ai-model"
  static let modelRoute: StaticString = "x-ai-model-route"
  static let trafficClass: StaticString = "x-ai-traffic-class"
  static let stream: StaticString = "x-ai-stream"
  static let requestID: StaticString = "x-ai-request-id"
  /// Where Anthropic's clients look for the id of a response.
  static let anthropicRequestID: StaticString = "request-id"
  static let gatewayModelName: StaticString = "x-gateway-model-name"
  static let fairnessID: StaticString = "x-gateway-inference-fairness-id"
  static let inferenceObjective: StaticString = "x-gateway-inference-objective"
  static let acceptEncoding: StaticString = "accept-encoding"
  static let authorization: StaticString = "authorization"
  static let contentLength: StaticString = "content-length"
  static let contentType: StaticString = "content-type"
  static let path: StaticString = ":path"

  /// The names under which a response has the request's id.
  static func ofResponseID(anthropic: Bool) -> [StaticString] {
    anthropic ? responseIDsOfAnthropic : responseIDs
  }
  private static let responseIDs = [requestID]
  private static let responseIDsOfAnthropic = [anthropicRequestID, requestID]

  /// Those that are set only where a model was chosen.
  static let ofModel = [
    model, trafficClass, stream, gatewayModelName, inferenceObjective,
  ]

  /// Every header that only Tollgate may set on a request.
  static let owned = [
    tenant, subject, model, modelRoute, trafficClass, stream, requestID, gatewayModelName,
    fairnessID, inferenceObjective,
  ].map { Array("\($0)".utf8) }

  /// Whether `name` is one of ours in any spelling: case, and `_` for `-`, which some servers
  /// take for the same header.
  @inline(__always)
  static func isOwned(_ name: Span<UInt8>) -> Bool {
    guard name.count >= 10, name[0] | 0x20 == UInt8(ascii: "x"),
      name[1] == UInt8(ascii: "-") || name[1] == UInt8(ascii: "_"),
      name[2] | 0x20 == UInt8(ascii: "a") || name[2] | 0x20 == UInt8(ascii: "g")
    else { return false }
    return isOwnedSpelling(name)
  }

  private static func isOwnedSpelling(_ name: Span<UInt8>) -> Bool {
    for known in owned where known.count == name.count {
      var same = true
      for index in name.indices where fold(name[index]) != known[index] {
        same = false
        break
      }
      if same { return true }
    }
    return false
  }

  private static func fold(_ byte: UInt8) -> UInt8 {
    byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : byte.lowercasedASCII
  }
}
