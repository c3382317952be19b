import Bytes
import EnvoyAPI

/// A `CheckRequest` as EnvoyAPI reads it.
enum CheckRequestReading {
  static func json(of message: [UInt8]) -> String {
    do {
      return object([("read", try describe(try CheckRequest(message.span), message))])
    } catch {
      return object([("read", failure(error))])
    }
  }

  private static func describe(
    _ request: CheckRequest, _ bytes: [UInt8]
  ) throws(WireError) -> String {
    var pairs: [String] = []
    try request.forEachHeader(in: bytes.span) { name, value in
      pairs.append(array([quoted(bytes, name), quoted(bytes, value)]))
    }
    var headerMap = "null"
    if let range = request.headerMap { headerMap = try headers(bytes, range) }
    var metadataJSON = "null"
    if let range = request.metadata { metadataJSON = try metadata(bytes, range) }
    return object([
      ("principal", quoted(bytes, request.principal)),
      ("source_address", quoted(bytes, request.sourceAddress)),
      ("source_port", "\(request.sourcePort)"),
      ("method", quoted(bytes, request.method)),
      ("path", quoted(bytes, request.path)),
      ("host", quoted(bytes, request.host)),
      ("id", quoted(bytes, request.id)),
      ("size", "\(request.size)"),
      ("body", quoted(bytes, request.body)),
      ("raw_body", quoted(bytes, request.rawBody)),
      ("headers", array(pairs)),
      ("header_map", headerMap),
      ("metadata", metadataJSON),
    ])
  }
}
