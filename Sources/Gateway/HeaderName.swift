/// The header names this program reads, sets and removes (design, "Headers").
enum HeaderName {
  static let tenant = Array("x-ai-tenant".utf8)
  static let subject = Array("x-ai-subject".utf8)
  static let model = Array("x-ai-model".utf8)
  static let modelRoute = Array("x-ai-model-route".utf8)
  static let trafficClass = Array("x-ai-traffic-class".utf8)
  static let stream = Array("x-ai-stream".utf8)
  static let requestID = Array("x-ai-request-id".utf8)
  static let gatewayModelName = Array("x-gateway-model-name".utf8)
  static let fairnessID = Array("x-gateway-inference-fairness-id".utf8)
  static let inferenceObjective = Array("x-gateway-inference-objective".utf8)
  static let acceptEncoding = Array("accept-encoding".utf8)
  static let contentLength = Array("content-length".utf8)
  static let contentType = Array("content-type".utf8)
  static let path = Array(":path".utf8)

  /// Every header that only Tollgate may set on a request.
  static let owned = [
    tenant, subject, model, modelRoute, trafficClass, stream, requestID, gatewayModelName,
    fairnessID, inferenceObjective,
  ]

  /// Whether `name` is one of ours in any spelling: case, and `_` for `-`, which some servers
  /// take for the same header.
  @inline(__always)
  static func isOwned(_ name: Span<UInt8>) -> Bool {
    guard name.count >= 10, name[0] | 0x20 == UInt8(ascii: "x"),
      name[1] == UInt8(ascii: "-") || name[1] == UInt8(ascii: "_")
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
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    case UInt8(ascii: "_"): UInt8(ascii: "-")
    default: byte
    }
  }
}
